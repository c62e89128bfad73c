"""Where this program keeps files, how it writes them so that none is ever half there, notes on them, and locks."""

import hashlib
import json
import os
import re
import shutil
import socket
import stat
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from platformdirs import user_cache_dir

from nsr_core.errors import UserError
from nsr_core.locking import lock
from nsr_core.processes import replace_file

CACHE_VARIABLE = "NSR_CACHE_DIR"
RUNS_VARIABLE = "NSR_RUNS_DIR"
CHECKPOINTS_VARIABLE = "NSR_CHECKPOINTS_DIR"
#: 1 where the app's visitors are strangers (see ``ui.serving``).
PUBLIC_VARIABLE = "NSR_PUBLIC"
REPOSITORY = Path(__file__).resolve().parents[1]
#: Only a wheel has this folder: in it lies what the repository has beside ``nsr_core`` (see pyproject.toml).
BUNDLE = Path(__file__).resolve().parent / "_bundle"


def cache_dir() -> Path:
    """The user's cache folder, or the one named by the environment variable ``NSR_CACHE_DIR``."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    return Path(user_cache_dir("nsr-ecg"))


def project_dir() -> Path:
    """The folder that holds ``app.py``, ``pages`` and ``checkpoints``: the repository, or the bundle of an installed wheel."""
    return BUNDLE if BUNDLE.is_dir() else REPOSITORY


def checkpoints_dir() -> Path:
    """The pretrained checkpoints: those included, or a folder that the environment variable ``NSR_CHECKPOINTS_DIR`` names.

    A wheel includes weights, cards and summaries; all results, beat by beat, are in the repository.
    """
    return Path(os.environ.get(CHECKPOINTS_VARIABLE) or project_dir() / "checkpoints").absolute()


def runs_dir() -> Path:
    """Where runs are kept: in the folder that the environment variable ``NSR_RUNS_DIR`` names, or in ``runs``.

    That is in the project; of an installed wheel, whose own folder may be replaced, in the current folder.
    """
    base = Path.cwd() if BUNDLE.is_dir() else REPOSITORY
    return Path(os.environ.get(RUNS_VARIABLE) or base / "runs").absolute()


def named_folder(text: str | os.PathLike[str]) -> Path:
    """The folder that a person names; ``~`` is a home folder where the system knows one."""
    return Path(os.path.expanduser(text))


def short(path: Path) -> str:
    """A path in a message, which must stay readable whatever was typed."""
    text = str(path)
    return text if len(text) <= 200 else f"{text[:120]} ... {text[-60:]}"


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class CannotWrite(UserError, OSError):
    """A file cannot be written: the disk is full, the folder read-only. Both a user's error and the system's."""

    def __init__(self, path: Path, error: OSError) -> None:
        reason = error.strerror or " ".join(str(error).split())
        super().__init__(
            f"{path} cannot be written ({reason}). Free some space, or allow this program to write there; then do the "
            "same again. What was written before is whole."
        )
        self.errno, self.strerror, self.filename = error.errno, reason, str(path)

    def __str__(self) -> str:
        return str(self.args[0])  # OSError would make words of its own out of its attributes


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in place in one step.

    A reader, or a process killed halfway, sees the old file or the new one, never a part of it.

    Raises:
        CannotWrite: the system refuses.
    """
    partial = partial_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        replace_file(partial, path)
    except OSError as error:
        raise error if isinstance(error, CannotWrite) else CannotWrite(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, or nested deeper than any file of this program.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


# What a killed process leaves: files that were to become others, and folders of its own. Their names say whose they are.

_MARK = r"(?P<host>[A-Za-z0-9-]+)\.(?P<pid>\d+)"
_PARTIAL = re.compile(rf"\..+\.{_MARK}\.[0-9a-f]{{8}}\.partial(\.[^.]*)?")
_SCRATCH = re.compile(rf"nsr-.+-{_MARK}-[^.]+")
#: After so long nothing is still being written, wherever its process may run.
_STALE_SECONDS = 86_400


def partial_of(path: Path) -> Path:
    """What a file or a folder is called while it is written: hidden, beside its place, and nobody else's.

    The suffix stays last: some writers (numpy's) append their own to a name that lacks it.
    """
    return path.with_name(f".{path.stem}.{process_mark()}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")


def process_mark() -> str:
    """Host and process, for names that no other process takes, on this machine or on one that shares its folders."""
    return f"{_host()}.{os.getpid()}"


def scratch_prefix(purpose: str) -> str:
    """How a temporary folder's name begins, so that ``remove_leftovers`` knows it if its process is killed."""
    return f"nsr-{purpose}-{process_mark()}-"


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left half-written in a folder: hidden partial files, and temporary folders.

    What a living process writes stays. Of a process on another machine nobody here knows whether it lives: what it left is
    removed after a day. What cannot be removed stays.
    """
    with suppress(OSError):
        for entry in os.scandir(folder):
            mark = _PARTIAL.fullmatch(entry.name) or _SCRATCH.fullmatch(entry.name)
            if mark is None:
                continue
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                is_own = not hasattr(os, "getuid") or status.st_uid == os.getuid()  # Windows has no such numbers
                if not is_own or not _is_left(mark, status.st_mtime):
                    continue
                if stat.S_ISDIR(status.st_mode):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)


def _is_left(mark: re.Match[str], modified: float) -> bool:
    if time.time() - modified > _STALE_SECONDS:
        return True
    return mark["host"] == _host() and not _lives(int(mark["pid"]))


def _lives(pid: int) -> bool:
    """Whether a process of this machine lives; where that cannot be asked, it is taken to."""
    if sys.platform == "win32":
        return True  # there signal 0 is Ctrl-C, and is sent; what is left goes after a day
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())[:40] or "host"


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
            noted = read_json(self.path)
        except (OSError, ValueError):
            return None
        # Through JSON: a tuple comes back as a list.
        same = isinstance(noted, dict) and noted.get("identity") == json.loads(json.dumps(self.identity))
        return noted if same else None

    def write(self, **values: Any) -> None:
        text = json.dumps({"identity": self.identity, **values}, indent=2) + "\n"
        write_atomically(self.path, lambda path: path.write_text(text, encoding="utf-8"))


# Locks that the system releases when their holder dies, however it dies; so a held lock is a living process. A pid tells
# less: it is given again to other processes, and the start time that would tell them apart moves when the machine's clock
# is set.


def take(file: IO[Any]) -> bool:
    """Take the lock on an open file, if nobody has it; closing the file, or dying, gives it back."""
    try:
        lock(file)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether a living process, or this one, has the lock on a file."""
    try:
        with path.open("rb") as file:
            lock(file, shared=True)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


#: In a folder that one process at a time may write to.
LOCK_FILE = ".lock"


@contextmanager
def writing(folder: Path, what: str) -> Iterator[None]:
    """Within it no other process, nor another thread of this one, writes to a folder that is locked so.

    What a killed writer left half-written there is removed first.

    Args:
        folder: made where it is not there.
        what: that is done, for those who come meanwhile, such as ``training``.

    Raises:
        UserError: another writes there; it says who.
        CannotWrite: the folder cannot be written to.
    """
    path = folder / LOCK_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _taken(path)
    except OSError as error:
        raise CannotWrite(path, error) from error
    with file:
        remove_leftovers(folder)
        with suppress(OSError):  # a full disk: the lock holds without words
            file.truncate(0)
            file.write(
                f"{what}, process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%d %B %H:%M')}\n"
            )
            file.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()  # while it is held: who opened it meanwhile sees that it is no longer there


def remove_lock(folder: Path) -> None:
    """Delete the lock file that a killed writer left in a folder, if the folder can be written to; nobody else's."""
    path = folder / LOCK_FILE
    with suppress(OSError), path.open("rb") as file:
        # While it is held, and only that one: another may have removed it and made its own meanwhile.
        if take(file) and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            path.unlink()


def tidy(folder: Path) -> None:
    """Delete, in a folder and all below it, what killed writers left: see ``remove_leftovers`` and ``remove_lock``."""
    for each, _, _ in os.walk(folder):
        remove_leftovers(Path(each))
        remove_lock(Path(each))


def _taken(path: Path) -> IO[str]:
    """The lock file, open and locked.

    Raises:
        UserError: another has it.
    """
    while True:
        file = path.open("a+", encoding="utf-8")
        if not take(file):
            with file:
                raise UserError(
                    f"{path.parent} is being written to by another process ({_holder(file)}). Wait until that has ended, or "
                    "use another folder."
                )
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # its holder removed it between our opening and our locking


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        return file.read(200).strip() or "which did not say what it does"
    except (OSError, ValueError):
        return "which did not say what it does"
