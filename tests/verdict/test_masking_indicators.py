"""Each indicator of the masking check lights for a network that has exactly its fault, and for the plain network it does not."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import toys
from maskingtoys import Around, Quantised
from torch.nn import functional

from nsr_core.errors import UserError
from nsr_core.evaluation.rows import read_correctly
from nsr_core.models.vjp import input_vjp
from nsr_core.verdict.masking import SIGNS, check_network, draw_beats, planted
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.planted import look_for_planted

EPS = 0.03


class Jitters(Around):
    """The logits and a fast wave of the beat's sum: the same each time, and another one next to it."""

    def forward(self, x):
        return self.network(x) * (1 + torch.sin(1e5 * x.sum(1, keepdim=True)) / 2)


class Substitute(Around):
    """Predicts on the beat smoothed, and hands out the gradient of the network without smoothing."""

    def forward(self, x):
        return self.network(functional.avg_pool1d(x[:, None], 9, 1, 4, count_include_pad=False)[:, 0])

    def vjp(self, x):
        return input_vjp(self.network, x)


class Rolls(Around):
    """Adds a little chance to its logits."""

    def forward(self, x):
        logits = self.network(x)
        return logits + 1e-3 * torch.randn_like(logits)


class Softmaxed(Around):
    def forward(self, x):
        return self.network(x).softmax(1)


class Purifies(Around):
    """Takes a step down its own entropy before it predicts."""

    def forward(self, x):
        with torch.inference_mode(False), torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            p = self.network(leaf).softmax(1)
            (gradient,) = torch.autograd.grad(-(p * p.log()).sum(), leaf)
        return self.network((x - 1e-4 * gradient.sign()).clamp(0, 1))


class Slit(torch.nn.Module):
    """Class 0, but for a slit in the first sample, from 0.549 to 0.551: misread there and nowhere beyond."""

    name = "mlp"

    def __init__(self):
        super().__init__()
        self.eval()

    def forward(self, x):
        at = x[:, :1]
        inside = ((at > 0.549) & (at < 0.551)).to(x)
        return torch.cat((0.6 - at - inside, 0 * at, (0 * at - 100).expand(-1, 3)), 1)


FAULTS = {
    "planted": Quantised,
    "unstable": Jitters,
    "transfer": Substitute,
    "randomised": Rolls,
    "probabilities": Softmaxed,
    "optimises": Purifies,
}


@pytest.fixture
def rows(trained, demo_beats, demo_split):
    return draw_beats(trained.network, demo_beats, demo_split.test, 8)


@pytest.mark.parametrize("sign", FAULTS)
def test_a_network_with_the_fault_is_red_and_the_one_without_is_green(sign, trained, demo_beats, rows):
    faulty = FAULTS[sign](trained.network)
    read = rows[read_correctly(faulty, demo_beats, rows)]
    assert len(read) >= 10
    assert SIGNS[sign].judge(Evidence(faulty, demo_beats, read, (EPS,))).light == "red"
    assert SIGNS[sign].judge(Evidence(trained.network, demo_beats, rows, (EPS,))).light == "green"


def test_what_breaks_with_less_noise_only_is_a_silent_success(beats_of):
    """At 0.0505 the climb ends on the slit, at 0.2 it ends far behind it; it may hit the slit on its way."""
    beats = beats_of(np.full((40, 187), 0.5, np.float32), np.zeros(40, int))
    network = Slit()
    seen = Evidence(network, beats, np.arange(40), (0.0505, 0.095))
    judged = SIGNS["silent-success"].judge(seen)
    assert seen.broken("published", 0.0505).mean() > 0.9
    assert judged.light == "red"
    assert SIGNS["silent-success"].judge(Evidence(network, beats, np.arange(40), (0.0505,))).light == "green"


def test_the_planted_example_is_in_the_budget_and_is_rarely_found_by_chance(trained, demo_beats, rows):
    x = torch.from_numpy(demo_beats.x[rows])
    found = look_for_planted(trained.network, x, 0.1)
    assert found.tested >= 10
    assert found.missed == 0
    assert found.by_chance < 0.5


def test_a_network_without_layers_is_told_by_its_logits():
    x, _ = toys.random_beats(6)
    assert look_for_planted(toys.random_linear(dtype=torch.float32), x, 0.05).missed == 0


def test_they_are_in_the_check_and_its_json(trained, demo_beats, rows):
    result = check_network(trained.network, demo_beats, rows[:10], (EPS,)).to_json()
    named = [sign["name"] for sign in result["signs"]]
    assert {*FAULTS, "silent-success"} <= set(named)


def flat_inside(cut: float, width: int = 32) -> torch.nn.Module:
    """Two features that move with the beat everywhere and many that move at its far corners only, as in a certified network."""
    generator = torch.Generator().manual_seed(0)
    first = torch.nn.Linear(toys.WIDTH, width)
    first.weight.data = torch.randn(width, toys.WIDTH, generator=generator) / toys.WIDTH**0.5
    first.bias.data = torch.full((width,), -cut)
    first.bias.data[:2] = 10.0
    network = torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Linear(width, toys.CLASSES))
    first.bias.data -= first.weight.data.sum(1) / 2  # around the beat of 0.5
    return network.eval()


def test_a_network_few_of_whose_units_switch_is_not_blamed(monkeypatch):
    """The planted layer must not be flat around the beat: a plain fit on these features is, and 100-PGD misses it."""
    network, x = flat_inside(1.5 * EPS), torch.full((20, toys.WIDTH), 0.5)
    found = look_for_planted(network, x, EPS)
    assert found.tested >= 10
    assert found.missed == 0
    monkeypatch.setattr(planted, "RIDGE", 1e-12)
    assert look_for_planted(network, x, EPS).missed >= 10


def test_signs_can_be_looked_at_again_alone(trained, demo_beats, rows):
    rows = rows[::8]
    levels = {"eps": (EPS,), "weights": "these"}
    known = check_network(trained.network, demo_beats, rows, only=SIGNS, **levels)
    of_flags = replace(known, signs=tuple(sign for sign in known.signs if sign.name != "randomised"))
    again = check_network(trained.network, demo_beats, rows, only=["randomised"], known=of_flags, **levels)
    assert again == known
    ask = partial(check_network, trained.network, demo_beats, rows)
    with pytest.raises(UserError, match="has no randomised"):
        ask(only=["planted"], known=of_flags, **levels)
    with pytest.raises(UserError, match="is of another weights"):
        ask(only=["planted"], known=known, eps=(EPS,), weights="others")
    with pytest.raises(UserError, match="no sign planned"):
        ask(only=["planned"], known=known, **levels)
    with pytest.raises(UserError, match="no earlier check"):
        ask(only=["planted"], **levels)
