"""The command in processes of its own: killed in the middle, stopped by Ctrl-C, and gone on with to the same tables."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from nsr_core.errors import UserError
from nsr_core.evaluation.table import load_table
from nsr_core.files import partial_of
from nsr_core.progress import no_progress
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.local import LocalWorkers, default_workers
from nsr_core.reproduction.plan import Request, make_plan
from nsr_core.reproduction.run import run_tasks
from nsr_core.reproduction.session import LOCK_FILE, carry_out_all
from nsr_core.reproduction.side_by_side import SIDE_BY_SIDE

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
ASKED = ("--source", "demo", "--only", "mlp-loss2,table5", "--seeds", "0,1", "--epochs", "40", "--workers", "1")
MODEL = "mlp-loss2-40-epochs-seed-0"


def start(*arguments):
    command = [sys.executable, "-m", "nsr_core", "reproduce", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c
    )


def _heed_ctrl_c():
    """A shell that runs the tests in the background has them ignore Ctrl-C, and the command would inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(condition, process, seconds=120.0):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return value


def children(pid):
    """Its processes, whatever threads started them."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, path.read_text().split())
    return found


def is_alive(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for child processes in /proc")
def test_killed_and_stopped_it_goes_on_to_the_same_tables(bench, carry_out_here, tmp_path):
    """Killed while it trains, with Ctrl-C when its first model is trained; no process stays behind either time."""
    work = Path(bench.work)
    running = start(*ASKED, "--out", work)
    wait_for(lambda: (work / "checkpoints" / MODEL / "state.safetensors").exists(), running)
    workers = children(running.pid)
    running.kill()
    running.communicate()
    assert not (work / "checkpoints" / MODEL / "card.json").exists()

    again = start(*ASKED, "--out", work)
    # A second model is still to be trained: on a busy machine the rest of one may be over before the signal is delivered.
    wait_for(lambda: (work / "checkpoints" / MODEL / "card.json").exists(), again)
    workers += children(again.pid)
    again.send_signal(signal.SIGINT)
    _, err = again.communicate(timeout=120)
    assert again.returncode == 130
    assert "run the same command again" in err
    assert "Traceback" not in err
    deadline = time.monotonic() + 20
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline, "a process stays behind"
        time.sleep(0.05)
    assert not (work / "tables").exists()

    whole = replace(bench, work=str(tmp_path / "whole"))
    plan = make_plan(Request(only=("mlp-loss2", "table5"), seeds=(0,), epochs=40), bench, Path("/nowhere"))
    left = plan.pending(bench)
    assert [task.kind for task in left] == ["attack", "merge"]
    carry_out_here(left)
    carry_out_here(plan.tasks, whole)
    ours, theirs = (Path(at.work) / "checkpoints" / MODEL for at in (bench, whole))
    assert (ours / "model.safetensors").read_bytes() == (theirs / "model.safetensors").read_bytes()
    pd.testing.assert_frame_equal(load_table(ours / "robustness.parquet"), load_table(theirs / "robustness.parquet"))
    assert (ours / "robustness.csv").read_bytes() == (theirs / "robustness.csv").read_bytes()


def test_a_worker_that_is_killed_fails_its_task_alone_and_says_so(bench, shipped):
    from nsr_core.reproduction.tasks import TrainModel

    workers = LocalWorkers(bench, 1)
    plan = make_plan(Request(only=("mlp-ce", "table5"), seeds=(0,), epochs=200), bench, Path("/nowhere"))
    killed = []

    def kill(done, total, what):
        if done and not killed:
            killed.append(workers._workers[0].process)
            killed[0].kill()

    tasks = [plan.tasks[0], TrainModel(shipped)]
    with pytest.raises(UserError, match=r"1 of 2 tasks failed \(train mlp-ce.*ended by signal 9.*1 are finished"):
        run_tasks(tasks, workers, Costs([]), kill)
    assert shipped.is_trained(bench)


def test_two_commands_do_not_work_in_one_folder(bench):
    import fcntl

    with (Path(bench.work) / LOCK_FILE).open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="Another command is at work"):
            carry_out_all([], bench, workers=1, scheduler=None, costs=Costs([]), progress=no_progress)


def test_one_worker_a_core_and_as_many_as_fill_a_cuda_device():
    assert default_workers("cpu") == len(os.sched_getaffinity(0))
    assert default_workers("cuda") == SIDE_BY_SIDE


def test_what_a_killed_command_left_anywhere_in_its_folder_goes_and_all_else_stays(bench):
    """Shards and tables are in folders without a lock of their own; a writer may die with its checkpoint's lock in its hand."""
    work, dead = Path(bench.work), subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = partial_of(work).name.split(".")[2]
    left = [
        work / "tables" / f".table-01.{host}.{dead.pid}.0123abcd.partial.csv",
        work / "shards" / "model" / "pgd" / f".0-50.{host}.{dead.pid}.0123abcd.partial.json",
        work / "checkpoints" / "model" / ".lock",
    ]
    stays = [work / "tables" / "table-01.csv", work / "tables" / f".table-01.{host}.{os.getpid()}.0123abcd.partial.csv"]
    for path in left + stays:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    carry_out_all([], bench, workers=1, scheduler=None, costs=Costs([]), progress=no_progress)
    assert [path for path in left if path.exists()] == []
    assert [path for path in stays if not path.exists()] == []
