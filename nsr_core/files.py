"""Where this program keeps files, how it writes them so that none is ever half there, and locks on them."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pooch

CACHE_VARIABLE = "NSR_CACHE_DIR"
RUNS_VARIABLE = "NSR_RUNS_DIR"
REPOSITORY = Path(__file__).resolve().parents[1]


def cache_dir() -> Path:
    """The user's cache folder, or the one named by the environment variable ``NSR_CACHE_DIR``."""
    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("nsr-ecg"))


def runs_dir() -> Path:
    """Where runs are kept: ``runs`` in the project, or what the environment variable ``NSR_RUNS_DIR`` names."""
    return Path(os.environ.get(RUNS_VARIABLE) or REPOSITORY / "runs").absolute()


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in place in one step.

    A reader, or a process killed halfway, sees the old file or the new one, never a part of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: some writers (numpy's) append their own to a name that lacks it.
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


# Locks that the system releases when their holder dies, however it dies; so a held lock is a living process. A pid tells
# less: it is given again to other processes, and the start time that would tell them apart moves when the machine's clock
# is set.


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
