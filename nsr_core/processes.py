"""What this program asks of processes and of open files where Windows and POSIX differ. For locks see ``nsr_core.locking``."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: In the folder of a process's work, on Windows: it is asked to stop.
STOP_FILE = ".stop"
LOOK_EVERY_SECONDS = 0.2
#: So long a file that others have open may stay in the way of its successor.
REPLACE_SECONDS = 2.0


def run_here(command: Sequence[str]) -> None:
    """Run a program in place of this one: what is sent to this process, such as Ctrl-C, reaches that one.

    Windows cannot replace a process: there ``os.execv`` starts another and ends this one at once, and the shell, which has its
    prompt back, reads the same keys. So this process waits there, and ends with the other's status; Ctrl-C reaches both, and
    is the other's to heed.

    Raises:
        SystemExit: on Windows, where the program has ended.
    """
    sys.stdout.flush()
    if sys.platform == "win32":
        sys.exit(_status_of(command))
    os.execv(command[0], list(command))


def _status_of(command: Sequence[str]) -> int:
    """Run a program beside this one and wait for its end, whatever keys are pressed meanwhile."""
    with subprocess.Popen(command) as process:
        while True:
            with suppress(KeyboardInterrupt):
                return process.wait()


def apart() -> dict[str, Any]:
    """What ``subprocess.Popen`` is given for a process that neither a closed terminal nor Ctrl-C reaches."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def be_nice(niceness: int) -> None:
    """Leave others the processor first; Windows has no such number, and there nothing happens."""
    if hasattr(os, "nice"):
        os.nice(niceness)


def ask_to_stop(pid: int, folder: Path) -> None:
    """Have a process receive SIGTERM, if it still lives and is within ``heeding_stop``.

    Windows has no signal that one process could send to another and that could be heeded: ``os.kill`` ends it on the spot.
    There a file asks for it.

    Args:
        pid: of the process.
        folder: of its work, the same that it gave to ``heeding_stop``.
    """
    if sys.platform == "win32":
        (folder / STOP_FILE).touch()
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


@contextmanager
def heeding_stop(folder: Path) -> Iterator[None]:
    """Within it this process receives the SIGTERM of ``ask_to_stop``; to be entered before anybody learns of the process."""
    if sys.platform != "win32":
        yield
        return
    path, done = folder / STOP_FILE, threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_EVERY_SECONDS):
            if path.exists():
                _thread.interrupt_main(signal.SIGTERM)
                return

    path.unlink(missing_ok=True)  # meant for an earlier process of the same work
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(OSError):
            path.unlink(missing_ok=True)


def replace_file(partial: Path, path: Path) -> None:
    """``os.replace``; Windows refuses while somebody has the old file open, if only to read it: there it is tried again.

    Raises:
        OSError: it cannot be done.
    """
    ends = time.monotonic() + REPLACE_SECONDS
    while True:
        try:
            os.replace(partial, path)
            return
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > ends:
                raise
        time.sleep(0.02)
