"""The first block merged into one stage, and bounds of a box taken over by the boxes inside it: what stays the same."""

import pytest
import tinynets
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.attacks import Box
from nsr_core.certificates import merged as merging
from nsr_core.certificates.bounds import Range, interval, sums_at
from nsr_core.certificates.methods import NestedCrown, contains, crown, crown_margins, crown_margins_by
from nsr_core.certificates.rows import Rows
from nsr_core.certificates.stages import stages_of

pytestmark = pytest.mark.slow


def around(x, eps):
    box = Box.around(x.double(), eps)
    return Range(x.double()[..., None], (box.low - x)[..., None], (box.high - x)[..., None])


def case(seed, length=60, channels=3):
    network = tinynets.TinyCNN(length, channels, 2, seed)
    x = torch.rand(1, length, generator=torch.Generator().manual_seed(seed))
    stages = stages_of(network)
    return stages, sums_at(stages, x), x, toys.predicted(network, x)


@given(seed=st.integers(0, 10_000), eps=st.sampled_from([1e-3, 0.01, 0.1, 0.5]))
@settings(max_examples=4, deadline=None)
def test_merged_or_not_the_bounds_are_the_same(seed, eps):
    """But for rounding: few undecided units and many, none and all."""
    stages, sums, x, y = case(seed, 37, 2)
    margins = []
    with pytest.MonkeyPatch.context() as patch:
        for most in (torch.inf, -torch.inf):
            patch.setattr(merging, "MOST_ROUNDING", most)
            known = crown(stages, sums, around(x, eps))
            assert isinstance(known[2], merging.Opened) == (most > 0)
            margins.append(crown_margins_by(known, around(x, eps), y))
    torch.testing.assert_close(*margins, rtol=5e-3, atol=0.02)
    assert (margins[0] <= margins[1] + 1e-4 * margins[1].abs() + 1e-4).all()  # rounding takes more, not less


@pytest.mark.parametrize("eps", [1e-3, 0.05, 0.5])
def test_the_merged_map_and_its_way_back_are_those_of_the_stages(eps):
    """On a point of the box, from the units' own values; every window of positions back to the samples."""
    stages, sums, x, _ = case(0)
    box, known = around(x, eps), []
    for stage, at in zip(stages[:2], sums[:2], strict=True):
        known.append(interval(stage, at, known, box))
    now = interval(stages[2], sums[2], known, box)
    before, opened = merging.merged(known, now, stages[3:], box)
    point = x + eps * (2 * torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) - 1)
    point = point.clamp(0, 1).double()
    moved = sums_at(stages, point)
    position, channel = opened.units.T
    sources = {-1: (point - x)[..., None], 1: (moved[1].relu() - sums[1].relu())[:, position, channel][..., None]}
    change = sum(operator(sources[source]) for source, operator in opened.stage.terms)
    torch.testing.assert_close(change, moved[2] - sums[2], rtol=1e-5, atol=1e-5)
    for source, operator in opened.stage.terms:
        columns = sources[source].shape[1]
        matrix = operator(torch.eye(columns).double()[..., None]).flatten(1).T  # (length x channels, columns)
        for start, width in ((0, 60), (0, 1), (15, 3), (31, 2), (57, 3)):
            form = torch.randn(1, 4, width, 3, generator=torch.Generator().manual_seed(start))
            back, wide = operator.pull_back(Rows(form, start)), torch.zeros(4, columns)
            wide[:, back.start : back.start + back.coefficients.shape[2]] = back.coefficients[0, :, :, 0]
            expected = form.flatten(2)[0].double() @ matrix[3 * start : 3 * (start + width)]
            torch.testing.assert_close(wide.double(), expected, rtol=1e-4, atol=1e-4)
    assert before[0] is known[0]


def test_a_block_that_later_stages_look_into_and_several_beats_are_not_merged():
    stages, sums, x, _ = case(0)
    box, known = around(x, 0.01), []
    for stage, at in zip(stages[:2], sums[:2], strict=True):
        known.append(interval(stage, at, known, box))
    now = interval(stages[2], sums[2], known, box)
    assert merging.merged(known, now, stages[3:], box) is not None
    assert merging.merged(known, now, stages[2:], box) is None  # its last stage is taken to be one that follows
    both = [both.repeat(2, 1, 1) for both in (box.at, box.low, box.high)]
    pair = crown(stages, [z.repeat(2, 1, 1) for z in sums], Range(*both))
    assert not isinstance(pair[2], merging.Opened)


@pytest.mark.parametrize("seed", range(2))
def test_in_nested_boxes_bounds_hold_and_are_about_as_tight(seed):
    stages, sums, x, y = case(seed, 37, 2)
    nested = NestedCrown()
    for eps in (0.1, 0.02, 0.3, 0.05):  # inside the one before, around it, between
        result, alone = nested(stages, sums, around(x, eps), y), crown_margins(stages, sums, around(x, eps), y)
        torch.testing.assert_close(result, alone, rtol=0.05, atol=0.05)


def test_a_box_contains_those_inside_it_only():
    x = torch.full((1, 5), 0.5)
    assert contains(around(x, 0.2), around(x, 0.1))
    assert contains(around(x, 0.2), around(x, 0.2))
    assert not contains(around(x, 0.1), around(x, 0.2))
    assert not contains(around(x, 0.2), around(x + 0.01, 0.1))
