"""What is read from run folders, whatever is in them, and what may be decided about them; no worker is started."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest
from jobtoys import Toy, training, wait_for

from nsr_core.errors import UserError
from nsr_core.files import REPOSITORY, is_held, runs_dir, take
from nsr_core.jobs import (
    CANCELLED,
    FAILED,
    FINISHED,
    INTERRUPTED,
    QUEUED,
    RUNNING,
    cancel,
    control,
    delete,
    ensure_worker,
    folder,
    get_run,
    list_deleted,
    list_runs,
    restore,
    resume,
    submit,
)
from nsr_core.jobs.control import WORKER_LOCK
from nsr_core.jobs.folder import ALIVE_LOCK, HISTORY_COLUMNS, claim, save_run
from nsr_core.jobs.kinds import Evaluation, Training, load_job
from nsr_core.training.config import TrainConfig


@pytest.fixture
def run(submit_toy):
    """A queued run."""
    return submit_toy()


def set_status(run, **changes):
    path = run.folder / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def in_threads(act, count=8):
    """What ``act`` returns in threads that start at the same moment."""
    barrier, results = threading.Barrier(count), []

    def work():
        barrier.wait()
        results.append(act())

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# Submitting


def test_a_submitted_run_is_queued_and_a_worker_started(root, started):
    before = time.time()
    run = submit(training(epochs=3))
    assert (run.name, run.kind, run.state, run.title) == ("mlp-mseMargin-1", "train", QUEUED, run.title)
    assert "Squared error with margin (mseMargin), MLP, 3 epochs" in run.title
    assert before <= run.created == run.queued <= time.time()
    assert (run.done, run.total, run.what, run.error, run.pid) == (0, 0, "", None, None)
    assert (run.started, run.ended, run.seconds_left) == (None, None, None)
    assert run.folder == run.checkpoint == root / "mlp-mseMargin-1"
    assert TrainConfig.from_json(run.config["config"]) == training(epochs=3).config
    assert started == [root]
    assert get_run(run.name) == run
    assert list_runs() == [run]


def test_names_are_counted_and_never_shared(run):
    runs = in_threads(lambda: submit(Toy()))
    assert sorted(run.name for run in runs) == [f"toy-{n}" for n in range(2, 10)]
    (run.folder.parent / "mlp-mseMargin-1").mkdir()
    assert submit(training()).name == "mlp-mseMargin-2"


def test_the_newest_run_is_listed_first(submit_toy):
    names = [submit_toy().name for _ in range(3)]
    assert [run.name for run in list_runs()] == names[::-1]


def test_the_environment_names_the_runs_folder(monkeypatch, tmp_path):
    assert runs_dir() == tmp_path / "runs"
    monkeypatch.delenv("NSR_RUNS_DIR")
    assert runs_dir() == REPOSITORY / "runs"


@pytest.mark.parametrize("act", [submit, lambda job: submit(job, "runs")])
def test_a_runs_folder_that_cannot_be_written_is_told(act, root, started, monkeypatch):
    monkeypatch.chdir(root.parent)
    root.write_text("a file in its place")
    with pytest.raises(UserError, match=r"runs folder .*runs cannot be written .*Free some space"):
        act(Toy())
    assert list_runs() == []
    assert not started


def test_a_full_disk_leaves_no_part_of_a_run(run, root, started, monkeypatch):
    started.clear()

    def full(path, write):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folder, "write_atomically", full)
        with pytest.raises(UserError, match="No space left on device"):
            submit(Toy())
    assert list_runs() == [run]
    assert not started
    assert submit(Toy()).name == "toy-2"


def test_a_task_that_cannot_be_done_is_refused_before_it_is_queued(root, started, checkpoint_folder, tmp_path):
    for job, message in [
        (Evaluation(str(tmp_path)), "holds no checkpoint"),
        (Evaluation(""), "holds no checkpoint"),
        (Evaluation(checkpoint_folder, attacks=("magic",)), 'no attack "magic"'),
        (Evaluation(checkpoint_folder, attacks=()), "at least one"),
        (Evaluation(checkpoint_folder, eps_grid=(0.1, 2.0)), r"noise levels \[0.1, 2.0\]"),
        (Evaluation(checkpoint_folder, eps_grid=()), "at least one"),
        (Evaluation(checkpoint_folder, attack_settings={"fgsm": {}}), "settings for fgsm"),
        (Evaluation(checkpoint_folder, attack_settings={"pgd": {"colour": 1}}), '"colour" is no setting of PGD'),
        (Evaluation(checkpoint_folder, attack_settings={"pgd": {"steps": 0}}), "steps is 0"),
        (Evaluation(checkpoint_folder, device="tpu"), 'no device "tpu"'),
        (Training(training().config, device="tpu"), 'no device "tpu"'),
    ]:
        with pytest.raises(UserError, match=message):
            submit(job)
    with pytest.raises(UserError, match="per_class is 0"):
        Evaluation(checkpoint_folder, per_class=0)
    assert not root.exists()


def test_a_task_survives_its_file(checkpoint_folder, monkeypatch):
    monkeypatch.chdir(checkpoint_folder.parent)
    jobs = [
        Training(training(seed=3).config, root="records", device="cpu"),
        Evaluation(checkpoint_folder.name),
        Evaluation(
            checkpoint_folder.name, ("spsa", "pgd", "pgd"), {"spsa": {"samples": 8}}, (0.3, 0.1), 5, True, 7, True
        ),
    ]
    for job in jobs:
        assert load_job(json.loads(json.dumps({"kind": job.kind, **job.to_json()}))) == job
    assert jobs[0].root == str(checkpoint_folder.parent / "records")
    assert jobs[1].checkpoint == str(checkpoint_folder)
    assert jobs[2].name == "evaluate-mlp-mseMargin"
    plan = jobs[2].plan()
    assert list(plan) == ["spsa", "pgd"]
    assert (plan["spsa"].attack.samples, plan["spsa"].attack.steps, plan["spsa"].carry) == (8, 100, True)
    assert {(job.per_class, job.eps_grid, job.signal_only, job.seed) for job in plan.values()} == {
        (5, (0.1, 0.3), True, 7)
    }


def test_an_evaluation_without_changes_is_the_papers(checkpoint_folder):
    from nsr_core.evaluation.assignment import PAPER_PLAN

    assert Evaluation(checkpoint_folder).plan() == PAPER_PLAN


# Reading


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b"\xff\xfe\x80",
        b"[" * 100_000,
        b"{}",
        b'{"state": "queued"}',
        {"state": "dancing"},
        {"state": None},
        {"state": INTERRUPTED},
        {"done": "many"},
        {"done": None},
        {"total": 1.5},
        {"created": "today"},
        {"created": float("nan")},
        {"seconds_left": float("inf")},
        {"error": 3},
        {"colour": "red"},
        {"state": RUNNING},
        {"state": RUNNING, "pid": -1},
        {"state": RUNNING, "pid": 0},
        {"folder": "/"},
    ],
)
def test_a_damaged_status_is_a_failed_run_that_can_be_deleted_and_nothing_else(damage, run, submit_toy):
    other = submit_toy()
    if isinstance(damage, bytes):
        (run.folder / "status.json").write_bytes(damage)
    else:
        set_status(run, **damage)
    shown = get_run(run.name)
    assert shown.state == FAILED
    assert str(run.folder / "status.json") in shown.error
    assert "cannot be read (" in shown.error
    assert "\n" not in shown.error
    assert shown.title == run.name
    assert {run.name: run.state for run in list_runs()} == {run.name: FAILED, other.name: QUEUED}
    assert cancel(shown).state == FAILED
    with pytest.raises(UserError, match=r"cannot go on: .*status.json cannot be read"):
        resume(shown)
    delete(shown)
    assert list_runs() == [other]


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"kind": 3}', b"\xff", b'{"kind": NaN}'])
def test_a_damaged_config_is_a_failed_run_that_is_not_started(damage, run):
    (run.folder / "config.json").write_bytes(damage)
    shown = get_run(run.name)
    assert (shown.state, shown.title, shown.config) == (FAILED, "A toy", {})
    assert "config.json cannot be read (" in shown.error
    with pytest.raises(UserError, match=r"cannot go on: .*config.json"):
        resume(shown)
    with claim(run.folder) as claimed:
        assert claimed is None


@pytest.mark.parametrize("name", ["status.json", "config.json"])
@pytest.mark.parametrize("folder_in_its_place", [False, True])
def test_a_missing_file_is_damage_too(name, folder_in_its_place, run):
    (run.folder / name).unlink()
    if folder_in_its_place:
        (run.folder / name).mkdir()
    assert get_run(run.name).state == FAILED
    assert f"{name} cannot be read" in list_runs()[0].error


def test_what_is_no_run_is_not_listed(run, root, trained_folder):
    shutil.copytree(trained_folder, root / "by-the-command-line")
    (root / "empty").mkdir()
    (root / "file").write_text("")
    (root / "loop").symlink_to(root / "loop")
    shutil.copytree(run.folder, root / ".new")
    assert list_runs() == [run]
    shutil.rmtree(root)
    assert list_runs() == []


@pytest.mark.parametrize("name", ["nothing", "../runs/toy-1", "toy-1/", "/", "", ".", "..", ".new"])
def test_a_name_that_is_none_of_a_run_leads_nowhere(name, run, root):
    shutil.copytree(run.folder, root / ".new")
    with pytest.raises(UserError, match="There is no run"):
        get_run(name)


def test_a_history_is_a_table_whatever_is_there(run, trained_folder):
    assert tuple(run.history()) == HISTORY_COLUMNS
    assert len(run.history()) == 0
    for text in ("", "no table", "a,b\n1", '"'):
        (run.folder / "history.csv").write_text(text)
        assert tuple(run.history()) == HISTORY_COLUMNS
        assert len(run.history()) == 0
    shutil.copy(trained_folder / "history.csv", run.folder)
    assert run.history()["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert tuple(run.history()) == HISTORY_COLUMNS


def test_the_log_is_read_from_its_end(run):
    assert run.log() == ""
    (run.folder / "log.txt").write_bytes(b"\xff first\n" + b"x" * 10**6 + b"\nlast but one\nlast\n")
    assert run.log(2) == "last but one\nlast"
    (run.folder / "log.txt").write_bytes(b"only")
    assert run.log() == "only"


# A process that is there, and one that is not


def test_a_run_without_its_process_is_interrupted(run):
    with claim(run.folder) as claimed:
        assert (claimed.state, claimed.pid) == (RUNNING, os.getpid())
        assert get_run(run.name) == claimed
    shown = get_run(run.name)
    assert (shown.state, shown.pid) == (INTERRUPTED, None)
    assert "ended without a word" in shown.error
    assert json.loads((run.folder / "status.json").read_text())["state"] == RUNNING
    assert resume(shown).state == QUEUED


def test_a_foreign_process_with_the_pid_of_a_run_is_neither_the_run_nor_killed(run):
    """The pid was given again after the run's process had died: alive, but without the run's lock."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as foreign:
        set_status(run, state=RUNNING, pid=foreign.pid, started=time.time())
        (run.folder / ALIVE_LOCK).touch()
        shown = get_run(run.name)
        assert shown.state == INTERRUPTED
        assert cancel(shown).state == INTERRUPTED
        with pytest.raises(subprocess.TimeoutExpired):
            foreign.wait(0.3)
        foreign.kill()


def test_a_run_that_ends_between_two_looks_was_not_interrupted(run, monkeypatch):
    set_status(run, state=RUNNING, pid=4_000_000)

    def is_held(path):
        set_status(run, state=FINISHED)
        return False

    monkeypatch.setattr(folder, "is_held", is_held)
    assert get_run(run.name).state == FINISHED


def test_only_one_process_gets_a_run(run):
    with claim(run.folder) as first, claim(run.folder) as second:
        assert first.state == RUNNING
        assert second is None
    with claim(run.folder) as third:
        assert third is None


def test_a_run_cancelled_or_deleted_before_its_process_was_there_is_not_begun(run, submit_toy):
    cancel(run)
    with claim(run.folder) as claimed:
        assert claimed is None
    assert get_run(run.name).state == CANCELLED


def test_a_resumed_run_waits_for_the_last_process_to_be_gone(run):
    """It has written that it was cancelled, but it still holds the lock."""
    entered = threading.Event()

    def take_over():
        with claim(run.folder) as claimed:
            assert claimed.state == RUNNING
            entered.set()

    with (run.folder / ALIVE_LOCK).open("ab") as last:
        assert take(last)
        thread = threading.Thread(target=take_over)
        thread.start()
        assert not entered.wait(0.3)
        assert get_run(run.name).state == QUEUED
    assert entered.wait(10)
    thread.join()


# Cancel, resume, delete


def test_a_queued_run_is_cancelled_at_once_and_only_once(run):
    cancelled = cancel(run)
    assert cancelled.state == CANCELLED
    assert cancelled.ended is not None
    assert cancel(run) == cancelled == get_run(run.name)


def test_a_resumed_run_goes_to_the_end_of_the_queue_and_keeps_how_far_it_was(run, submit_toy, started):
    save_run(run, state=FAILED, error="no", done=3, total=9, started=1.0, ended=2.0, seconds_left=5.0)
    later = submit_toy()
    started.clear()
    resumed = resume(run)
    assert resumed.queued > later.queued > resumed.created
    assert (resumed.state, resumed.error, resumed.done, resumed.total) == (QUEUED, None, 3, 9)
    assert (resumed.ended, resumed.seconds_left, resumed.pid) == (None, None, None)
    assert len(started) == 1


def test_two_browsers_that_resume_queue_a_run_once(run, monkeypatch):
    cancel(run)
    writes = []
    monkeypatch.setattr(control, "save_run", lambda run, **changes: writes.append(run) or save_run(run, **changes))
    assert {resumed.queued for resumed in in_threads(lambda: resume(run))} == {get_run(run.name).queued}
    assert len(writes) == 1


def test_a_finished_run_is_not_resumed(run):
    save_run(run, state=FINISHED)
    with pytest.raises(UserError, match="toy-1 is finished"):
        resume(run)
    assert cancel(run).state == FINISHED


def test_a_run_is_deleted_only_when_its_process_is_gone(run, root):
    with claim(run.folder) as claimed:
        with pytest.raises(UserError, match=r"toy-1 is running\. Cancel it"):
            delete(run)
        save_run(claimed, state=CANCELLED)  # said, but not yet gone
        with pytest.raises(UserError, match="toy-1 is running"):
            delete(run)
    delete(run)
    assert list_runs(root) == []
    for act in (delete, cancel, resume):
        with pytest.raises(UserError, match='no run "toy-1"'):
            act(run)


def test_a_deleted_run_comes_back_whole_for_a_while(run, root, submit_toy, monkeypatch):
    """Its name is not given away meanwhile; afterwards it is gone for good, with what older versions left behind."""
    files = {path.name: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    delete(run)
    assert list_deleted(root) == list_deleted(root, kind=run.kind) == [run.name]
    assert list_deleted(root, kind="another") == []
    other = submit_toy()
    assert other.name != run.name
    back = restore(run.name, root)
    assert {path.name: path.read_bytes() for path in back.folder.iterdir() if path.is_file()} == files
    assert list_deleted(root) == []
    delete(back)
    (root / ".deleted").mkdir()
    monkeypatch.setattr("nsr_core.jobs.control.UNDO_SECONDS", 0.0)
    with pytest.raises(UserError, match="gone for good"):
        restore(run.name, root)
    delete(other)
    assert [path.name for path in root.iterdir() if path.is_dir()] == [f".deleted-{other.name}"]


def test_a_queued_run_is_deleted_before_its_process_comes(run):
    delete(run)
    with pytest.raises(FileNotFoundError), claim(run.folder):
        pass
    assert not run.folder.exists()


# The worker's start


def test_a_worker_is_started_only_for_a_queue_that_nobody_works_on(run, root, started):
    started.clear()
    assert ensure_worker()
    assert started == [root]
    with (root / WORKER_LOCK).open("ab") as lock:
        assert take(lock)
        assert not ensure_worker()
    assert ensure_worker(root)
    cancel(run)
    assert not ensure_worker()
    assert not ensure_worker(root / "nowhere")
    assert len(started) == 2


def test_a_worker_that_cannot_be_started_is_told(run, monkeypatch):
    def start(module, folder, log):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(control, "start", start)
    with pytest.raises(UserError, match=r"No process can be started .* temporarily unavailable"):
        ensure_worker()
    assert get_run(run.name).state == QUEUED


def test_a_lock_ends_with_its_holder_however_it_ends(tmp_path):
    path = tmp_path / "lock"
    code = (
        "import sys, time; from nsr_core.files import take; "
        "file = open(sys.argv[1], 'ab'); assert take(file); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=REPOSITORY) as holder:
        wait_for(lambda: is_held(path))
        with path.open("ab") as file:
            assert not take(file)
        holder.kill()
    assert not is_held(path)
    with path.open("ab") as file:
        assert take(file)
        assert is_held(path)
