"""A run that is killed and gone on with ends with the same weights, to the bit, as one that was not."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from nsr_core.data import make_split
from nsr_core.data.demo import load_demo
from nsr_core.errors import UserError
from nsr_core.methods import METHODS
from nsr_core.training import loop, state
from nsr_core.training.config import TrainConfig, paper_config
from nsr_core.training.loop import train

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]


class Killed(BaseException):
    """What no handler of the code under test may swallow."""


@pytest.fixture(scope="module")
def beats():
    return load_demo(100)


@pytest.fixture(scope="module")
def split(beats):
    return make_split(beats, "beat")


def config_for(method, epochs=3, **changes):
    """13 training beats of each class in batches of 16: 5 steps an epoch."""
    return paper_config("mlp", method, source="demo", epochs=epochs, batch_size=16, **changes)


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_same_run(folder, other):
    left, right = weights(folder), weights(other)
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
    histories = [pd.read_csv(at / "history.csv").drop(columns="seconds") for at in (folder, other)]
    pd.testing.assert_frame_equal(*histories)
    cards = [json.loads((at / "card.json").read_text()) for at in (folder, other)]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]
    assert cards[0]["training"]["last_epoch"] == cards[1]["training"]["last_epoch"]


@pytest.fixture(scope="module")
def whole(beats, split, tmp_path_factory):
    """Adversarial training, the method with the most chance in it, not interrupted."""
    return train(config_for("adv0.1"), beats, split, tmp_path_factory.mktemp("whole") / "run")


class KillAt:
    """Raises at the given call of ``progress``; counts the calls."""

    def __init__(self, call):
        self.calls, self._call = 0, call

    def __call__(self, done, total, what):
        self.calls += 1
        if self.calls == self._call:
            raise Killed


@pytest.mark.parametrize("call", range(1, 11))
def test_killed_within_any_epoch_it_goes_on_to_the_same_end(call, whole, beats, split, tmp_path, monkeypatch):
    """With a report every 2 steps there are 3 in each epoch of 5 steps, and one at the end: 10 places to die."""
    monkeypatch.setattr(loop, "REPORT_EVERY", 2)
    with pytest.raises(Killed):
        train(config_for("adv0.1"), beats, split, tmp_path / "run", progress=KillAt(call))
    assert not (tmp_path / "run" / "card.json").exists()
    train(config_for("adv0.1"), beats, split, tmp_path / "run")
    assert_same_run(tmp_path / "run", whole)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_goes_on_to_the_same_end(method, beats, split, tmp_path):
    config = config_for(method, epochs=2, seed=7)
    train(config, beats, split, tmp_path / "whole")
    with pytest.raises(Killed):
        train(config, beats, split, tmp_path / "run", progress=KillAt(2))
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == 1
    train(config, beats, split, tmp_path / "run")
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize("target", ["save_state", "_write_history", "save_checkpoint", "write_card"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_beside_any_writing_it_goes_on_to_the_same_end(target, when, whole, beats, split, tmp_path, monkeypatch):
    """The last time each of them is called; a card that is written means a finished run, the leftover state no harm."""
    home = loop if hasattr(loop, target) else sys.modules["nsr_core.training.checkpoint"]
    original = getattr(home, target)
    calls = []

    def dying(*arguments):
        calls.append(target)
        last = len(calls) == (3 if target in ("save_state", "_write_history") else 1)
        if last and when == "before":
            raise Killed
        original(*arguments)
        if last:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(home, target, dying)
        with pytest.raises(Killed):
            train(config_for("adv0.1"), beats, split, tmp_path / "run")
    train(config_for("adv0.1"), beats, split, tmp_path / "run")
    (tmp_path / "run" / "state.safetensors").unlink(missing_ok=True)
    assert_same_run(tmp_path / "run", whole)


def test_killed_while_the_state_is_written_the_last_one_counts(whole, beats, split, tmp_path, monkeypatch):
    original, calls = state.write_atomically, []

    def dying(path, write):
        def half(partial):
            partial.write_bytes(b"half a file")
            raise Killed

        calls.append(path)
        original(path, half if len(calls) == 2 else write)

    with monkeypatch.context() as patch:
        patch.setattr(state, "write_atomically", dying)
        with pytest.raises(Killed):
            train(config_for("adv0.1"), beats, split, tmp_path / "run")
    train(config_for("adv0.1"), beats, split, tmp_path / "run")
    assert_same_run(tmp_path / "run", whole)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_command_that_is_really_killed_goes_on_to_the_same_end(demo_beats, demo_split, tmp_path):
    """SIGKILL as soon as one epoch is on disk, then the same command again."""
    config = paper_config("mlp", "loss2", source="demo", epochs=20)
    expected = train(config, demo_beats, demo_split, tmp_path / "whole")
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "nsr_core", "train", "mlp", "loss2", "--source", "demo", "--epochs", "20"]
    command += ["--out", str(folder), "--device", "cpu", "--json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, **silent) as process:
        deadline = time.monotonic() + 120
        while not (folder / "history.csv").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "card.json").exists()
    assert 1 <= len(pd.read_csv(folder / "history.csv")) < 20
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 20
    assert_same_run(folder, expected)


def test_a_finished_run_is_left_as_it_is(whole, beats, split):
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in whole.iterdir()}
    watch = KillAt(0)
    assert train(config_for("adv0.1"), beats, split, whole, progress=watch) == whole
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in whole.iterdir()} == before
    assert watch.calls == 0


def test_a_finished_run_of_other_settings_is_not_overwritten(whole, beats, split):
    with pytest.raises(UserError, match="finished checkpoint with other settings"):
        train(config_for("adv0.1", seed=1), beats, split, whole)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 0.002}, "learning_rate"),
        ({"seed": 1, "threads": 2}, "seed, threads"),
        ({"eps": 0.2}, "method_settings"),
    ],
)
def test_an_unfinished_run_of_other_settings_is_named_with_what_differs(changes, named, beats, split, tmp_path):
    with pytest.raises(Killed):
        train(config_for("adv0.1"), beats, split, tmp_path, progress=KillAt(2))
    kept = (tmp_path / "state.safetensors").read_bytes()
    with pytest.raises(UserError, match=f"unfinished run that differs in: {named}\\."):
        train(config_for("adv0.1", **changes), beats, split, tmp_path)
    assert (tmp_path / "state.safetensors").read_bytes() == kept


def test_a_run_from_before_a_setting_existed_goes_on_with_its_default(beats, split, tmp_path, monkeypatch):
    def without_schedule(self):
        return {name: value for name, value in asdict(self).items() if name != "schedule"}

    train(config_for("ce", epochs=2), beats, split, tmp_path / "whole")
    with monkeypatch.context() as before:
        before.setattr(TrainConfig, "to_json", without_schedule)
        with pytest.raises(Killed):
            train(config_for("ce", epochs=2), beats, split, tmp_path / "run", progress=KillAt(2))
    with pytest.raises(UserError, match="differs in: schedule"):
        train(config_for("ce", epochs=2, schedule="cosine"), beats, split, tmp_path / "run")
    train(config_for("ce", epochs=2), beats, split, tmp_path / "run")
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_an_unfinished_run_on_other_beats_is_refused(beats, split, tmp_path):
    with pytest.raises(Killed):
        train(config_for("ce"), beats, split, tmp_path, progress=KillAt(2))
    others = load_demo(120)
    with pytest.raises(UserError, match="differs in: split fingerprint"):
        train(config_for("ce"), others, make_split(others, "beat"), tmp_path)


@pytest.mark.parametrize("damage", [b"", b"not safetensors", "truncated", "foreign"])
def test_a_damaged_state_is_named(damage, beats, split, tmp_path):
    with pytest.raises(Killed):
        train(config_for("ce"), beats, split, tmp_path, progress=KillAt(2))
    path = tmp_path / "state.safetensors"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "foreign":
        save_file({"weight": torch.zeros(2)}, path)
    else:
        path.write_bytes(damage)
    with pytest.raises(UserError, match=r"state.safetensors cannot be read .* Delete it to start the run anew"):
        train(config_for("ce"), beats, split, tmp_path)


def test_the_beats_must_be_those_of_the_configuration(beats, split, tmp_path):
    with pytest.raises(ValueError, match="not those of the configuration"):
        train(paper_config("mlp", "ce"), beats, split, tmp_path)
    assert not list(tmp_path.iterdir())


def test_epochs_are_named_where_the_steps_depend_on_how_many_there_are(beats, split, tmp_path):
    def stop(done, total, what):
        if done > total / 2:
            raise Killed

    with pytest.raises(Killed):
        train(config_for("trades0.1"), beats, split, tmp_path, progress=stop)
    with pytest.raises(UserError, match="unfinished run that differs in: epochs"):
        train(config_for("trades0.1", epochs=9), beats, split, tmp_path)


# More epochs


def test_a_longer_training_goes_on_to_the_same_bit(beats, split, tmp_path):
    short, whole = tmp_path / "short", tmp_path / "whole"
    train(config_for("adv0.1", epochs=2), beats, split, short)
    train(config_for("adv0.1", epochs=4), beats, split, short)
    train(config_for("adv0.1", epochs=4), beats, split, whole)
    assert_same_run(short, whole)
    assert json.loads((short / "card.json").read_text())["config"]["epochs"] == 4


def test_a_stopped_run_can_end_at_the_epochs_that_it_has(beats, split, tmp_path):
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"

    def stop(done, total, what):
        if done > 0.6 * total:
            raise Killed

    with pytest.raises(Killed):
        train(config_for("ce", epochs=50), beats, split, stopped, progress=stop)
    epochs = len(pd.read_csv(stopped / "history.csv"))
    train(config_for("ce", epochs=epochs), beats, split, stopped)
    train(config_for("ce", epochs=epochs), beats, split, whole)
    assert_same_run(stopped, whole)
    (stopped / "card.json").unlink()
    with pytest.raises(UserError, match=f"{epochs} epochs already, more than the {epochs - 1}"):
        train(config_for("ce", epochs=epochs - 1), beats, split, stopped)


def test_a_training_whose_steps_depend_on_its_length_keeps_no_state_and_is_not_lengthened(beats, split, tmp_path):
    train(config_for("trades0.1", epochs=1), beats, split, tmp_path)
    assert not (tmp_path / "state.safetensors").exists()
    with pytest.raises(UserError, match="other settings"):
        train(config_for("trades0.1", epochs=2), beats, split, tmp_path)


def test_results_of_the_shorter_training_are_never_lost(beats, split, tmp_path):
    """The remedy that the message names works."""
    train(config_for("ce", epochs=1), beats, split, tmp_path / "short")
    path = tmp_path / "short" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"results": {"clean": {"acc": 0.5}}}))
    with pytest.raises(UserError, match=r"has results of its 1 epochs.*Copy its state\.safetensors into a new folder"):
        train(config_for("ce", epochs=2), beats, split, tmp_path / "short")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "state.safetensors").write_bytes((tmp_path / "short" / "state.safetensors").read_bytes())
    train(config_for("ce", epochs=2), beats, split, tmp_path / "new")
    train(config_for("ce", epochs=2), beats, split, tmp_path / "whole")
    assert_same_run(tmp_path / "new", tmp_path / "whole")


def test_a_state_with_flipped_bits_is_refused(beats, split, tmp_path):
    train(config_for("ce", epochs=1), beats, split, tmp_path)
    (tmp_path / "card.json").unlink()
    path = tmp_path / "state.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-5] ^= 1
    path.write_bytes(bytes(changed))
    with pytest.raises(UserError, match="is damaged: its numbers are not those that were written"):
        train(config_for("ce", epochs=1), beats, split, tmp_path)
