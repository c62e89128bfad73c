"""What a training run does with its numbers, and what it leaves on disk."""

import json
import os
import sys
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.data import make_split
from nsr_core.data.demo import load_demo
from nsr_core.errors import UserError
from nsr_core.methods.cross_entropy import CrossEntropy
from nsr_core.models import NETWORKS
from nsr_core.models.kernels import kernel_layers
from nsr_core.settings import described_fields
from nsr_core.training import loop
from nsr_core.training.batches import balanced_order
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import TrainConfig, paper_config
from nsr_core.training.decay import decay_weights
from nsr_core.training.loop import TrainingRun, train
from nsr_core.training.optimisers import OPTIMISERS
from nsr_core.training.schedule import SCHEDULES
from nsr_core.training.validate import Validator

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def beats():
    return load_demo(100)


@pytest.fixture(scope="module")
def split(beats):
    return make_split(beats, "beat")


def config_for(method, network="mlp", **changes):
    return paper_config(network, method, **({"source": "demo", "epochs": 2, "batch_size": 16} | changes))


# The order of an epoch

labels = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)


@given(y=labels, seed=st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_an_epoch_shows_every_class_equally_often_one_after_the_other(y, seed):
    order = balanced_order(y, 5, np.random.default_rng(seed))
    present = np.unique(y)
    largest = np.bincount(y).max()
    assert order.shape == (largest * len(present),)
    assert np.array_equal(y[order].reshape(largest, len(present)), np.tile(present, (largest, 1)))
    for label in present:
        rows = np.flatnonzero(y == label)
        times = np.bincount(order, minlength=len(y))[rows]
        assert times.min() >= 1
        assert times.max() - times.min() <= 1


def test_the_order_is_shuffled_by_its_generator():
    y = np.arange(100) % 5
    first, again, other = (balanced_order(y, 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


# Steps


def test_weight_decay_by_hand():
    """p = 2, rate 0.1: 2 - 0.1 = 1.9, then 1.9 - 0.19 = 1.71. p = -1: -0.9, then -0.81. p = 0 stays."""
    p, bias = torch.tensor([2.0, -1.0, 0.0]), torch.tensor([[1.0]])
    decay_weights([p, bias], 0.1)
    torch.testing.assert_close(p, torch.tensor([1.71, -0.81, 0.0]))
    torch.testing.assert_close(bias, torch.tensor([[0.81]]))


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_normalises_decays_and_descends_in_that_order(network, beats, split):
    """Against PyTorch's own Adamax, step by step; jacob has kernel normalisation and decay on both networks."""
    run = TrainingRun(config_for("jacob", network), beats, split, CPU)
    twin = TrainingRun(config_for("jacob", network), beats, split, CPU)
    run.network.double()
    twin.network.double()
    x, y = toys.random_beats(8, dtype=torch.float64)[0], run.y[:8]
    optimiser = torch.optim.Adamax(twin.network.parameters(), lr=0.001)
    for _ in range(2):
        run.step(x, y, torch.Generator())
        with torch.no_grad():
            for layer in twin.network.normalised_layers():
                norm = layer.weight.flatten(1).norm(dim=1)
                layer.weight.div_(norm.view(-1, *[1] * (layer.weight.dim() - 1)))
                layer.bias.div_(norm)
        optimiser.zero_grad()
        twin.pace.method.loss(twin.network, x, y, torch.Generator()).backward()
        with torch.no_grad():
            for p in twin.network.parameters():
                p.sub_(0.001 * 0.01 * p.sign())
                p.sub_(0.001 * 0.01 * p)
        optimiser.step()
    for p, expected in zip(run.network.parameters(), twin.network.parameters(), strict=True):
        torch.testing.assert_close(p, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_training_does_not_wait_for_torch_s_compiler_to_load(optimiser, beats, split, tmp_path, monkeypatch):
    """To load it takes as long as torch itself; here it cannot be loaded at all, nor in a run that goes on."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    short = config_for("mse", optimiser=optimiser, epochs=1)
    train(short, beats, split, tmp_path / "run")
    train(replace(short, epochs=2), beats, split, tmp_path / "run")


@pytest.mark.parametrize("method", ["ce", "mse"])
def test_kernels_are_kept_at_unit_norm_only_where_the_recipe_says_so(method, beats, split):
    run = TrainingRun(config_for(method), beats, split, CPU)
    run.step(run.x[:8], run.y[:8], torch.Generator())
    with torch.no_grad():
        for layer in kernel_layers(run.network):
            layer.weight.mul_(3.0)
    run.step(run.x[:8], run.y[:8], torch.Generator())
    norm = torch.linalg.vector_norm(kernel_layers(run.network)[0].weight.detach(), dim=1).mean()
    assert float(norm) == pytest.approx(3.0 if method == "ce" else 1.0, abs=0.1)


def test_the_start_depends_on_the_seed_alone_and_leaves_the_global_generator_alone(beats, split):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, again, other = (TrainingRun(config_for("ce", seed=s), beats, split, CPU).parameters for s in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(p, q) for p, q in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_dead_kernels_restart_at_the_end_of_an_epoch_unless_told_not_to(beats, split):
    """A unit of the second layer with bias -100 never fires, so its kernel meets no gradient."""
    for restart in (True, False):
        run = TrainingRun(config_for("ce", restart_dead_kernels=restart), beats, split, CPU)
        layer = kernel_layers(run.network)[1]
        with torch.no_grad():
            layer.bias[5] = -100
        measured = run.epoch(0, lambda step, what: None)
        assert (float(layer.bias.detach()[5]) == 0.0) == restart
        assert (measured["restarted_kernels"] > 0) == restart


# Divergence


class Poisoned(CrossEntropy):
    """Cross-entropy that stops being a number after some steps."""

    good_steps = 0

    def loss(self, network, x, y, generator):
        Poisoned.good_steps -= 1
        loss = super().loss(network, x, y, generator)
        return loss if Poisoned.good_steps >= 0 else loss * float("nan")


def test_a_loss_that_is_no_number_ends_the_run_at_once_and_keeps_the_last_state(beats, split, tmp_path, monkeypatch):
    """5 steps an epoch: 7 good ones end in the second epoch, and the state of the first stays to be looked at."""
    monkeypatch.setattr(TrainConfig, "make_method", lambda config: Poisoned())
    Poisoned.good_steps = 7
    with pytest.raises(UserError, match=r"mlp-ce .*no longer finite.*epoch 2.*learning rate \(now 0.001\)"):
        train(config_for("ce", epochs=50), beats, split, tmp_path)
    assert len(pd.read_csv(tmp_path / "history.csv")) == 1
    assert (tmp_path / "state.safetensors").exists()
    assert not (tmp_path / "card.json").exists()


def test_a_last_gradient_that_is_no_number_is_seen_before_the_state_is_written(beats, split, tmp_path, monkeypatch):
    """The loss is fine at every step; the gradient of the epoch's fifth is not, and no later loss would tell."""
    original, steps = TrainingRun.step, []

    def poison(self, x, y, generator):
        loss = original(self, x, y, generator)
        steps.append(loss)
        if len(steps) == 5:
            with torch.no_grad():
                self.parameters[0][0, 0] = float("nan")
        return loss

    monkeypatch.setattr(TrainingRun, "step", poison)
    with pytest.raises(UserError, match="no longer finite"):
        train(config_for("ce"), beats, split, tmp_path)
    assert not (tmp_path / "state.safetensors").exists()


# What is left on disk


def test_progress_counts_steps_to_the_end(beats, split, tmp_path):
    result = []
    train(config_for("ce"), beats, split, tmp_path, progress=lambda *report: result.append(report))
    assert [report[:2] for report in result] == [(5, 10), (10, 10), (10, 10)]
    assert "epoch 1/2, loss" in result[0][2]


def test_the_folder_and_its_card_tell_everything(beats, split, tmp_path):
    config = config_for("loss2", beta=0.3, seed=5)
    folder = train(config, beats, split, tmp_path / "a" / "mlp-loss2")
    assert sorted(os.listdir(folder)) == ["card.json", "history.csv", "model.safetensors", "state.safetensors"]
    history = pd.read_csv(folder / "history.csv")
    assert list(history["epoch"]) == [1, 2]
    assert {"loss", "val_acc", "val_pgd_acc", "restarted_kernels", "seconds"} <= set(history)
    assert ((history["val_pgd_acc"] <= history["val_acc"] + 1e-9) & (history["val_acc"] <= 1)).all()

    card = json.loads((folder / "card.json").read_text())
    assert (card["network"], card["method"], card["protocol"]) == ("mlp", "loss2", "custom")
    assert card["config"].keys() == {field.name for field in fields(TrainConfig)}
    assert card["config"]["method_settings"] == {"beta": 0.3, "eps_max": 1.0}
    assert card["config"]["seed"] == 5
    assert TrainConfig.from_json(card["config"]) == config
    sizes = {name: len(getattr(split, name)) for name in ("train", "validation", "test")}
    assert card["split"] == {"name": "beat", "seed": split.seed, "fingerprint": split.fingerprint, **sizes} | {
        "test_classes": np.bincount(beats.y[split.test], minlength=5).tolist()
    }
    assert card["data"]["source"] == "demo"
    assert card["data"]["beats"] == 100
    assert "PhysioNet" in card["data"]["citation"]
    assert "License" in card["data"]["citation"]
    training = card["training"]
    assert training["epochs"] == 2
    assert training["seconds"] > 0
    assert training["machine"].keys() == {"device", "processor", "system"}
    assert {"python", "torch", "numpy", "nsr_core"} <= training["versions"].keys()
    assert training["last_epoch"].keys() >= {"loss", "val_acc", "val_pgd_acc"}
    assert "Not for clinical use" in card["use"]

    loaded = load_checkpoint(folder)
    assert loaded.name == "mlp-loss2"
    assert loaded.config == config
    assert not loaded.network.training
    assert not any(p.requires_grad for p in loaded.network.parameters())


def test_training_teaches(trained, demo_beats, demo_split):
    x, y = demo_beats.x[demo_split.test], demo_beats.y[demo_split.test]
    assert (toys.predicted(trained.network, torch.from_numpy(x)).numpy() == y).mean() > 0.8


def test_the_validation_score_is_the_mean_recall_and_leaves_the_network_training(trained, demo_beats, demo_split):
    """Of an unequal choice of beats, so that the mean of the recalls is not the share of all."""
    rows = np.concatenate([np.flatnonzero(demo_beats.y == label)[: 5 * (label + 1)] for label in range(5)])
    network = load_checkpoint(trained.folder).network
    network.train()
    scores = Validator(demo_beats, np.sort(rows), CPU).score(network)
    assert network.training
    right = toys.predicted(network, torch.from_numpy(demo_beats.x[rows])).numpy() == demo_beats.y[rows]
    recalls = [right[demo_beats.y[rows] == label].mean() for label in range(5)]
    assert scores["val_acc"] == pytest.approx(np.mean(recalls))
    assert scores["val_pgd_acc"] < scores["val_acc"]
    network.train()
    assert Validator(demo_beats, np.sort(rows), CPU).score(network) == scores


# The learning rate


def test_a_constant_learning_rate_is_left_alone_and_a_cosine_falls_to_nothing():
    """(1 + cos(pi t)) / 2 is 1, 0.5 and nearly 0 at t = 0, 1/2 and just below 1."""
    at = (0.0, 0.25, 0.5, 0.999999)
    assert [SCHEDULES["constant"](done) for done in at] == [1.0] * 4
    assert [SCHEDULES["cosine"](done) for done in at] == pytest.approx([1, 0.5 + 2**-1.5, 0.5, 0], abs=1e-9)


def test_optimiser_and_decay_step_by_the_schedule(beats, split, monkeypatch):
    """Two epochs of n steps: at step s of epoch e the factor is that of (e n + s) / (2 n)."""
    run = TrainingRun(config_for("ce", schedule="cosine", weight_decay=0.1), beats, split, CPU)
    seen, decayed = [], []
    original = run.optimiser.step
    monkeypatch.setattr(run.optimiser, "step", lambda: seen.append(run.optimiser.param_groups[0]["lr"]) or original())
    monkeypatch.setattr(loop, "decay_weights", lambda parameters, strength: decayed.append(strength))
    for epoch in (0, 1):
        run.epoch(epoch, lambda *_: None)
    count = 2 * run.steps_per_epoch
    assert seen == pytest.approx([0.001 * SCHEDULES["cosine"](step / count) for step in range(count)])
    assert decayed == pytest.approx([0.1 * rate for rate in seen])


# The configuration


@pytest.mark.parametrize("network", NETWORKS)
def test_the_protocol_is_the_papers_as_long_as_what_it_fixes_is(network):
    paper = paper_config(network, "jacob")
    assert paper.protocol == "paper"
    assert (paper.epochs, paper.batch_size, paper.learning_rate) == (50, 128, 0.001)
    for free in ({"seed": 3}, {"threads": 2}, {"split_seed": 1}, {"source": "kaggle", "split": "published"}):
        assert paper_config(network, "jacob", **free).protocol == "paper"
    for own in (
        {"epochs": 49},
        {"batch_size": 64},
        {"learning_rate": 0.002},
        {"normalise_kernels": False},
        {"weight_decay": 0.0},
        {"bias": False},
        {"restart_dead_kernels": False},
        {"schedule": "cosine"},
        {"source": "demo"},
        {"split": "patient"},
        {"beta": 0.5},
    ):
        assert paper_config(network, "jacob", **own).protocol == "custom", own


def test_a_configuration_survives_its_card_and_holds_all_settings_of_its_method():
    config = paper_config("cnn", "adv0.2", steps=5)
    assert config.method_settings == {"eps": 0.2, "steps": 5, "step_size": 0.01, "precision": "float32"}
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert config.method_settings.keys() == described_fields(config.make_method()).keys()


@pytest.mark.parametrize(
    ("network", "method", "changes", "message"),
    [
        ("rnn", "ce", {}, "network is 'rnn'"),
        ("mlp", "cee", {}, 'no method "cee"'),
        ("mlp", "ce", {"epochs": 0}, "epochs is 0"),
        ("mlp", "ce", {"beta": 0.1}, '"beta" is no setting of CrossEntropy'),
        ("mlp", "loss2", {"beta": -1.0}, "beta is -1.0"),
        ("mlp", "ce", {"source": "web"}, "source is 'web'"),
        ("mlp", "ce", {"split": "random"}, "split is 'random'"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(network, method, changes, message):
    with pytest.raises(UserError, match=message):
        paper_config(network, method, **changes)


def test_an_unknown_setting_in_a_card_is_named():
    with pytest.raises(UserError, match=r"Unknown setting.*colour"):
        TrainConfig.from_json({"colour": "red"})
