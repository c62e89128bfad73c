"""What the process of a run does, here within the process of the tests."""

import json
import os
import re
import shutil
import signal
import time
from contextlib import suppress

import pandas as pd
import pytest
from jobtoys import training

from nsr_core.attacks import FGSM
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import plan_of
from nsr_core.evaluation.evaluate import evaluate as run_evaluation
from nsr_core.files import is_held
from nsr_core.jobs import CANCELLED, FAILED, FINISHED, QUEUED, RUNNING, cancel, get_run, resume, submit
from nsr_core.jobs import run as module
from nsr_core.jobs.folder import ALIVE_LOCK, save_run
from nsr_core.jobs.kinds import Evaluation
from nsr_core.jobs.run import Cancelled, Reporter, StopSignal, carry_out

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def sigterm_as_before():
    before = signal.getsignal(signal.SIGTERM)
    yield
    assert signal.getsignal(signal.SIGTERM) == before


def be_told_to_stop():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)  # so that the interpreter sees it


def ended(run):
    carry_out(run.folder)
    assert not is_held(run.folder / ALIVE_LOCK)
    return get_run(run.name)


# How a run ends


def test_work_that_ends_well_is_finished(submit_toy):
    def work(folder, progress):
        progress(3, 10, "on it")
        shown = get_run(folder.name)
        assert (shown.state, shown.pid, shown.done, shown.total, shown.what) == (RUNNING, os.getpid(), 3, 10, "on it")
        assert shown.started <= shown.updated <= time.time()
        progress(9, 10, "nearly")

    run = ended(submit_toy(work))
    assert (run.state, run.error, run.done, run.total, run.what) == (FINISHED, None, 10, 10, "nearly")
    assert (run.pid, run.seconds_left) == (None, None)
    assert run.created <= run.started <= run.ended <= time.time()


def test_what_a_user_can_mend_is_told_in_one_line(submit_toy):
    def work(folder, progress):
        progress(3, 10, "on it")
        raise UserError("The file\n  is missing. Put it there.")

    run = ended(submit_toy(work))
    assert (run.state, run.error) == (FAILED, "The file is missing. Put it there.")
    assert (run.done, run.total, run.pid, run.seconds_left) == (3, 10, None, None)
    assert run.ended is not None


def test_any_other_error_is_told_with_its_type_and_its_traceback_in_the_log(submit_toy, capfd):
    def work(folder, progress):
        raise RuntimeError("DefaultCPUAllocator: can't allocate\nmemory")

    run = ended(submit_toy(work))
    assert (run.state, run.error) == (FAILED, "RuntimeError: DefaultCPUAllocator: can't allocate memory")
    assert "Traceback" in capfd.readouterr().err


def test_a_config_of_another_program_is_told(submit_toy):
    run = submit_toy()
    for config, named in [
        ({"kind": "bake"}, "'bake'"),
        ({"kind": "train"}, "'config'"),
        ({"kind": "evaluate"}, "checkpoint"),
    ]:
        (run.folder / "config.json").write_text(json.dumps(config))
        failed = ended(run)
        assert failed.state == FAILED
        assert re.search(f"no job of this program .*{named}.*Submit it again", failed.error)
        resume(run)


def test_a_run_that_is_not_queued_is_left_alone(submit_toy):
    calls = []
    run = submit_toy(lambda folder, progress: calls.append(folder))
    before = cancel(run)
    assert ended(run) == before
    resume(run)
    assert ended(run).state == FINISHED
    assert calls == [run.folder]


def test_a_signal_stops_the_work_at_once(submit_toy):
    after = []

    def work(folder, progress):
        progress(3, 10, "on it")
        be_told_to_stop()
        after.append("reached")

    run = ended(submit_toy(work))
    assert (run.state, run.error, run.done, run.total, run.pid) == (CANCELLED, None, 3, 10, None)
    assert not after


def test_cancelling_sends_that_signal(submit_toy):
    def work(folder, progress):
        assert cancel(get_run(folder.name)).state == RUNNING
        time.sleep(5)

    began = time.monotonic()
    assert ended(submit_toy(work)).state == CANCELLED
    assert time.monotonic() - began < 4


def test_a_signal_that_something_swallowed_stops_the_work_at_the_next_progress(submit_toy):
    def work(folder, progress):
        with suppress(BaseException):  # as an exception does that comes up in a destructor or in a callback from C
            be_told_to_stop()
        progress(1, 2, "never told")
        after.append("reached")

    after = []
    run = ended(submit_toy(work))
    assert (run.state, run.done, after) == (CANCELLED, 0, [])


def test_a_signal_that_something_made_an_error_of_is_no_failure(submit_toy):
    def work(folder, progress):
        try:
            be_told_to_stop()
        except BaseException as error:
            raise ValueError("could not parse") from error

    assert ended(submit_toy(work)).state == CANCELLED


def test_a_signal_before_the_work_stops_it_and_one_after_it_does_not(submit_toy, monkeypatch):
    calls = []
    run = submit_toy(lambda folder, progress: calls.append(folder))

    def signalled_reporter(*arguments):
        be_told_to_stop()
        return Reporter(*arguments)

    def signalled_save(*arguments, **changes):
        be_told_to_stop()
        return save_run(*arguments, **changes)

    with monkeypatch.context() as patch:
        patch.setattr(module, "Reporter", signalled_reporter)
        assert ended(run).state == CANCELLED
    assert not calls
    resume(run)
    monkeypatch.setattr(module, "save_run", signalled_save)
    assert ended(run).state == FINISHED
    assert calls


def test_a_status_that_cannot_be_written_for_a_moment_is_no_reason_to_stop(submit_toy, monkeypatch):
    def fail(run, **changes):
        raise OSError("No space left on device")

    def work(folder, progress):
        with monkeypatch.context() as patch:
            patch.setattr(module, "save_run", fail)
            progress(1, 2, "unwritten")

    run = ended(submit_toy(work))
    assert (run.state, run.done, run.what) == (FINISHED, 2, "unwritten")


# Progress


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def report(submit_toy, clock):
    """``report(at, done, total)``: what the status says after progress at that second."""
    run = submit_toy()
    reporter = Reporter(save_run(run, state=RUNNING, pid=os.getpid(), done=800, total=1000), StopSignal(), clock)

    def tell(at, done, total=1000):
        clock.now = at
        reporter(done, total, f"at {at}")
        assert (reporter.run.done, reporter.run.total) == (done, total)
        return reporter.run.seconds_left

    tell.stored = lambda: json.loads((run.folder / "status.json").read_text())
    return tell


def test_a_resumed_run_counts_only_its_own_speed(report):
    """800 of 1,000 were done before. 10 steps in 20 s are 2 s a step, so 180 steps are 360 s."""
    assert report(100.0, 810) is None
    assert report(120.0, 820) == pytest.approx(360.0)
    assert report(140.0, 830) == pytest.approx(340.0)
    assert report(150.0, 1000) == 0.0


def test_another_part_of_the_work_has_its_own_speed(report):
    """First 48 files in no time, then steps, then from the start again as a second attack does."""
    assert report(100.0, 1, 48) is None
    assert report(101.0, 48, 48) == 0.0
    assert report(102.0, 50, 1000) is None
    assert report(112.0, 60, 1000) == pytest.approx(940.0)
    assert report(113.0, 1000, 1000) == 0.0
    assert report(114.0, 10, 1000) is None
    assert report(124.0, 110, 1000) == pytest.approx(89.0)


def test_the_status_is_written_at_most_twice_a_second(report):
    report(100.0, 810)
    assert (report.stored()["done"], report.stored()["what"]) == (810, "at 100.0")
    before = report.stored()["updated"]
    report(100.4, 820)
    assert (report.stored()["done"], report.stored()["updated"]) == (810, before)
    report(100.5, 830)
    assert report.stored()["done"] == 830
    assert before < report.stored()["updated"] <= time.time()
    assert report.stored()["seconds_left"] == pytest.approx(0.5 / 20 * 170)


def test_progress_raises_once_the_signal_has_come(submit_toy):
    stop = StopSignal()
    with stop.listening():
        be_told_to_stop()
        with pytest.raises(Cancelled):
            Reporter(submit_toy(), stop)(1, 2, "")
        with pytest.raises(Cancelled), stop.armed():
            raise AssertionError("never here")


# Real work


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (
            training(learning_rate=10.0, weight_decay=1.0),
            r"mlp-mseMargin is no longer finite .*Lower the learning rate",
        ),
        (training(source="mitbih"), r"record"),
        (training(source="demo", split="published"), "published"),
    ],
)
def test_a_training_that_cannot_be_done_tells_why(job, message, started, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("NSR_MITDB_DIR", str(tmp_path / "empty"))
    run = ended(submit(job))
    assert run.state == FAILED
    assert re.search(message, run.error), run.error
    assert not run.error.startswith("UserError")


def test_an_evaluation_leaves_its_results_in_the_checkpoint(
    started, checkpoint_folder, trained_folder, demo_beats, demo_split, tmp_path
):
    direct = shutil.copytree(trained_folder, tmp_path / "direct" / "mlp-mseMargin")
    settings = {"per_class": 4, "eps_grid": (0.05, 0.1), "seed": 3}
    job = Evaluation(checkpoint_folder, ("fgsm", "pgd"), {"pgd": {"steps": 5}}, device="cpu", **settings)
    run = ended(submit(job))
    assert (run.state, run.error, run.name, run.kind) == (FINISHED, None, "evaluate-mlp-mseMargin-1", "evaluate")
    assert run.title == "Evaluate mlp-mseMargin: fgsm, pgd"
    assert run.checkpoint == checkpoint_folder
    assert (run.done, run.total) == (40, 40)
    plan = job.plan()
    assert plan["fgsm"] == plan_of(["fgsm"], **settings)["fgsm"]
    assert plan["fgsm"].attack == FGSM()
    assert plan["pgd"].attack.steps == 5
    run_evaluation(direct, demo_beats, demo_split, plan)
    assert (checkpoint_folder / "robustness.csv").read_bytes() == (direct / "robustness.csv").read_bytes()
    tables = [pd.read_parquet(at / "robustness.parquet") for at in (checkpoint_folder, direct)]
    pd.testing.assert_frame_equal(*tables)
    assert set(os.listdir(run.folder)) == {"config.json", "status.json", ALIVE_LOCK}

    again = ended(submit(Evaluation(checkpoint_folder, ("fgsm",), per_class=3, device="cpu")))
    assert again.state == FAILED
    assert 'results of "fgsm" with other settings' in again.error
    replaced = submit(Evaluation(checkpoint_folder, ("fgsm",), per_class=3, replace_results=True, device="cpu"))
    assert replaced.state == QUEUED
    assert ended(replaced).state == FINISHED
