"""What a page can do with runs. Every decision is made under one lock, so that two browsers cannot cross."""

import itertools
import json
import os
import shutil
import signal
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
    save_run,
)
from nsr_core.jobs.locks import control
from nsr_core.jobs.process import start

WORKER_LOCK = ".worker.lock"
WORKER_LOG = ".worker.log"


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
        folder = next(path for n in itertools.count(1) if not (path := root / f"{job.name}-{n}").exists())
        unfinished = _emptied(root / ".new")
        unfinished.mkdir()
        (unfinished / CONFIG_FILE).write_text(text)
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
            with suppress(ProcessLookupError):
                os.kill(run.pid, signal.SIGTERM)
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
    """Delete a run's folder; of a training, the checkpoint with it.

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
        run.folder.rename(deleted := _emptied(root / ".deleted"))  # so that nobody ever sees a part of it
        shutil.rmtree(deleted)


def ensure_worker(root: str | Path | None = None) -> bool:
    """Start a worker if runs are queued and none works; call it whenever a page is opened.

    Returns:
        Whether one was started.
    """
    root = runs_dir() if root is None else Path(root).absolute()
    if not any(run.state == QUEUED for run in list_runs(root)) or is_held(root / WORKER_LOCK):
        return False
    try:
        process = start("nsr_core.jobs.worker", root, root / WORKER_LOG)
    except OSError as error:
        raise UserError(f"No process can be started for the runs in {root} ({error.strerror or error}).") from None
    # Waited for, or it would stay in the process table for as long as this process lives.
    threading.Thread(target=process.wait, daemon=True).start()
    return True


def _again(run: Run) -> Run:
    return get_run(run.name, run.folder.parent)


def _emptied(path: Path) -> Path:
    """``path`` without what a process killed halfway may have left there."""
    if path.exists():
        shutil.rmtree(path)
    return path
