"""Shared by the tests of the reproduction: a bench with the demo beats, and a model that is there already."""

from pathlib import Path

import pytest

from nsr_core.progress import no_progress
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.model import Model
from nsr_core.reproduction.tasks import carry_out
from nsr_core.training.checkpoint import load_checkpoint


@pytest.fixture
def bench(tmp_path) -> Bench:
    """The demo beats and a work folder of the test's own."""
    (tmp_path / "work").mkdir()
    return Bench(str(tmp_path / "work"), source="demo")


@pytest.fixture
def shipped(trained_folder) -> Model:
    """The MLP that learned the demo beats, as a shipped checkpoint."""
    checkpoint = load_checkpoint(trained_folder)
    return Model(checkpoint.config, str(trained_folder), checkpoint.digest)


@pytest.fixture
def carry_out_here(bench):
    """``carry_out_here(tasks)``: one after the other, in this process."""

    def run(tasks, at=bench):
        Path(at.work).mkdir(exist_ok=True)
        for task in tasks:
            carry_out(task, at, no_progress)

    return run
