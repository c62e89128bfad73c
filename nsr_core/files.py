"""Where this program keeps files, how it writes them so that none is ever half there, notes on them, and locks."""

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CACHE_VARIABLE = "NSR_CACHE_DIR"
RUNS_VARIABLE = "NSR_RUNS_DIR"
REPOSITORY = Path(__file__).resolve().parents[1]


def cache_dir() -> Path:
    """The user's cache folder, or the one named by the environment variable ``NSR_CACHE_DIR``."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    import pooch

    return Path(pooch.os_cache("nsr-ecg"))


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


@dataclass(frozen=True)
class Note:
    """A JSON file that says what the results beside it are of, so that results of anything else never pass for them.

    Attributes:
        path: of the file.
        identity: all that decides the results, as plain JSON values.
    """

    path: Path
    identity: dict[str, Any]

    def read(self) -> dict[str, Any] | None:
        """What was noted; None where there is no note, or one of other results."""
        try:
            noted = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None
        # Through JSON: a tuple comes back as a list.
        same = isinstance(noted, dict) and noted.get("identity") == json.loads(json.dumps(self.identity))
        return noted if same else None

    def write(self, **values: Any) -> None:
        text = json.dumps({"identity": self.identity, **values}, indent=2) + "\n"
        write_atomically(self.path, lambda path: path.write_text(text))


# Locks that the system releases when their holder dies, however it dies; so a held lock is a living process. A pid tells
# less: it is given again to other processes, and the start time that would tell them apart moves when the machine's clock
# is set.


def take(file: IO[Any]) -> bool:
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
