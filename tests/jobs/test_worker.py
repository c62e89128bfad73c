"""The worker: in which order, one at a time, and what becomes of a run whose process says nothing."""

import os
import subprocess
import sys
import threading
import time

import pytest
from jobtoys import Toy

from nsr_core.errors import UserError
from nsr_core.files import REPOSITORY, is_held, take
from nsr_core.jobs import FAILED, FINISHED, QUEUED, RUNNING, cancel, delete, get_run, resume, submit, worker
from nsr_core.jobs.control import WORKER_LOCK
from nsr_core.jobs.folder import claim, save_run
from nsr_core.jobs.worker import carry_out, work


@pytest.fixture
def processes(monkeypatch, root):
    """No process is started: each run is at once finished. The names in the order of their start."""
    names = []

    class Process:
        def __init__(self, module, folder, log):
            assert module == "nsr_core.jobs.run"
            assert is_held(root / WORKER_LOCK)
            names.append(folder.name)
            save_run(get_run(folder.name), state=FINISHED)

        def wait(self):
            return 0

    monkeypatch.setattr(worker, "start", Process)
    return names


def test_it_imports_no_torch():
    code = "import sys, nsr_core.jobs.worker; print(*sorted({'torch', 'pandas', 'streamlit'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout == "\n"


def test_the_oldest_comes_first_and_a_resumed_run_last(submit_toy, root, processes):
    first, second, third = (submit_toy() for _ in range(3))
    cancel(first)
    resume(first)
    cancel(third)
    work(root)
    assert processes == [second.name, first.name]
    assert (root / WORKER_LOCK).read_text() == f"{os.getpid()}\n"
    assert not is_held(root / WORKER_LOCK)


def test_a_second_worker_leaves_at_once(submit_toy, root, processes):
    run = submit_toy()
    with (root / WORKER_LOCK).open("ab") as lock:
        assert take(lock)
        work(root)
    assert not processes
    assert get_run(run.name).state == QUEUED


def test_a_run_submitted_while_the_worker_leaves_is_not_forgotten(submit_toy, root, processes, started, monkeypatch):
    """Its last look has found nothing and it still has its lock, so that nobody starts another one."""
    submit_toy()
    started.clear()
    original = worker._next_queued
    late = []

    def next_queued(root):
        run = original(root)
        if run is None and not late:
            late.append(submit(Toy()))
        return run

    monkeypatch.setattr(worker, "_next_queued", next_queued)
    work(root)
    assert processes == ["toy-1", "toy-2"]
    assert not started


def test_it_waits_for_a_process_whose_own_worker_was_killed(submit_toy, root, processes, monkeypatch):
    monkeypatch.setattr(worker, "LOOK_EVERY_SECONDS", 0.01)
    orphan, run = submit_toy(), submit_toy()
    with claim(orphan.folder) as claimed:
        assert claimed.state == RUNNING
        thread = threading.Thread(target=work, args=[root])
        thread.start()
        time.sleep(0.2)
        assert not processes
        save_run(claimed, state=FINISHED)
    thread.join(10)
    assert processes == [run.name]


# A process that dies without a word


def dying(monkeypatch, code):
    def start(module, folder, log):
        with log.open("ab") as output:
            return subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=output, stderr=output)

    monkeypatch.setattr(worker, "start", start)


def test_its_last_words_are_in_the_error(submit_toy, root, monkeypatch):
    dying(monkeypatch, "import sys; print('first line' + 9 * '\\n'); sys.exit('No module named\\n  nsr_core')")
    run = submit_toy()
    work(root)
    failed = get_run(run.name)
    assert failed.state == FAILED
    assert failed.error == "Its process ended with status 1 and no result: No module named nsr_core"
    assert failed.ended is not None


def test_a_process_that_was_killed_is_told_from_one_that_failed(submit_toy, root, monkeypatch):
    dying(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    run = submit_toy()
    save_run(run, done=5)
    work(root)
    failed = get_run(run.name)
    assert (failed.state, failed.done) == (FAILED, 5)
    assert "ended by signal 9 (Killed), often because memory ran out" in failed.error


def test_a_run_that_claimed_and_died_has_failed(submit_toy, root, monkeypatch):
    code = "import sys, os; from pathlib import Path; from nsr_core.jobs.folder import claim\n"
    code += "with claim(Path(sys.argv[1])): os._exit(7)"
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    dying(monkeypatch, code)
    run = submit_toy()
    work(root)
    failed = get_run(run.name)
    assert (failed.state, failed.pid) == (FAILED, None)
    assert failed.error == "Its process ended with status 7 and no result: it printed nothing"


def test_a_process_that_does_nothing_is_not_started_for_ever(submit_toy, root, monkeypatch):
    dying(monkeypatch, "")
    run = submit_toy()
    work(root)
    assert get_run(run.name).state == FAILED


def test_a_process_that_cannot_be_started_fails_its_run_and_the_next_has_its_turn(submit_toy, root, monkeypatch):
    def start(module, folder, log):
        calls.append(folder.name)
        raise OSError(11, "Resource temporarily unavailable")

    calls = []
    monkeypatch.setattr(worker, "start", start)
    runs = [submit_toy(), submit_toy()]
    work(root)
    assert calls == [run.name for run in runs]
    assert "could not be started (Resource temporarily unavailable)" in get_run(runs[0].name).error


@pytest.mark.parametrize("meanwhile", ["resumed", "deleted", "finished"])
def test_what_became_of_a_run_meanwhile_is_left_as_it_is(meanwhile, submit_toy, monkeypatch):
    run = submit_toy()

    class Process:
        def __init__(self, *arguments):
            pass

        def wait(self):
            if meanwhile == "resumed":
                cancel(run)
                resume(run)
            elif meanwhile == "deleted":
                delete(run)
            else:
                save_run(run, state=FINISHED)
            return 1

    monkeypatch.setattr(worker, "start", Process)
    carry_out(run)
    if meanwhile == "deleted":
        with pytest.raises(UserError):
            get_run(run.name)
    else:
        assert get_run(run.name).state == (QUEUED if meanwhile == "resumed" else FINISHED)
