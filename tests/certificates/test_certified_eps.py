"""Certified levels: closed forms, exact enumeration, and what no sample may contradict."""

import numpy as np
import pytest
import tinynets
import torch
import toys
from torch import nn

from nsr_core.attacks import Box
from nsr_core.certificates import BOUNDS, certified_eps, guaranteed_margin
from nsr_core.certificates.bounds import Range, interval, sums_at
from nsr_core.certificates.methods import tightened
from nsr_core.certificates.search import LARGEST, LEAST_MARGIN, SMALLEST, TOLERANCE, largest_proved
from nsr_core.certificates.stages import stages_of
from nsr_core.errors import UserError

pytestmark = pytest.mark.slow

#: The search may stop this far below what the bound proves.
LEAST_SHARE = 1 - 2 * TOLERANCE


def inside(box: Box, count: int, seed: int = 0):
    """(count, 187) points of the box of one beat: half evenly drawn, half corners."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(count, box.low.shape[1], generator=generator, dtype=torch.float64)
    share[count // 2 :] = share[count // 2 :].round()
    return box.clip((box.low.double() + share * (box.high.double() - box.low.double())).to(box.low.dtype))


# Closed forms


@pytest.mark.parametrize("method", BOUNDS)
def test_on_a_linear_network_it_is_the_margin_over_the_l1_norm(method):
    """z_y - z_i falls by at most eps ||w_y - w_i||_1, far from 0 and 1; the smallest of the four quotients counts."""
    generator = torch.Generator().manual_seed(3)
    weight, bias = torch.randn(5, 187, generator=generator), torch.randn(5, generator=generator)
    x = 0.3 + 0.4 * torch.rand(6, 187, generator=generator)
    network = tinynets.linear(weight, bias)
    y = toys.predicted(network, x)
    z = x.double() @ weight.double().T + bias.double()
    expected = [
        min(
            float((z[row, y[row]] - z[row, i]) / (weight[y[row]].double() - weight[i].double()).abs().sum())
            for i in range(5)
            if i != y[row]
        )
        for row in range(6)
    ]
    certified = certified_eps(network, x, y, method=method)
    assert max(expected) < 0.3  # so that no sample leaves [0, 1]
    assert (certified.numpy() <= expected).all()
    np.testing.assert_allclose(certified, expected, rtol=5e-3)


@pytest.mark.parametrize("method", BOUNDS)
def test_noise_that_leaves_0_to_1_does_not_count(method):
    """z_0 - z_1 = 2 - 4 a - 10 b + 3 c falls by 4 min(eps, 1 - a) + 10 min(eps, 1 - b) + 3 min(eps, c).

    At a = 0.1, b = 0, c = 0.05 it is 1.75: 17 eps while c has room, which is used up at 0.85; then 0.15 + 14 eps, which
    reaches 1.75 at 8/70. Without the limits it would be 1.75 / 17. With only b free it is 0.175; with a and c, where at
    a = 1 the fall is 3.6 + 0.15, it is (1.75 - 0.15) / 4.
    """
    weight, bias = torch.tensor([[0.0, 0, 0], [4, 10, -3]]), torch.tensor([2.0, 0])
    x, y = torch.tensor([[0.1, 0, 0.05]]), torch.tensor([0])
    expected = {(1.0, 1.0, 1.0): 8 / 70, (0.0, 1.0, 0.0): 0.175, (1.0, 0.0, 1.0): 0.4}
    for used, level in expected.items():
        # A sample that the network does not look at adds its value to the bias.
        used_weight = weight * torch.tensor(used)
        offset = torch.stack([torch.tensor(0.0), ((weight - used_weight)[1] * x[0]).sum()])
        certified = certified_eps(tinynets.linear(used_weight, bias + offset), x, y, method=method)
        assert float(certified) <= level
        assert float(certified) == pytest.approx(level, rel=2e-3)


@pytest.mark.parametrize("method", BOUNDS)
def test_padding_that_stays_untouched_only_helps(method, trained, demo_beats):
    x, y, length = (torch.from_numpy(np.asarray(a[::50])) for a in (demo_beats.x, demo_beats.y, demo_beats.length))
    full = certified_eps(trained.network, x, y, method=method)
    signal = certified_eps(trained.network, x, y, length=length.long(), method=method)
    assert (signal >= full * LEAST_SHARE).all()
    assert (signal > 1.01 * full).any()


def test_a_class_that_cannot_be_left_is_certified_all_the_way():
    network = tinynets.linear(torch.zeros(2, 3), torch.tensor([1.0, 0]))
    assert float(certified_eps(network, torch.rand(1, 3), torch.tensor([0]))) == LARGEST


def test_a_misread_beat_and_a_draw_are_certified_nowhere():
    network = tinynets.linear(torch.tensor([[1.0, 0], [0, 1.0]]), torch.zeros(2))
    x = torch.tensor([[0.7, 0.2], [0.2, 0.7], [0.5, 0.5]])
    certified = certified_eps(network, x, torch.zeros(3, dtype=torch.int64))
    assert certified[0] > 0.24
    assert certified[1:].tolist() == [0, 0]


# Against the truth


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("method", BOUNDS)
def test_never_above_the_exact_radius_of_a_small_network(seed, method):
    """All 2^6 patterns of a 2-3-3-3 network, each a linear program."""
    network = tinynets.relu_net((2, 3, 3, 3), seed)
    x = torch.rand(4, 2, generator=torch.Generator().manual_seed(100 + seed))
    y = toys.predicted(network, x)
    exact = [tinynets.exact_radius(network, x[row].double().numpy(), int(y[row])) for row in range(len(x))]
    certified = certified_eps(network, x, y, method=method).numpy()
    assert (certified <= np.minimum(exact, 1)).all()
    assert certified.max() > 0


@pytest.mark.parametrize("method", BOUNDS)
@pytest.mark.parametrize("eps", [0.1, 0.5, 1.0])
def test_the_margin_is_exact_where_the_way_is_straight(eps, method):
    """3-4-2, all units on in [0, 1]: with v = w_y - w_i the margin at 0.5 falls by min(eps, 0.5) ||v||_1, in CROWN.

    Intervals lose how the hidden units move together: there it falls by min(eps, 0.5) |u_y - u_i| |W| 1, with u the rows
    of the second layer and W the first.
    """
    network = tinynets.relu_net((3, 4, 2), 5)
    with torch.no_grad():
        network[0].bias += 10
        x = torch.full((1, 3), 0.5)
        y = toys.predicted(network, x)
        z = network(x).double()[0]
        top = (network[2].weight[y[0]] - network[2].weight[1 - y[0]]).double()
        first = network[0].weight.double()
        steepest = (top @ first).abs().sum() if method == "crown" else (top.abs() @ first.abs()).sum()
    result = float(guaranteed_margin(network, x, y, Box.around(x.double(), eps), method))
    exact = float(z[y[0]] - z[1 - y[0]] - min(eps, 0.5) * steepest)
    assert result <= exact
    assert result == pytest.approx(exact, abs=2e-4)


@pytest.mark.parametrize("slope", [-3.0, -0.5, 0.5, 3.0])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("centre", [0.3, 0.45, 0.5, 0.6])
def test_one_relu_is_bounded_by_its_lines(slope, sign, centre):
    """z_0 - z_1 = 5 + slope z + sign max(z, 0) with z = x - 0.5 between l and u, from a unit that is always on and one at z.

    sign -1: the upper line meets the ReLU at both ends, where the concave sum is least: exact. sign 1: the lower line has
    slope 1 where u > -l and 0 elsewhere, and the straight sum is least at an end. Intervals, with each term at its own
    least, are taken where they give more.
    """
    network = tinynets.relu_net((1, 2, 2), 0)
    with torch.no_grad():
        network[0].weight[:] = 1
        network[0].bias[:] = torch.tensor([9.5, -0.5])  # z + 10 and z
        network[2].weight[:] = torch.tensor([[slope, sign], [0, 0]])
        network[2].bias[:] = torch.tensor([5 - 10 * slope, 0])
    low, high = centre - 0.5 - 0.25, centre - 0.5 + 0.25
    ends = np.array([low, high])
    line = np.maximum(ends, 0) if sign < 0 else (ends if high > -low else 0 * ends)
    box = Box.around(torch.tensor([[centre]], dtype=torch.float64), 0.25)
    result = float(guaranteed_margin(network, torch.tensor([[centre]]), torch.tensor([0]), box))
    apart = 5 + (slope * ends).min() + (sign * np.maximum(ends, 0)).min()
    expected = max(float((5 + slope * ends + sign * line).min()), float(apart))
    assert result == pytest.approx(expected, abs=2e-4)
    assert result <= expected


@pytest.mark.parametrize("widths", [(1, 2, 2), (2, 3, 2), (2, 3, 3, 3), (2, 4, 4, 2, 2)])
def test_no_point_of_a_dense_grid_falls_below_the_guaranteed_margin(widths):
    """60 networks of each shape, on boxes small and large; on some the bound is all but reached."""
    axis = torch.linspace(0, 1, 41)
    grid = torch.cartesian_prod(*[axis] * widths[0]).reshape(-1, widths[0])
    slack = {method: [] for method in BOUNDS}
    for seed in range(60):
        network = tinynets.relu_net(widths, seed, tail=seed % 2 == 1 and len(widths) > 3)
        x = grid[[(977 * seed) % len(grid)]]
        y = toys.predicted(network, x)
        with torch.no_grad():
            z = network(grid).double()
        margin = z[:, y[0]] - z.index_fill(1, y, -torch.inf).amax(1)
        for eps in (0.025, 0.1, 0.25, 1.0):
            least = float(margin[((grid - x).abs() <= eps + 1e-6).all(1)].min())
            for method in BOUNDS:
                result = float(guaranteed_margin(network, x, y, Box.around(x.double(), eps + 1e-6), method))
                assert result <= least
                slack[method].append(least - result)
    assert min(slack["crown"]) < 1e-3


@pytest.mark.parametrize("tail", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_dense_grid_finds_no_flip_inside(seed, tail):
    network = tinynets.relu_net((2, 6, 5, 4, 3), seed, tail)
    axis = torch.linspace(0, 1, 301)
    grid = torch.cartesian_prod(axis, axis)
    read = toys.predicted(network, grid)
    x = torch.rand(8, 2, generator=torch.Generator().manual_seed(seed))
    y = toys.predicted(network, x)
    for method in BOUNDS:
        certified = certified_eps(network, x, y, method=method)
        for row in range(len(x)):
            distance = (grid - x[row]).abs().amax(1)[read != y[row]]
            assert not len(distance) or float(certified[row]) <= float(distance.min()) + 1e-7


@pytest.mark.parametrize("method", BOUNDS)
@pytest.mark.parametrize("eps", [0.001, 0.01, 0.1, 1.0])
def test_no_point_of_the_box_falls_below_the_guaranteed_margin(eps, method, trained, demo_beats):
    """As evaluated in float32, on 2,000 points a beat; at eps 0.001 the bound is also close."""
    x, y = torch.from_numpy(demo_beats.x[::200]), torch.from_numpy(demo_beats.y[::200])
    box = Box.around(x, eps)
    guaranteed = guaranteed_margin(trained.network, x, y, box, method)
    for row in range(len(x)):
        with torch.no_grad():
            z = trained.network(inside(box.at(torch.tensor([row])), 2000)).double()
        others = z.clone()
        others[:, y[row]] = -torch.inf
        assert float((z[:, y[row]] - others.amax(1)).min()) >= float(guaranteed[row])


@pytest.mark.parametrize("eps", [0.001, 0.01, 0.03, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("signal_only", [False, True])
def test_crown_is_never_below_intervals(eps, signal_only, trained, demo_beats):
    x, y, length = (torch.from_numpy(np.asarray(a[::20])) for a in (demo_beats.x, demo_beats.y, demo_beats.length))
    box = Box.around(x, eps, length.long() if signal_only else None)
    crown, intervals = (guaranteed_margin(trained.network, x, y, box, method) for method in ("crown", "interval"))
    assert (crown >= intervals).all()
    assert (crown > intervals).any()


def test_crown_certifies_more_than_intervals(trained, demo_beats):
    x, y = torch.from_numpy(demo_beats.x[::40]), torch.from_numpy(demo_beats.y[::40])
    crown, intervals = (certified_eps(trained.network, x, y, method=method) for method in ("crown", "interval"))
    assert (crown >= intervals * LEAST_SHARE).all()
    assert crown.median() > 1.2 * intervals.median() > 0


# Rounding


def test_the_bounds_leave_room_for_float32(trained, demo_beats):
    """In a box without width the bound lies below the float32 margin, by more than float32 and float64 differ."""
    x, y = torch.from_numpy(demo_beats.x), torch.from_numpy(demo_beats.y)
    wide = toys.fresh("mlp").double()
    wide.load_state_dict(trained.network.state_dict())
    margins = []
    for network, beats in ((trained.network, x), (wide, x.double())):
        with torch.no_grad():
            z = network(beats).double()
        margins.append(z.gather(1, y[:, None])[:, 0] - z.scatter(1, y[:, None], -torch.inf).amax(1))
    single, exact = margins
    for method in BOUNDS:
        result = guaranteed_margin(trained.network, x, y, Box.around(x, 0.0), method)
        assert (result < single).all()
        assert (result < exact).all()
        assert (exact - result > (single - exact).abs()).all()
        assert (exact - result < 0.02).all()  # and not much more


def test_a_margin_smaller_than_float32_can_tell_is_no_proof():
    """0.5 + 2^-24 in float64 rounds to 0.5 in float32: the logits are equal there, and the first class wins."""
    for excess, expected in ((2.0**-24, 0.0), (1e-4, None)):
        network = tinynets.linear(torch.zeros(2, 2, dtype=torch.float64), torch.tensor([0.5, 0.5 + excess]).double())
        certified = float(certified_eps(network, torch.rand(1, 2, dtype=torch.float64), torch.tensor([1])))
        assert certified == (LARGEST if expected is None else expected)


def test_a_unit_that_rounding_may_switch_on_is_not_taken_to_be_off():
    """16-16-16-2: each unit of the second layer is at -1e-6, a sum of terms of some thousands, in float32 often above 0.

    z_0 - z_1 = 1 - sum of those units, so that in a box without width exact arithmetic would promise 1.
    """
    below = 0
    for seed in range(20):
        network = tinynets.relu_net((16, 16, 16, 2), seed)
        x = torch.rand(1, 16, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            network[0].weight *= 100
            network[0].bias += 3000
            hidden = x.double() @ network[0].weight.double().T + network[0].bias.double()
            # In two steps, as a float32 bias alone cannot cancel so well: the last unit below makes up for the rest.
            network[0].weight[-1], network[0].bias[-1] = 0, 1
            hidden[:, -1] = 1
            network[2].bias[:] = 0
            network[2].weight[:, -1] = 0
            total = (hidden @ network[2].weight.double().T)[0]
            network[2].bias[:] = -total.float()
            network[2].weight[:, -1] = -(total - total.float().double() + 1e-6).float()
            network[4].weight[:] = torch.stack([-torch.ones(16), torch.zeros(16)])
            network[4].bias[:] = torch.tensor([1.0, 0])
            z = network(x).double()[0]
        for method in BOUNDS:
            result = guaranteed_margin(network, x, torch.tensor([0]), Box.around(x, 0.0), method)
            assert float(result) <= float(z[0] - z[1])
        below += float(z[0] - z[1]) < 1 - 1e-5
    assert below > 10  # it does happen


def test_a_layer_s_own_rounding_is_in_both_of_its_bounds():
    """From its inputs' box itself, backward bounds are the interval bounds, rounding included."""
    stages = stages_of(tinynets.relu_net((16, 16, 2), 0))
    x = torch.rand(3, 16, dtype=torch.float64)
    box = Range(x[..., None], torch.full((3, 16, 1), -0.25).double(), torch.full((3, 16, 1), 0.25).double())
    stage = interval(stages[0], sums_at(stages, x)[0], [], box)
    assert stage.undecided.any()
    assert (stage.slack > 1e-7).all()
    again = tightened(stage, [], box)
    torch.testing.assert_close((again.low, again.high), (stage.low, stage.high), rtol=1e-4, atol=0)


def test_float32_and_float64_beats_and_networks_agree(trained, demo_beats):
    x, y = torch.from_numpy(demo_beats.x[::100]), torch.from_numpy(demo_beats.y[::100])
    wide = toys.fresh("mlp").double()
    wide.load_state_dict(trained.network.state_dict())
    torch.testing.assert_close(
        certified_eps(wide, x.double(), y), certified_eps(trained.network, x, y), rtol=2 * TOLERANCE, atol=0
    )


# The call


@pytest.mark.parametrize("method", BOUNDS)
@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_batch_does_not_matter(size, method, trained, demo_beats):
    x, y, length = (torch.from_numpy(np.asarray(a[::45])) for a in (demo_beats.x, demo_beats.y, demo_beats.length))
    length = length.long()
    whole = certified_eps(trained.network, x, y, length=length, method=method)
    parts = [
        certified_eps(trained.network, a, b, length=c, method=method)
        for a, b, c in zip(x.split(size), y.split(size), length.split(size), strict=True)
    ]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-6, atol=0)


def test_no_beats_no_levels(trained):
    assert certified_eps(trained.network, torch.zeros(0, 187), torch.zeros(0, dtype=torch.int64)).shape == (0,)


def test_a_network_without_biases(demo_beats):
    network = toys.fresh("mlp", bias=False)
    x = torch.from_numpy(demo_beats.x[:20])
    assert (certified_eps(network, x, toys.predicted(network, x)) > 0).any()


class Unknown(nn.Module):
    def forward(self, x):
        return x[:, :5]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Unknown(), "no certificate for a Unknown: what is bounded are linear layers"),
        (nn.Sequential(nn.Linear(187, 5), nn.Tanh()), "no certificate for a Tanh"),
        (nn.Sequential(nn.ReLU(), nn.Linear(187, 5)), "no certificate for a ReLU"),
        (toys.fresh("mlp", dtype=torch.bfloat16), r"no certificate for a network in torch\.bfloat16"),
    ],
)
def test_networks_without_a_certificate_are_refused_in_words(network, message):
    x, y = torch.rand(2, 187), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(UserError, match=message):
        certified_eps(network, x, y)
    with pytest.raises(UserError, match=message):
        guaranteed_margin(network, x, y, Box.around(x, 0.1))


def test_an_unknown_method_is_named(trained):
    with pytest.raises(UserError, match=r'no certificate "magic".*crown, interval'):
        certified_eps(trained.network, torch.rand(1, 187), torch.tensor([0]), method="magic")


# The search


@pytest.mark.parametrize("tolerance", [TOLERANCE, 0.03])
@pytest.mark.parametrize(
    ("shape", "most"),
    [
        (lambda t: 1 - t, 5),
        (lambda t: 1 - t**2, 5),
        (lambda t: 1 - t**3, 5),
        (lambda t: 1 - 0.5 * t - 0.5 * t**4, 10),
        (lambda t: 1 - t**8, 16),
        (lambda t: (1 - t) ** 3, 30),
        (lambda t: torch.where(t < 1, 1e-5, -1e5), 30),
        (lambda t: torch.where(t < 1, 1e5, -1e-5), 30),
        (lambda t: torch.where(t < 1, 1.0, torch.nan), 30),
        (lambda t: torch.where(t < 1, torch.inf, -torch.inf), 30),
    ],
)
def test_the_search_ends_close_below_the_largest_proved_level(shape, most, tolerance):
    """Margins that begin at 1 and are positive below a root, from 1e-5 to 0.9, whatever their shape; few levels are tried."""
    root = torch.logspace(-5, np.log10(0.9), 40, dtype=torch.float64)
    calls = []

    def margin_at(eps, rows):
        calls.append(len(rows))
        return shape(eps / root[rows]).double() + LEAST_MARGIN

    found = largest_proved(margin_at, torch.ones_like(root), root * torch.linspace(0.3, 3, 40), tolerance)
    assert (found < root).all()
    assert (found >= root * (1 - 1.1 * tolerance)).all()
    assert sum(calls) / len(root) <= most


def test_what_is_returned_was_itself_proved_even_where_the_bound_jumps():
    """A margin that is positive on and off: the level returned is one at which it was seen to be positive."""
    seen = []

    def margin_at(eps, rows):
        margin = torch.sin(200 * eps) + 0.3
        seen.extend(zip(rows.tolist(), eps.tolist(), margin.tolist(), strict=True))
        return margin

    found = largest_proved(margin_at, torch.full((5,), 0.3).double(), torch.linspace(1e-4, 1, 5).double())
    for row, eps in enumerate(found.tolist()):
        assert eps == 0 or any(r == row and e == eps and m > LEAST_MARGIN for r, e, m in seen)
    assert found.max() > 0


@pytest.mark.parametrize("first", [0.0, 1e-4, 0.1, 10.0, np.nan, np.inf])
def test_nothing_proved_is_0_and_everything_is_the_largest(first):
    ones, first = torch.ones(3, dtype=torch.float64), torch.full((3,), first).double()
    assert largest_proved(lambda eps, rows: torch.full_like(eps, -1), ones, first).tolist() == [0] * 3
    assert largest_proved(lambda eps, rows: torch.full_like(eps, 1), ones, first).tolist() == [LARGEST] * 3
    assert largest_proved(lambda eps, rows: SMALLEST / 3 - eps, ones, first).tolist() == [0] * 3
