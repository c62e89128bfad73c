"""Where this program keeps files between runs, and how it writes them so that none is ever half there."""

import os
from collections.abc import Callable
from pathlib import Path

import pooch

CACHE_VARIABLE = "NSR_CACHE_DIR"


def cache_dir() -> Path:
    """The user's cache folder, or the one named by the environment variable ``NSR_CACHE_DIR``."""
    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("nsr-ecg"))


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
