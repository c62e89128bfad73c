"""A run is a folder: what to do (``config.json``), how far it is (``status.json``), what it said (``log.txt``)."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nsr_core.errors import UserError
from nsr_core.files import is_held, runs_dir, take, write_atomically
from nsr_core.jobs.locks import control

if TYPE_CHECKING:
    import pandas as pd

CONFIG_FILE = "config.json"
STATUS_FILE = "status.json"
LOG_FILE = "log.txt"
#: Locked by the run's process as long as it lives.
ALIVE_LOCK = ".alive.lock"

QUEUED, RUNNING, FINISHED, FAILED, CANCELLED = "queued", "running", "finished", "failed", "cancelled"
#: Never written: what a run is whose status says running while no process has its lock.
INTERRUPTED = "interrupted"

HISTORY_COLUMNS = ("epoch", "loss", "restarted_kernels", "val_acc", "val_pgd_acc", "seconds")
#: A process that takes over waits so long between two looks at one that has not quite ended.
LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as its folder tells it at one moment. All times are Unix seconds.

    Attributes:
        folder: its folder; of a finished training also a checkpoint.
        config: what to do, as ``config.json`` says; empty where that is damaged.
        kind: ``"train"`` or ``"evaluate"``; empty where the status is damaged.
        title: for people.
        state: ``QUEUED``, ``RUNNING``, ``FINISHED``, ``FAILED``, ``CANCELLED`` or ``INTERRUPTED``.
        created: when it was submitted.
        queued: when it was last put into the queue, whose order this is.
        started, ended: of the last process; None before.
        updated: when the status was last written.
        pid: of its process while one runs.
        done, total: progress within the current part of the work.
        what: that part, and how it goes.
        seconds_left: of that part; None where nothing tells.
        error: one line; None where nothing went wrong.
    """

    folder: Path
    config: dict[str, Any]
    kind: str
    title: str
    state: str
    created: float
    queued: float
    updated: float
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    done: int = 0
    total: int = 0
    what: str = ""
    seconds_left: float | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        """The folder's name, such as ``mlp-loss2-1``."""
        return self.folder.name

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's folder that it trains or evaluates."""
        evaluated = self.config.get("checkpoint")
        return Path(evaluated) if isinstance(evaluated, str) else self.folder

    def history(self) -> "pd.DataFrame":
        """The epochs so far, as ``train`` writes them; no row, but the columns, where there is none yet."""
        import pandas as pd  # here, because the worker needs neither

        from nsr_core.training.card import HISTORY_FILE

        try:
            table = pd.read_csv(self.folder / HISTORY_FILE)
        except (OSError, ValueError):
            table = pd.DataFrame()
        return table if tuple(table) == HISTORY_COLUMNS else pd.DataFrame(columns=list(HISTORY_COLUMNS), dtype=float)

    def log(self, lines: int = 20) -> str:
        """The last lines that its processes printed."""
        try:
            with (self.folder / LOG_FILE).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 400 * lines))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


_STORED = {field.name: field.type for field in fields(Run) if field.name not in ("folder", "config")}


def list_runs(root: str | Path | None = None) -> list[Run]:
    """The runs below ``root``, newest first.

    A folder that is no run (such as a checkpoint that the command line trained) is left out; one that is damaged is a
    failed run whose error tells the damage.
    """
    try:
        folders = [path for path in _root(root).iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    runs = [run for folder in folders if (run := read_run(folder))]
    return sorted(runs, key=lambda run: (run.created, run.name), reverse=True)


def get_run(name: str, root: str | Path | None = None) -> Run:
    """The run of that name.

    Raises:
        UserError: there is none.
    """
    root = _root(root)
    # A name may come from an address bar: it must not lead out of the root.
    run = None if name != Path(name).name or name.startswith(".") else read_run(root / name)
    if run is None:
        raise UserError(f'There is no run "{name}" in {root}. It may have been deleted; choose one that is listed.')
    return run


def read_run(folder: Path) -> Run | None:
    """The run in a folder; None where the folder is not there or no run."""
    run = _read(folder)
    if run and run.state == RUNNING and not is_held(folder / ALIVE_LOCK):
        run = _read(folder)  # again: it may have ended between the two looks, and said so before it let the lock go
        if run and run.state == RUNNING:
            error = "Its process ended without a word: the machine went down, or it was killed. Resume it to go on."
            return replace(run, state=INTERRUPTED, pid=None, seconds_left=None, error=error)
    return run


def save_run(run: Run, **changes: Any) -> Run:
    """Write the status of a run, with ``changes``, in one step."""
    run = replace(run, **{"updated": time.time()} | changes)
    text = json.dumps({name: getattr(run, name) for name in _STORED}, indent=2) + "\n"
    write_atomically(run.folder / STATUS_FILE, lambda path: path.write_text(text, encoding="utf-8"))
    return run


@contextmanager
def claim(folder: Path) -> Iterator[Run | None]:
    """Make this process the one of a queued run, until the block ends.

    Yields:
        The run, now running; None where it is not queued (any more), and nothing is to be done.
    """
    with (folder / ALIVE_LOCK).open("ab") as alive:
        while True:
            # State, lock and pid change together under the control lock: there, a running state and a held lock mean
            # that the pid is the holder's.
            with control(folder.parent):
                run = read_run(folder)
                if run is None or run.state != QUEUED:
                    run = None
                    break
                if take(alive):
                    now = time.time()
                    run = save_run(run, state=RUNNING, pid=os.getpid(), started=now, updated=now, what="starting")
                    break
            time.sleep(LOOK_EVERY_SECONDS)
        yield run


def _root(root: str | Path | None) -> Path:
    return runs_dir() if root is None else Path(root).absolute()


def _read(folder: Path) -> Run | None:
    """What the files say, whether or not a process lives."""
    if not any(os.path.exists(folder / name) for name in (CONFIG_FILE, STATUS_FILE)):
        return None
    try:
        run = _parse_status(folder)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        then = _modified(folder)
        run = Run(
            folder=folder,
            config={},
            kind="",
            title=folder.name,
            state=FAILED,
            created=then,
            queued=then,
            updated=then,
            error=_damage(folder / STATUS_FILE, error),
        )
    try:
        config = _read_json(folder / CONFIG_FILE)
        if not isinstance(config.get("kind"), str):
            raise ValueError("it does not say what kind of run this is")
        return replace(run, config=config)
    except (OSError, ValueError, RecursionError) as error:
        return replace(run, state=FAILED, error=run.error or _damage(folder / CONFIG_FILE, error))


def _parse_status(folder: Path) -> Run:
    values = _read_json(folder / STATUS_FILE)
    run = Run(folder=folder, config={}, **values)
    for name, kind in _STORED.items():
        if not isinstance(getattr(run, name), kind):  # type: ignore[arg-type]
            raise ValueError(f"{name} is {getattr(run, name)!r}")
    if run.state not in (QUEUED, RUNNING, FINISHED, FAILED, CANCELLED):
        raise ValueError(f"state is {run.state!r}")
    if run.state == RUNNING and (run.pid is None or run.pid <= 1):
        raise ValueError(f"pid is {run.pid}")  # signals go there, and 0 and below mean whole groups of processes
    return run


def _read_json(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__}")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number to count with")


def _damage(path: Path, error: Exception) -> str:
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    return f"{path} cannot be read ({reason}). Restore the file, or delete the run."


def _modified(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
