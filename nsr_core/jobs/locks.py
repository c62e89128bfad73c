"""Locks that the system releases when their holder dies, however it dies; so a held lock is a living process.

A pid tells less: it is given again to other processes, and the start time that would tell them apart moves when the
machine's clock is set.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nsr_core.errors import UserError

CONTROL_LOCK = ".control.lock"


def take(file: IO) -> bool:
    """Take the lock on an open file, if nobody has it; closing the file, or dying, gives it back."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether a living process, or this one, has the lock on a file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def control(root: Path) -> Iterator[None]:
    """Within it nobody else, be it a thread or a process, decides about the runs below ``root``.

    Raises:
        UserError: ``root`` cannot be written, also where that shows only within.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / CONTROL_LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise UserError(
            f"The runs folder {root} cannot be written ({error.strerror or error}). Make room or give it rights, or "
            "name another folder in the environment variable NSR_RUNS_DIR."
        ) from None
