"""Shared by the tests of jobs: a runs folder of their own, whose processes end with the test."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from jobtoys import Toy, wait_for

from nsr_core.files import is_held
from nsr_core.jobs import QUEUED, RUNNING, cancel, control, list_runs
from nsr_core.jobs.control import WORKER_LOCK
from nsr_core.jobs.folder import ALIVE_LOCK
from nsr_core.jobs.kinds import JOBS


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch) -> Iterator[Path]:
    """The default runs folder; what still runs there at the end is killed."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("NSR_RUNS_DIR", str(folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield folder

    def all_ended() -> bool:
        for run in list_runs(folder):
            if run.state == QUEUED:
                cancel(run)
            if run.state == RUNNING and run.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(run.pid, signal.SIGKILL)
        return not any(map(is_held, [folder / WORKER_LOCK, *folder.glob(f"*/{ALIVE_LOCK}")]))

    wait_for(all_ended)


class Ended:
    """A process that has nothing left to do."""

    def wait(self) -> int:
        return 0


@pytest.fixture
def started(monkeypatch) -> list[Path]:
    """Workers are not really started; the runs folders for which one would have been."""
    folders: list[Path] = []

    def start(module, folder, log) -> Ended:
        assert module == "nsr_core.jobs.worker"
        folders.append(folder)
        return Ended()

    monkeypatch.setattr(control, "start", start)
    return folders


@pytest.fixture
def submit_toy(monkeypatch, started):
    """``submit_toy(act)``: a queued run whose work is ``act(folder, progress)``, in this process only."""

    def submit(act=lambda folder, progress: None):
        job = Toy(act)
        monkeypatch.setitem(JOBS, "toy", job)
        return control.submit(job)

    return submit
