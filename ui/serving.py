"""What the server does once as it starts, and what it allows: everything to the person who runs it, less to strangers.

Where the environment variable ``PUBLIC_VARIABLE`` is 1, visitors are strangers: they name no folder, train and evaluate nothing,
bring smaller recordings, and an attack of theirs waits for its turn and ends after a while.
"""

import ipaddress
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import streamlit as st

from nsr_core.errors import UserError
from nsr_core.files import PUBLIC_VARIABLE, cache_dir, remove_leftovers, runs_dir
from nsr_core.progress import Progress
from nsr_core.recordings.limits import LIMITS, Limits

#: In public mode: seconds that one visitor's attacks may take, and how many visitors may compute at the same time.
PUBLIC_SECONDS, PUBLIC_AT_ONCE = 30.0, 2
PUBLIC_LIMITS = replace(
    LIMITS,
    given_bytes=10_000_000,
    streamed_bytes=20_000_000,
    unzipped_bytes=40_000_000,
    samples=5_000_000,
    text_samples=5_000_000,
    streamed_samples=20_000_000,
    at_once_hours=2.0,
)
NOT_HERE = "This server is open to the public, where this is switched off. It works in the program on your own machine."
_turns = threading.BoundedSemaphore(PUBLIC_AT_ONCE)


def is_public() -> bool:
    """Whether visitors are strangers."""
    return os.environ.get(PUBLIC_VARIABLE, "").strip().lower() not in ("", "0", "false", "no")


@st.cache_resource(show_spinner=False)
def start_up() -> None:
    """Once in the server's life: remove what killed processes left, and say on the console who can reach it."""
    with suppress(OSError):
        remove_leftovers(Path(tempfile.gettempdir()))
    for folder in (cache_dir(), runs_dir()):
        remove_leftovers(folder)
        with suppress(OSError):
            for below in folder.iterdir():
                remove_leftovers(below)
    if is_public():
        st.set_option("client.showErrorDetails", "none")
    elif (address := st.get_option("server.address")) is None or not is_loopback(address):
        sys.stderr.write(
            f"This app listens beyond this machine (server.address is {address or 'not set'}), and whoever reaches it can train, "
            f"delete runs, and name folders of this machine. Let it listen on localhost, or set {PUBLIC_VARIABLE}=1.\n"
        )


def is_loopback(address: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def limits() -> Limits:
    """What reading a visitor's recording may cost."""
    return PUBLIC_LIMITS if is_public() else LIMITS


@contextmanager
def turn() -> Iterator[None]:
    """Within it a visitor may compute for long; in public mode only some at a time, the others wait and see that they do."""
    place = st.empty() if is_public() else None

    def say() -> None:
        assert place is not None  # nobody else waits
        place.caption(":material/hourglass_empty: Other visitors' attacks are under way; yours comes next.")

    with turn_unseen(say):
        if place is not None:
            place.empty()
        yield


@contextmanager
def turn_unseen(waits: Callable[[], object]) -> Iterator[None]:
    """The same off the script's thread: ``waits`` is called twice a second until the turn comes, and may raise to give it up."""
    if not is_public():
        yield
        return
    while not _turns.acquire(timeout=0.5):
        waits()
    try:
        yield
    finally:
        _turns.release()


def limited(progress: Progress) -> Progress:
    """The same; in public mode it ends what takes too long.

    Raises:
        UserError: out of the progress, after ``PUBLIC_SECONDS``.
    """
    if not is_public():
        return progress
    end = time.monotonic() + PUBLIC_SECONDS

    def until(done: int, total: int, what: str) -> None:
        progress(done, total, what)
        if time.monotonic() > end:
            raise UserError(
                f"This public server gives an attack at most {PUBLIC_SECONDS:g} s. Choose fewer steps or a smaller network, or "
                "run the program on your own machine, which has no such limit."
            )

    return until
