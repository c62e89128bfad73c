"""The same tasks on a Dask cluster: a real scheduler and two worker processes on loopback."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from nsr_core.errors import UserError
from nsr_core.evaluation.table import load_table
from nsr_core.progress import no_progress
from nsr_core.reproduction import cluster
from nsr_core.reproduction.cluster import ClusterWorkers
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.plan import Request, make_plan
from nsr_core.reproduction.run import run_tasks

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = "mlp-ce-12-epochs-seed-0"


@pytest.fixture
def dask(tmp_path):
    """``(address, workers)``: a scheduler, and two worker processes of one thread each that nobody restarts."""
    pytest.importorskip("distributed", reason="needs dask.distributed: pip install distributed==2026.8.0")
    result = tmp_path / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    log = (tmp_path / "dask.log").open("wb")

    def start(*command):
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, command)], env=environment, stdout=log, stderr=log, cwd=tmp_path
        )

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", result)
    options = ("--scheduler-file", result, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
    workers = [start("worker", *options) for _ in range(2)]
    try:
        from distributed import Client

        with Client(scheduler_file=str(result), timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            yield client.scheduler.address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
        log.close()


def test_a_killed_worker_s_task_is_done_again_and_the_results_are_those_of_one_machine(
    dask, bench, carry_out_here, tmp_path, cli
):
    """The worker is killed while it trains; the other one goes on with the training, and attacks and merges."""
    address, processes = dask
    plan = make_plan(Request(only=("mlp-ce", "table5"), seeds=(0,), epochs=12), bench, Path("/nowhere"))
    workers = ClusterWorkers(bench, address)
    pids = workers._client.run(os.getpid)
    state = bench.checkpoints / MODEL / "state.safetensors"
    killed = []

    def kill():
        while not state.exists():
            time.sleep(0.02)
        busy = next(at for at, keys in workers._client.processing().items() if keys)
        killed.append(next(process for process in processes if process.pid == pids[busy]))
        killed[0].kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    run_tasks(plan.tasks, workers, Costs([]), no_progress)
    killer.join(timeout=5)
    assert len(killed) == 1
    assert killed[0].wait() == -9
    assert plan.pending(bench) == []

    whole = replace(bench, work=str(tmp_path / "whole"))
    carry_out_here(plan.tasks, whole)
    ours, theirs = (at.checkpoints / MODEL for at in (bench, whole))
    assert (ours / "model.safetensors").read_bytes() == (theirs / "model.safetensors").read_bytes()
    pd.testing.assert_frame_equal(load_table(ours / "robustness.parquet"), load_table(theirs / "robustness.parquet"))
    assert (ours / "robustness.csv").read_bytes() == (theirs / "robustness.csv").read_bytes()

    asked = (
        "--source",
        "demo",
        "--only",
        "mlp-ce,table5",
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--out",
        tmp_path / "by-command",
    )
    status, out, err = cli("reproduce", *asked, "--scheduler", address)
    assert status == 0, err
    assert "### Table 5: ACC, MLP, 100-PGD" in out

    nowhere = replace(bench, work=str(tmp_path / "not-shared"))
    with pytest.raises(UserError, match=r"not there on this machine.*share with --out"):
        run_tasks(plan.tasks[:1], ClusterWorkers(nowhere, address), Costs([]), no_progress)


def test_without_dask_it_says_what_to_install(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install distributed==2026.8.0"):
        ClusterWorkers(bench, "tcp://127.0.0.1:1")


def test_without_a_scheduler_it_says_how_to_start_one(bench, monkeypatch):
    pytest.importorskip("distributed", reason="needs dask.distributed: pip install distributed==2026.8.0")
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match="Start one with: dask scheduler"):
        ClusterWorkers(bench, "tcp://127.0.0.1:1")
    with pytest.raises(UserError, match="No Dask scheduler answers at nonsense"):
        ClusterWorkers(bench, "nonsense://")


def test_the_pinned_version_is_that_of_the_requirements():
    assert cluster.DISTRIBUTED in (REPOSITORY / "requirements-dev.txt").read_text().split()
    assert cluster.DISTRIBUTED in (REPOSITORY / "docs" / "scale.md").read_text()
