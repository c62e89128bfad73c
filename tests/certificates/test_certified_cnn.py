"""Bounds through convolutions, residual sums and max-pooling: against a plain implementation, grids and samples."""

import numpy as np
import plain
import pytest
import tinynets
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.attacks import PGD, Box
from nsr_core.certificates import BOUNDS, can_be_certified, certified_eps, guaranteed_margin, is_quick_to_certify
from nsr_core.certificates import methods as bounding
from nsr_core.certificates.bounds import Range, sums_at
from nsr_core.certificates.operators import Maximum
from nsr_core.certificates.search import LOCAL_TOLERANCE
from nsr_core.certificates.stages import Description, stages_of
from nsr_core.errors import UserError

pytestmark = pytest.mark.slow


def margin_of(network, x, y):
    with torch.no_grad():
        z = network(x).double()
    return z[:, y] - z.index_fill(1, torch.tensor([y]), -torch.inf).amax(1)


def beat(length, seed):
    return torch.rand(1, length, generator=torch.Generator().manual_seed(seed))


# Against the same bounds, written plainly


@pytest.mark.parametrize("eps", [0.003, 0.03, 0.2])
@pytest.mark.parametrize("seed", range(4))
def test_crown_is_what_dense_matrices_give(seed, eps):
    network = tinynets.TinyCNN(37, 3, 2, seed)
    x = beat(37, seed)
    y = toys.predicted(network, x)
    box, stages = Box.around(x.double(), eps), stages_of(network)
    free = Range(x.double()[..., None], (box.low - x)[..., None], (box.high - x)[..., None])
    with torch.no_grad():
        result = bounding.margins_by(bounding.crown(stages, sums_at(stages, x), free), free, y)
    exact = plain.margins(plain.stages_of_cnn(tinynets.TinyCNN(37, 3, 2, seed), 37), x[0], eps, int(y))
    np.testing.assert_allclose(result[0], exact, rtol=5e-3, atol=0.02)  # of margins of some 50


@pytest.mark.parametrize("eps", [0.001, 0.01, 0.1])
def test_crown_of_an_mlp_is_what_dense_matrices_give(eps, trained, demo_beats):
    x, y = torch.from_numpy(demo_beats.x[::200]), torch.from_numpy(demo_beats.y[::200])
    result = guaranteed_margin(trained.network, x, y, Box.around(x.double(), eps))
    wide = toys.fresh("mlp")
    wide.load_state_dict(trained.network.state_dict())
    stages = plain.stages_of_mlp(list(wide.layers), 3)
    for row in range(len(x)):
        exact = plain.margins(stages, x[row], eps, int(y[row])).min()
        assert float(result[row]) == pytest.approx(exact, rel=5e-3, abs=5e-3)


@pytest.mark.parametrize("tile", [1, 2, 5, 100])
def test_how_units_are_put_together_does_not_matter(tile, monkeypatch):
    network, x = tinynets.TinyCNN(60, 3, 2, 0), beat(60, 0)
    y, box = toys.predicted(network, x), Box.around(x.double(), 0.02)
    expected = float(guaranteed_margin(network, x, y, box))
    monkeypatch.setattr(bounding, "TILE", tile)
    assert float(guaranteed_margin(network, x, y, box)) == pytest.approx(expected, rel=1e-5, abs=1e-5)


# Against the truth


@pytest.mark.parametrize("method", BOUNDS)
@given(seed=st.integers(0, 10_000), eps=st.sampled_from([0.01, 0.05, 0.2, 1.0]), place=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_no_point_of_a_dense_grid_falls_below_the_guaranteed_margin(method, seed, eps, place):
    """Two neighbours move, the other samples stay, so that a grid of 61 times 61 points is all but the whole box."""
    network = tinynets.TinyCNN(21, 2 + seed % 3, 1 + seed % 2, seed)
    x = beat(21, seed)
    y = toys.predicted(network, x)
    low, high = x.double().clone(), x.double().clone()
    moved = [place, (place + 1) % 21]
    low[0, moved], high[0, moved] = (low[0, moved] - eps).clamp_min(0), (high[0, moved] + eps).clamp_max(1)
    result = float(guaranteed_margin(network, x, y, Box(low, high, torch.tensor([[eps]])), method))
    share = torch.cartesian_prod(*[torch.linspace(0, 1, 61, dtype=torch.float64)] * 2)
    grid = low.repeat(len(share), 1)
    grid[:, moved] += share * (high - low)[0, moved]
    assert result <= float(margin_of(network, grid.float(), int(y)).min())


@pytest.mark.parametrize("method", BOUNDS)
@pytest.mark.parametrize("eps", [1e-4, 0.01, 0.1])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_no_sample_and_no_attack_falls_below_the_guaranteed_margin(method, eps, seed):
    network, x = tinynets.TinyCNN(37, 4, 2, seed), beat(37, seed)
    y = toys.predicted(network, x)
    box = Box.around(x, eps)
    result = float(guaranteed_margin(network, x, y, box, method))
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(500, 37, generator=generator)
    share[250:] = share[250:].round()
    assert result <= float(margin_of(network, box.clip(box.low + share * (box.high - box.low)), int(y)).min())
    x_adv = PGD(steps=20)(network, x, y, eps).x_adv
    assert result <= float(margin_of(network, box.clip(x_adv), int(y)))


@pytest.mark.parametrize("eps", [1e-4, 1e-3])
def test_no_sample_of_the_cnn_itself_falls_below_the_guaranteed_margin(eps):
    network = toys.fresh("cnn")
    x, length = toys.random_beats(1)
    y, box = toys.predicted(network, x), Box.around(x, eps, length)
    share = torch.rand(500, 187, generator=torch.Generator().manual_seed(0))
    share[250:] = share[250:].round()
    result = float(guaranteed_margin(network, x, y, box))
    assert result <= float(margin_of(network, box.clip(box.low + share * (box.high - box.low)), int(y)).min())
    x_adv = box.clip(PGD(steps=20)(network, x, y, eps, length=length).x_adv)
    assert result <= float(margin_of(network, x_adv, int(y)))


def test_crown_certifies_more_than_intervals_and_less_than_an_attack_breaks():
    network, x = tinynets.TinyCNN(37, 4, 2, 3), beat(37, 3)
    y = toys.predicted(network, x)
    crown, interval = (float(certified_eps(network, x, y, method=method)) for method in ("crown", "interval"))
    assert crown >= (1 - LOCAL_TOLERANCE) * interval > 0
    assert crown > 1.5 * interval
    x_adv = PGD(steps=100)(network, x, y, 1.0).x_adv
    assert toys.predicted(network, x_adv) != y  # so that it can be flipped at all


# Rounding


@pytest.mark.parametrize("method", BOUNDS)
def test_the_bounds_leave_room_for_float32_and_not_much_more(method):
    network, (x, _) = toys.fresh("cnn"), toys.random_beats(2)
    y = toys.predicted(network, x)
    for row in range(2):
        single = margin_of(network, x[[row]], int(y[row]))
        exact = margin_of(toys.fresh("cnn", dtype=torch.float64), x[[row]].double(), int(y[row]))
        result = guaranteed_margin(network, x[[row]], y[[row]], Box.around(x[[row]], 0.0), method)
        assert result < min(float(single), float(exact))
        assert float(exact - result) > float((single - exact).abs())
        if method == "crown":
            assert float(exact - result) < 0.05 * float(exact)


# What is refused


def test_what_is_certified_is_asked_for():
    assert can_be_certified(toys.fresh("cnn"))
    assert can_be_certified(toys.fresh("mlp"))
    assert is_quick_to_certify(toys.fresh("mlp"))
    assert not is_quick_to_certify(toys.fresh("cnn"))
    assert not can_be_certified(toys.two_class(torch.zeros(187)))


@pytest.mark.parametrize("change", [{"stride": 2}, {"padding": 0}, {"dilation": 2}, {"kernel_size": 4}, {"groups": 2}])
def test_convolutions_that_are_not_bounded_are_refused_in_words(change):
    layer = torch.nn.Conv1d(**{"in_channels": 2, "out_channels": 2, "kernel_size": 5, "padding": 2, **change})
    stages = Description(20)
    first = stages.convolution(torch.nn.Conv1d(1, 2, 5, padding=2), -1, Maximum())
    with pytest.raises(UserError, match="no certificate for a convolution Conv1d"):
        stages.convolution(layer, first)
