"""The attacks that are compared."""

import pytest
import torch
import toys
from maskingtoys import Told

from nsr_core.attacks import PGD
from nsr_core.attacks.objectives import cross_entropy
from nsr_core.verdict.masking import (
    SIGNS,
)
from nsr_core.verdict.masking.gradients import gradient
from nsr_core.verdict.masking.variants import PUBLISHED, VARIANTS, Rescaled, rescaled


def test_an_attack_is_carried_out_once_and_black_box_ones_on_what_is_left(monkeypatch):
    seen, calls = Told(published=range(60)), []
    attack = seen._attack
    monkeypatch.setattr(seen, "_attack", lambda *got: calls.append((got[0], len(got[2]))) or attack(*got))
    for _ in range(2):
        for name in ("black-box", "other-loss", "together"):
            SIGNS[name].judge(seen)
    assert len(calls) == len(set(calls))
    counts = dict(calls)
    assert counts["square"] == counts["spsa"] == counts["1000 steps"] == 40
    assert counts[PUBLISHED] == counts["margin"] == 100
    assert len(counts) == len(VARIANTS)


def test_equal_cost_is_equal():
    """The two losses are climbed in the same steps of the same size from the same start."""
    for eps in (0.03, 0.2):
        ours, other = VARIANTS["margin"].attack(eps), VARIANTS["cross-entropy"].attack(eps)
        assert other.move == "sign"
        assert other.steps == ours.steps
        assert other.step_size * other.steps == pytest.approx(ours.reach * eps)
        assert other.random_start
        assert ours.random_start
        assert VARIANTS["apgd"].attack(eps).steps == VARIANTS["apgd-t"].attack(eps).steps
    assert VARIANTS[PUBLISHED].attack(0.1) == PGD()


def test_rescaled_logits_have_the_gradient_that_autograd_gives_them():
    network, (x, _) = toys.fresh("mlp"), toys.random_beats(6)
    y = toys.predicted(network, x)
    scaled = rescaled(network, 7.0, torch.ones(6))
    leaf = x.clone().requires_grad_()
    cross_entropy(7 * network(leaf), y).sum().backward()
    assert torch.allclose(gradient(scaled, x, y, cross_entropy), leaf.grad, rtol=1e-4, atol=1e-7)
    assert torch.equal(scaled(x), 7 * network(x))
    assert rescaled(network, 1.0, torch.ones(6)) is network
    normal = rescaled(network, None, torch.tensor([1.0, 4.0, 9.0]))
    assert isinstance(normal, Rescaled)
    assert torch.allclose(normal(x), network(x) / 4)
