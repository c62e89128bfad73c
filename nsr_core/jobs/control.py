"""What a page can do with runs. Every decision is made under one lock, so that two browsers cannot cross."""

import itertools
import json
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from nsr_core.errors import UserError
from nsr_core.files import LOCK_FILE, is_held, runs_dir
from nsr_core.jobs.folder import (
    ALIVE_LOCK,
    CANCELLED,
    CONFIG_FILE,
    FINISHED,
    QUEUED,
    RUNNING,
    Run,
    get_run,
    list_runs,
    read_run,
    save_run,
)
from nsr_core.jobs.locks import control
from nsr_core.jobs.process import start
from nsr_core.processes import ask_to_stop

WORKER_LOCK = ".worker.lock"
WORKER_LOG = ".worker.log"
#: Before the name of a run's folder that was deleted, and for how long it can be brought back.
DELETED = ".deleted-"
UNDO_SECONDS = 600.0


class Job(Protocol):
    """What can be submitted (see ``nsr_core.jobs.kinds``)."""

    @property
    def kind(self) -> str:
        """By which its process knows it again."""

    @property
    def name(self) -> str:
        """The folder's name, but for the number."""

    @property
    def title(self) -> str:
        """For people."""

    def check(self) -> None:
        """Raise UserError for what can be known to be wrong before it is queued."""

    def to_json(self) -> dict[str, Any]:
        """All that its process needs."""


def submit(job: Job, root: str | Path | None = None) -> Run:
    """Queue a job as a new run, and see to it that a worker takes it.

    Raises:
        UserError: the job cannot be done, or ``root`` not be written.
    """
    job.check()
    root = runs_dir() if root is None else Path(root).absolute()
    text = json.dumps({"kind": job.kind, **job.to_json()}, indent=2) + "\n"
    with control(root):
        folder = next(path for n in itertools.count(1) if _is_free(path := root / f"{job.name}-{n}"))
        unfinished = _emptied(root / ".new")
        unfinished.mkdir()
        (unfinished / CONFIG_FILE).write_text(text, encoding="utf-8")
        now = time.time()
        run = Run(
            folder=unfinished,
            config={},
            kind=job.kind,
            title=job.title,
            state=QUEUED,
            created=now,
            queued=now,
            updated=now,
        )
        save_run(run)
        unfinished.rename(folder)  # so that nobody ever sees a part of it
    ensure_worker(root)
    return get_run(folder.name, root)


def cancel(run: Run) -> Run:
    """Take a run out of the queue, or tell its process to stop; what it has finished is kept. Else nothing happens.

    A process that was told to stop needs a moment: the run is cancelled once its state says so.
    """
    with control(run.folder.parent):
        run = _again(run)
        if run.state == QUEUED:
            return save_run(run, state=CANCELLED, ended=time.time())
        if run.state == RUNNING and run.pid is not None:
            ask_to_stop(run.pid, run.folder)
    return run


def resume(run: Run) -> Run:
    """Queue a cancelled, failed or interrupted run again; it goes on with what it has kept.

    Raises:
        UserError: it is finished or damaged.
    """
    with control(run.folder.parent):
        run = _again(run)
        if run.state == FINISHED:
            raise UserError(f"{run.name} is finished: there is nothing to go on with. Submit a new run instead.")
        if not (run.kind and run.config):
            raise UserError(f"{run.name} cannot go on: {run.error}")
        if run.state not in (QUEUED, RUNNING):  # else another browser was faster
            run = save_run(run, state=QUEUED, queued=time.time(), pid=None, ended=None, seconds_left=None, error=None)
    ensure_worker(run.folder.parent)
    return run


def delete(run: Run) -> None:
    """Delete a run's folder; of a training, the checkpoint with it. ``restore`` undoes it for ``UNDO_SECONDS``.

    Raises:
        UserError: its process is still there, or another writes to its folder.
    """
    root = run.folder.parent
    with control(root):
        run = _again(run)
        if is_held(run.folder / ALIVE_LOCK):
            raise UserError(f"{run.name} is running. Cancel it, wait until it has stopped, then delete it.")
        if is_held(run.folder / LOCK_FILE):
            raise UserError(f"{run.name} is being evaluated. Cancel that, or wait until it has ended, then delete it.")
        _forget_deleted(root)
        deleted = _emptied(root / f"{DELETED}{run.name}")
        run.folder.rename(deleted)  # so that nobody ever sees a part of it
        os.utime(deleted)  # from now on


def list_deleted(root: str | Path | None = None, kind: str | None = None) -> list[str]:
    """The names of runs that can still be brought back, the one that was deleted last first.

    Args:
        kind: only runs of this kind, and damaged ones, whose kind nobody knows; by default all.
    """
    root = runs_dir() if root is None else Path(root).absolute()
    with suppress(OSError):
        found = [(path.stat().st_mtime, path.name) for path in root.glob(f"{DELETED}*")]
        recent = [(at, name) for at, name in found if time.time() - at < UNDO_SECONDS]
        return [name.removeprefix(DELETED) for _, name in sorted(recent, reverse=True) if _is_kind(root / name, kind)]
    return []


def _is_kind(folder: Path, kind: str | None) -> bool:
    run = None if kind is None else read_run(folder)
    return run is None or run.kind in (kind, "")


def restore(name: str, root: str | Path | None = None) -> Run:
    """Bring a deleted run back.

    Raises:
        UserError: it is gone for good.
    """
    root = runs_dir() if root is None else Path(root).absolute()
    with control(root):
        if name not in list_deleted(root):
            raise UserError(
                f"{name} is gone for good: a deleted run is kept for {UNDO_SECONDS / 60:.0f} minutes. Train it anew."
            )
        (root / f"{DELETED}{name}").rename(root / name)
    return get_run(name, root)


def ensure_worker(root: str | Path | None = None) -> bool:
    """Start a worker if runs are queued and none works; call it whenever a page is opened.

    Returns:
        Whether one was started.
    """
    root = runs_dir() if root is None else Path(root).absolute()
    with suppress(OSError):
        _forget_deleted(root)
    if not any(run.state == QUEUED for run in list_runs(root)) or is_held(root / WORKER_LOCK):
        return False
    try:
        process = start("nsr_core.jobs.worker", root, root / WORKER_LOG)
    except OSError as error:
        raise UserError(f"No process can be started for the runs in {root} ({error.strerror or error}).") from None
    # Waited for, or it would stay in the process table for as long as this process lives.
    threading.Thread(target=process.wait, daemon=True).start()
    return True


def _is_free(folder: Path) -> bool:
    """Whether a run can have this folder: a deleted one that could come back keeps its name."""
    return not folder.exists() and not folder.with_name(DELETED + folder.name).exists()


def _forget_deleted(root: Path) -> None:
    """Remove what was deleted so long ago that it cannot be brought back."""
    recent = {f"{DELETED}{name}" for name in list_deleted(root)}
    for path in root.glob(".deleted*"):
        if path.name not in recent:
            shutil.rmtree(path)


def _again(run: Run) -> Run:
    return get_run(run.name, run.folder.parent)


def _emptied(path: Path) -> Path:
    """``path`` without what a process killed halfway may have left there."""
    if path.exists():
        shutil.rmtree(path)
    return path
