"""The whole way, with real processes on demo beats."""

import os
import signal

import pandas as pd
import pytest
import torch
from jobtoys import training, wait_for
from safetensors.torch import load_file

from nsr_core.files import is_held
from nsr_core.jobs import (
    CANCELLED,
    FAILED,
    FINISHED,
    INTERRUPTED,
    QUEUED,
    RUNNING,
    cancel,
    delete,
    ensure_worker,
    get_run,
    resume,
    submit,
)
from nsr_core.jobs.control import WORKER_LOCK
from nsr_core.jobs.kinds import Evaluation
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.loop import train

pytestmark = pytest.mark.slow

EPOCHS = 8


@pytest.fixture(scope="module")
def whole(demo_beats, demo_split, tmp_path_factory):
    """The training that the processes do, here without interruption."""
    torch.set_num_threads(1)
    return train(training(EPOCHS).config, demo_beats, demo_split, tmp_path_factory.mktemp("whole") / "run")


def assert_same_weights(folder, other):
    left, right = (load_file(at / "model.safetensors") for at in (folder, other))
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
    histories = [pd.read_csv(at / "history.csv").drop(columns="seconds") for at in (folder, other)]
    pd.testing.assert_frame_equal(*histories)


def until(run, state):
    """The run once it is in that state; at once if it ends in another."""
    ends = {FINISHED, FAILED, CANCELLED, INTERRUPTED, state}
    run = wait_for(lambda: now if (now := get_run(run.name)).state in ends else None)
    assert run.state == state, f"{run.error}\n{run.log()}"
    return run


def until_it_has_an_epoch(run):
    return wait_for(lambda: now if len((now := get_run(run.name)).history()) and now.done else None)


def test_a_queue_is_worked_through_in_its_order(whole, checkpoint_folder, root):
    first = submit(training(EPOCHS))
    missing = submit(training(source="kaggle"))
    evaluation = submit(Evaluation(checkpoint_folder, ("fgsm",), per_class=4, eps_grid=(0.1,), device="cpu"))
    unwanted = submit(training(EPOCHS))
    running = until(first, RUNNING)
    assert [get_run(run.name).state for run in (missing, evaluation, unwanted)] == [QUEUED] * 3
    assert cancel(unwanted).state == CANCELLED
    assert os.getsid(running.pid) == running.pid != os.getsid(0)
    assert os.getpriority(os.PRIO_PROCESS, running.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)
    assert int((root / WORKER_LOCK).read_text()) not in (running.pid, os.getpid())

    finished = until(first, FINISHED)
    assert finished.done == finished.total == EPOCHS * 40
    assert finished.history()["epoch"].tolist() == list(range(1, EPOCHS + 1))
    assert load_checkpoint(finished.checkpoint).config == training(EPOCHS).config
    assert_same_weights(finished.folder, whole)

    failed = until(missing, FAILED)
    assert "not downloaded for you" in failed.error
    assert "Traceback" in failed.log(100)
    evaluated = until(evaluation, FINISHED)
    assert (checkpoint_folder / "robustness.parquet").exists()
    assert set(pd.read_csv(checkpoint_folder / "robustness.csv")["attack"]) == {"fgsm"}
    assert finished.ended <= failed.started <= failed.ended <= evaluated.started
    wait_for(lambda: not is_held(root / WORKER_LOCK), 10)
    assert get_run(unwanted.name).state == CANCELLED
    assert not (unwanted.folder / "log.txt").exists()
    assert (root / ".worker.log").read_text() == ""


def test_cancelled_while_it_runs_and_resumed_it_ends_the_same(whole):
    run = submit(training(EPOCHS))
    until_it_has_an_epoch(run)
    cancel(run)
    cancelled = until(run, CANCELLED)
    assert 0 < len(cancelled.history()) < EPOCHS
    assert 0 < cancelled.done < cancelled.total == EPOCHS * 40
    assert not (run.folder / "model.safetensors").exists()
    resume(run)
    finished = until(run, FINISHED)
    assert finished.started > cancelled.ended
    assert_same_weights(finished.folder, whole)
    delete(finished)
    assert not run.folder.exists()


def test_killed_with_its_worker_it_is_shown_and_goes_on_to_the_same_end(whole, root):
    run = submit(training(EPOCHS))
    running = until_it_has_an_epoch(run)
    os.kill(int((root / WORKER_LOCK).read_text()), signal.SIGKILL)
    wait_for(lambda: not is_held(root / WORKER_LOCK), 10)
    assert get_run(run.name).state == RUNNING
    os.kill(running.pid, signal.SIGKILL)
    interrupted = until(run, INTERRUPTED)
    assert 0 < len(interrupted.history()) < EPOCHS
    assert not ensure_worker()
    resume(interrupted)
    assert_same_weights(until(run, FINISHED).folder, whole)
