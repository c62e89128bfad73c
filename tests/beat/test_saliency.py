"""Saliency: in closed form on a linear network, complete on the included ones, nothing where the beat is its baseline."""

from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.beat.saliency import saliency
from nsr_core.data import CLASSES
from nsr_core.training.checkpoint import load_checkpoint

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), target=st.integers(0, 4), points=st.integers(1, 7))
def test_on_a_linear_network_both_are_weight_times_difference(seed, target, points):
    """z = W x + b: the gradient is w_target everywhere, so w * (x - baseline), whose sum is the difference of logits."""
    rng = np.random.default_rng(seed)
    network = toys.random_linear(seed, torch.float32)
    x, baseline = rng.random((2, 187)).astype(np.float32)
    found = saliency(network, x, target, baseline=baseline, points=points)
    w, b = network.weight[target].detach().numpy(), float(network.bias[target].detach())
    assert found.target == CLASSES[target]
    np.testing.assert_array_equal(found.gradient, w)
    np.testing.assert_allclose(found.gradient_x_input, w * (x - baseline), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.integrated, w * (x - baseline), rtol=1e-5, atol=1e-6)
    assert found.change == pytest.approx((w @ x + b) - (w @ baseline + b), abs=1e-3)
    assert found.gap == pytest.approx(0, abs=1e-3)


class Bend(torch.nn.Module):
    """z_0 = max(0, x_0 - 1/2) + x_1: one unit that switches on halfway from 0 to 1."""

    def forward(self, x):
        z = (x[:, :1] - 0.5).clamp_min(0) + x[:, 1:2]
        return torch.cat([z, torch.zeros(len(x), 4)], 1)


def test_a_unit_that_switches_on_halfway_counts_by_half():
    """At x_0 = x_1 = 1 the gradient is (1, 1); its mean from 0 on is (1/2, 1), and z_0 = 1/2 + 1 from 0."""
    x = np.zeros(187)
    x[:2] = 1
    found = saliency(Bend(), x, 0)
    assert found.gradient_x_input[:3].tolist() == [1, 1, 0]
    assert found.integrated[:3] == pytest.approx([0.5, 1, 0])
    assert (found.change, found.gap) == (pytest.approx(1.5), pytest.approx(0))


@pytest.mark.parametrize("name", ["mlp-ce", "cnn-ce"])
def test_integrated_gradients_are_complete_on_the_included_networks(demo_beats, name):
    network = load_checkpoint(SHIPPED / name).network
    found = saliency(network, demo_beats.x[450], 2)
    assert abs(found.gap) < 0.01 * max(1, abs(found.change))
    coarse = saliency(network, demo_beats.x[450], 2, points=2)
    assert abs(coarse.gap) > abs(found.gap)
    padding = slice(int(demo_beats.length[450]), None)
    assert not found.integrated[padding].any()  # zeros are the baseline
    assert not found.gradient_x_input[padding].any()


def test_noise_against_the_gradient_is_counted_where_it_moved_something():
    network = toys.random_linear(0, torch.float32)
    found = saliency(network, np.full(187, 0.5), 1)
    noise = -np.sign(found.gradient)
    noise[:87] = 0
    assert found.share_against(noise) == 1
    noise[87:112] *= -1
    assert found.share_against(noise) == pytest.approx(0.75)
    assert np.isnan(found.share_against(np.zeros(187)))
