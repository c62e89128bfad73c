"""Shared by all tests: an environment of their own, the real records where they are, a small trained network."""

import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from nsr_core.cli.app import main
from nsr_core.data import Beats, Split, load_beats, make_split, mitbih
from nsr_core.evaluation.table import COLUMN_TYPES
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.training.config import paper_config
from nsr_core.training.loop import train

REPOSITORY = Path(__file__).resolve().parents[1]
#: Read before ``own_environment`` hides it from the tests.
ROOT_AT_START = os.environ.get("NSR_MITDB_DIR")
MAIN_AT_START = sys.modules["__main__"]


#: Begun first, since a file is one worker's: begun late, they would be run on while the other has nothing left.
LONGEST = ("tests/browser/test_app_in_browser.py", "tests/test_house.py")


def pytest_configure(config) -> None:
    """Workers take the files in the order below, not by how many tests they hold."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items) -> None:
    """The longest files first, all others as they were."""
    items.sort(key=lambda item: [not item.nodeid.startswith(file) for file in LONGEST])


@pytest.fixture(autouse=True)
def own_environment(tmp_path, monkeypatch) -> None:
    """No test sees the user's cache or folders, nor leaves anything there."""
    monkeypatch.setenv("NSR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NSR_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.delenv("NSR_MITDB_DIR", raising=False)
    monkeypatch.delenv("NSR_KAGGLE_DIR", raising=False)
    monkeypatch.delenv("NSR_CHECKPOINTS_DIR", raising=False)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are slower on several threads, and a run is bit-identical only on as many."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def own_main_module(monkeypatch) -> None:
    """AppTest leaves its page as ``__main__``, and a process that is started later would run that page again."""
    monkeypatch.setitem(sys.modules, "__main__", MAIN_AT_START)


@pytest.fixture(autouse=True, scope="session")
def packages_are_looked_through_once() -> Iterator[None]:
    """For components, as a server does at its start; AppTest does it for each app: a third of a second of each test of a page."""
    if "streamlit.testing.v1" not in sys.modules:  # none of these tests opens a page
        yield
        return
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def mitdb_root() -> Path:
    """The folder with the real records; tests that ask for it are skipped where there is none."""
    root = Path(ROOT_AT_START or REPOSITORY.parent / "shared" / "mitdb")
    if not root.is_dir():
        pytest.skip("needs the MIT-BIH records: set NSR_MITDB_DIR")
    return root


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory) -> Path:
    """A user's cache that has the beats of the real records, once ``real_beats`` was asked for."""
    return tmp_path_factory.mktemp("real-cache")


@pytest.fixture(scope="session")
def real_beats(mitdb_root, real_cache) -> Beats:
    """The beats of the real records, cut once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NSR_CACHE_DIR", str(real_cache))
        return mitbih.load_mitbih(mitdb_root)


@pytest.fixture(scope="session")
def demo_beats() -> Beats:
    """1,000 demo beats, 200 of each class."""
    return load_beats("demo")


@pytest.fixture(scope="session")
def demo_split(demo_beats) -> Split:
    """By beat: 640 train, 160 validate, 200 test, as many of each class."""
    return make_split(demo_beats, "beat")


@pytest.fixture(scope="session")
def trained_folder(demo_beats, demo_split, tmp_path_factory) -> Path:
    """The checkpoint of an MLP that learned the demo beats by mseMargin. Not to be written to: see ``checkpoint``."""
    torch.set_num_threads(1)
    config = paper_config("mlp", "mseMargin", source="demo", epochs=6, batch_size=16, learning_rate=0.003)
    return train(config, demo_beats, demo_split, tmp_path_factory.mktemp("trained") / "mlp-mseMargin")


@pytest.fixture(scope="session")
def trained(trained_folder) -> Checkpoint:
    """The same, loaded: right on most demo beats, robust on some of them at eps 0.05."""
    return load_checkpoint(trained_folder)


@pytest.fixture
def checkpoint_folder(trained_folder, tmp_path) -> Path:
    """A copy of that checkpoint's folder, to be written to."""
    return Path(shutil.copytree(trained_folder, tmp_path / "mlp-mseMargin"))


@pytest.fixture
def cli(capsys):
    """``cli("list", "--json")`` to (status, standard output, standard error)."""

    def run(*arguments):
        try:
            main([str(argument) for argument in arguments])
            status: str | int = 0
        except SystemExit as ended:
            status = ended.code or 0
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def make_table():
    """``make(step, pred, y, clean, eps, attack)``: a table of one row for each entry of the (levels, beats) ``step``."""

    def make(step, pred, y, clean, eps, attack="pgd") -> pd.DataFrame:
        step, pred = np.asarray(step), np.asarray(pred)
        levels, count = step.shape
        return pd.DataFrame(
            {
                "record": np.tile([f"{100 + beat}" for beat in range(count)], levels),
                "sample": np.tile(np.arange(count), levels),
                "y": np.tile(y, levels),
                "clean": np.tile(clean, levels),
                "attack": np.full(levels * count, attack),
                "eps": np.repeat(np.asarray(eps, float), count),
                "step": step.reshape(-1),
                "pred": pred.reshape(-1),
                "queries": np.ones(levels * count, np.int64),
            }
        ).astype(COLUMN_TYPES)

    return make


@pytest.fixture
def beats_of():
    """``make(x, y, record, sample)``: beats with a signal, of one record unless given."""

    def make(x, y, record=None, sample=None, source="demo") -> Beats:
        count = len(x)
        return Beats(
            x=np.asarray(x),
            y=np.asarray(y, np.int64),
            length=np.full(count, 100, np.int16),
            record=np.array(["100"] * count if record is None else record),
            sample=np.arange(count) if sample is None else np.asarray(sample, np.int64),
            lead=np.full(count, "MLII"),
            mv_min=np.full(count, -1.0, np.float32),
            mv_max=np.full(count, 1.0, np.float32),
            cut_short=np.zeros(count, bool),
            truncated=np.zeros(count, bool),
            source=source,
        )

    return make


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Training flushes subnormal numbers for the whole process, and hypothesis draws no floats where they are flushed."""
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        torch.set_flush_denormal(False)
