"""Interval bounds hold every output over the box, are exact where intervals are, and lead to the parameters."""

import itertools

import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nsr_core.attacks import Box
from nsr_core.certificates import guaranteed_margin
from nsr_core.models import NETWORKS
from nsr_core.models.intervals import middle, through_linear, through_relu, worst_logits

every_network = pytest.mark.parametrize("name", NETWORKS)
EXACT = {"rtol": 1e-10, "atol": 1e-12}


def box_around(x, eps):
    return (x - eps).clamp_min(0), (x + eps).clamp_max(1)


def gaps(model, x, y):
    """(batch, 5) each logit minus the true one's."""
    logits = model(x)
    return logits - logits.gather(1, y[:, None])


@every_network
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), eps=st.floats(0.0, 0.5, allow_subnormal=False), bias=st.booleans())
def test_no_point_of_the_box_goes_beyond_the_bound(name, seed, eps, bias):
    """Neither inner points nor corners; and the true class's own entry is 0."""
    model = toys.fresh(name, bias, seed=seed, dtype=torch.float64)
    x, _ = toys.random_beats(3, seed=seed, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 5, (3,), generator=generator)
    low, high = box_around(x, eps)
    with torch.no_grad():
        worst = worst_logits(model, low, high, y)
        for share in (torch.rand(20, 3, 187, generator=generator, dtype=x.dtype), torch.randint(0, 2, (20, 3, 187))):
            for point in low + share * (high - low):
                assert (gaps(model, point, y) <= worst + 1e-9).all()
    assert (worst.gather(1, y[:, None]) == 0).all()


@every_network
@pytest.mark.parametrize("bias", [True, False])
def test_a_box_of_one_point_has_the_networks_own_logits(name, bias):
    model = toys.fresh(name, bias, dtype=torch.float64)
    x, _ = toys.random_beats(6, dtype=torch.float64)
    y = torch.arange(6) % 5
    torch.testing.assert_close(worst_logits(model, x, x, y), gaps(model, x, y), **EXACT)


@every_network
def test_a_box_within_a_box_has_smaller_bounds(name):
    model = toys.fresh(name, dtype=torch.float64)
    x, _ = toys.random_beats(6, dtype=torch.float64)
    y = torch.arange(6) % 5
    bounds = [worst_logits(model, *box_around(x, eps), y) for eps in (0.0, 0.01, 0.05, 0.1, 0.3)]
    for inner, outer in itertools.pairwise(bounds):
        assert (inner <= outer + 1e-9).all()
        assert (inner < outer).any()


class Tiny(nn.Module):
    """2-2-2 with one ReLU, whose two units see one input each: nothing is shared, so intervals are exact there."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 2).double(), nn.Linear(2, 2).double()
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, -3.0]]))
            self.first.bias.copy_(torch.tensor([-1.0, 1.0]))
            self.last.weight.copy_(torch.tensor([[1.0, -2.0], [0.5, 1.0]]))
            self.last.bias.copy_(torch.tensor([0.25, -0.5]))

    def forward(self, x):
        return self.last(self.first(x).relu())

    def interval(self, centre, radius):
        return through_relu(*through_linear(self.first, centre, radius))

    def head(self):
        return self.last.weight, self.last.bias


def test_of_a_tiny_network_the_bound_is_the_largest_value_on_a_grid():
    """With x = (0.5, 0.4) and eps 0.25, h_0 = max(2 x_0 - 1, 0) lies in [0, 0.5] and h_1 = max(1 - 3 x_1, 0) in [0, 0.55].
    z_1 - z_0 = -0.5 h_0 + 3 h_1 - 0.75 is at most 3 * 0.55 - 0.75 = 0.9; z_0 - z_1 at most 0.25 + 0.75 = 1."""
    model, x = Tiny(), torch.tensor([[0.5, 0.4], [0.5, 0.4]], dtype=torch.float64)
    y = torch.tensor([0, 1])
    worst = worst_logits(model, x - 0.25, x + 0.25, y)
    torch.testing.assert_close(worst, torch.tensor([[0.0, 0.9], [1.0, 0.0]], dtype=torch.float64), **EXACT)
    ticks = torch.linspace(-0.25, 0.25, 41, dtype=torch.float64)
    grid = x[0] + torch.cartesian_prod(ticks, ticks)
    for row, label in enumerate(y):
        seen = gaps(model, grid, label.expand(len(grid))).amax(0)
        torch.testing.assert_close(worst[row], seen, **EXACT)


@pytest.mark.parametrize("eps", [0.01, 0.1])
def test_on_the_mlp_it_is_the_interval_certificate_without_its_margin_for_rounding(eps):
    model = toys.fresh("mlp", dtype=torch.float64)
    x, _ = toys.random_beats(5, dtype=torch.float64)
    y = torch.arange(5)
    low, high = box_around(x, eps)
    worst = worst_logits(model, low, high, y).detach()
    largest = worst[torch.arange(5) != y[:, None]].view(5, 4).amax(1)
    proved = guaranteed_margin(model, x, y, Box(low, high, torch.full((1, 1), eps)), "interval")
    assert (proved <= -largest).all()
    torch.testing.assert_close(proved, -largest, rtol=1e-3, atol=1e-4)


@every_network
def test_the_gradient_by_the_parameters_is_that_of_finite_differences(name):
    """Along a random direction of all parameters: (f(p + h v) - f(p - h v)) / 2h with h = 1e-7."""
    model = toys.fresh(name, dtype=torch.float64)
    x, _ = toys.random_beats(4, dtype=torch.float64)
    y, parameters = torch.arange(4), list(model.parameters())
    low, high = box_around(x, 0.05)
    weights = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def value():
        return (worst_logits(model, low, high, y) * weights).sum()

    generator = torch.Generator().manual_seed(1)
    directions = [torch.randn(p.shape, dtype=p.dtype, generator=generator) for p in parameters]
    gradients = torch.autograd.grad(value(), parameters)
    slope = sum(float((g * v).sum()) for g, v in zip(gradients, directions, strict=True))
    h, ends = 1e-7, []
    with torch.no_grad():
        for side in (1, -2):
            for p, v in zip(parameters, directions, strict=True):
                p.add_(v, alpha=side * h)
            ends.append(float(value()))
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(slope, rel=1e-4)


@given(ends=st.tuples(*[st.floats(-10, 10, allow_subnormal=False)] * 2).map(sorted))
def test_after_a_relu_the_ends_are_those_of_the_rectified_ends(ends):
    low, high = (torch.tensor(end, dtype=torch.float64) for end in ends)
    centre, radius = through_relu(*middle(low, high))
    torch.testing.assert_close(centre - radius, low.relu(), rtol=0, atol=1e-14)
    torch.testing.assert_close(centre + radius, high.relu(), rtol=0, atol=1e-14)
