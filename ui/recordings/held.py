"""Recordings in memory, each for a while after it was last used: a visit may end long before the server notices.

Streamlit frees what an ended visit held when the next visitor comes, which may be days later. Here a timer does so, and takes
along all that the visit made of the recording.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from nsr_core.recordings.recording import Recording

#: Minutes after the last use, and after it where the page was closed.
MINUTES, CLOSED_MINUTES = 30, 3
_LOOK_EVERY_SECONDS = 60.0
#: In a visit's state: all that is made of the visitor's own recording.
OWN_KEYS = ("own_files", "own_upload", "own_cut", "own_readings", "own_reading", "own_memo")


@dataclass(frozen=True)
class Ticket:
    """Stands for a recording in a visit's state."""

    number: int


@dataclass
class _Held:
    """A recording, when it was last used, whether its page is still open, and how to forget what came of it."""

    recording: Recording
    used: float
    is_open: Callable[[], bool]
    forget: Callable[[], None]

    def is_due(self, now: float) -> bool:
        idle = now - self.used
        return idle > 60 * MINUTES or (idle > 60 * CLOSED_MINUTES and not self.is_open())


_lock = threading.Lock()
_held: dict[Ticket, _Held] = {}
_count = 0


def keep(recording: Recording, uploads: tuple[str, ...] = ()) -> Ticket:
    """Keep a recording until it was not asked for in ``MINUTES``, or its page was closed ``CLOSED_MINUTES`` ago.

    Args:
        uploads: the ids of the files that it was read from, which then are forgotten too.
    """
    global _count
    is_open, forget = _this_visit(uploads)
    with _lock:
        _count += 1
        ticket = Ticket(_count)
        if not _held:
            _later()
        _held[ticket] = _Held(recording, time.monotonic(), is_open, forget)
    return ticket


def find(ticket: object) -> Recording | None:
    """The recording; None where it was dropped, or what is given is no ticket."""
    with _lock:
        found = _held.get(ticket) if isinstance(ticket, Ticket) else None
        if found is None:
            return None
        found.used = time.monotonic()
        return found.recording


def drop(ticket: object) -> None:
    """Forget it now; of anything else than a ticket nothing."""
    with _lock:
        if isinstance(ticket, Ticket):
            _held.pop(ticket, None)


def forget_unused(now: float) -> None:
    """Forget what is due at a time of ``time.monotonic``."""
    with _lock:
        due = [_held.pop(ticket) for ticket, held in list(_held.items()) if held.is_due(now)]
    for held in due:
        held.forget()


def _this_visit(uploads: tuple[str, ...]) -> tuple[Callable[[], bool], Callable[[], None]]:
    """Whether the visit that calls is still there, asked later from another thread; and the end of what it holds."""
    context = get_script_run_ctx()
    if context is None:
        return lambda: True, lambda: None
    visit, state, files = context.session_id, context.session_state, context.uploaded_file_mgr

    def forget() -> None:
        if isinstance(files, MemoryUploadedFileManager):  # the only one that Streamlit has, and that can drop one file
            for file in uploads:
                files.remove_file(visit, file)
        for key in OWN_KEYS:
            if key in state:
                del state[key]

    return lambda: not exists() or get_instance().is_active_session(visit), forget


def touch() -> None:
    """Say that this visit uses its recording, on whichever page."""
    kept = st.session_state.get(OWN_KEYS[0])
    find(kept[1] if kept else None)


def _later() -> None:
    timer = threading.Timer(_LOOK_EVERY_SECONDS, _forget_and_go_on)
    timer.daemon = True
    timer.start()


def _forget_and_go_on() -> None:
    forget_unused(time.monotonic())
    with _lock:
        if _held:
            _later()
