"""Gradients that vanish, are lost to rounding, or point elsewhere."""

from copy import deepcopy

import pytest
import torch
import toys

from nsr_core.attacks.objectives import margin
from nsr_core.verdict.masking import (
    SIGNS,
)
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.gradients import gradients


def test_saturated_logits_are_seen_in_the_gradient_and_by_what_rescales(trained, demo_beats, some):
    """Logits times 10,000: the softmax rounds to 0 and 1, and the cross-entropy has no gradient left."""
    saturated = deepcopy(trained.network)
    with torch.no_grad():
        saturated.layers[-1].weight.mul_(1e4)
        saturated.layers[-1].bias.mul_(1e4)
    seen, before = (Evidence(network, demo_beats, some, (0.03,)) for network in (saturated, trained.network))
    result = {name: SIGNS[name].judge(seen) for name in ("vanishing", "rescaling", "other-loss")}
    assert {name: judged.light for name, judged in result.items()} == dict.fromkeys(result, "red")
    assert result["vanishing"].numbers["useless"] > 0.8
    # It is the same network to a loss without a softmax.
    assert seen.broken("margin", 0.03).sum() == pytest.approx(before.broken("margin", 0.03).sum(), abs=1)
    assert seen.broken("cross-entropy", 0.03).sum() < before.broken("cross-entropy", 0.03).sum() / 2


def test_a_gradient_of_one_logit_lost_to_rounding_counts_as_turned():
    """Softmax of (30, 0, ...) is 1 in single precision: what is left of the slope points along the other logits alone."""
    weight = torch.zeros(toys.CLASSES, toys.WIDTH)
    weight[0] = torch.where(torch.arange(toys.WIDTH) < 100, 1.0, 0.0)
    weight[1] = 0.5
    network = toys.Linear(weight, torch.tensor([30.0, 0, -100, -100, -100]))
    x, y = torch.full((3, toys.WIDTH), 0.1), torch.zeros(3, dtype=torch.int64)
    found = gradients(network, x, y)
    assert found.turned.all()
    assert found.useless.all()
    assert not found.zero.any()
    assert 0 < found.relative_size < 1e-6
    sound_one = gradients(toys.two_class(torch.ones(toys.WIDTH), 20.0), x, y)
    assert not sound_one.useless.any()
    assert -margin(network(x), y)[0].item() > 17  # float32 ends there
