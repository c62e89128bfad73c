"""The parts that attacks are made of: the box, the rules, the objectives, chance."""

from fractions import Fraction

import numpy as np
import pytest
import torch
import toys
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nsr_core.attacks import BatchRandomness, BeatRandomness, Box
from nsr_core.attacks.ascent import STEP_RULES, SignAdamax
from nsr_core.attacks.objectives import cross_entropy, margin, slope

unit = st.floats(0, 1, allow_subnormal=False)


def thunk(value):
    """What a step rule asks for a gradient or a value."""
    return lambda: value


unit32 = st.floats(0, 1, width=32, allow_subnormal=False).filter(lambda value: value == 0 or value > 1e-6)


@given(x=unit32, eps=unit)
@example(x=0.75, eps=0.35 - 0.1)  # 0.24999999999999997: x - eps rounds to 0.5 even in float64
@example(x=float(np.float32(0.3)), eps=0.1)
@settings(deadline=None, max_examples=300)
def test_the_bounds_are_inside_the_budget_and_the_next_numbers_outside(x, eps):
    """In exact arithmetic, up to the rounding of a float64 difference."""
    beat = torch.tensor([[x]], dtype=torch.float32)
    box = Box.around(beat, eps)
    low, high = float(box.low), float(box.high)
    assert 0 <= low <= x <= high <= 1
    for bound, outward in ((low, -1.0), (high, 2.0)):
        assert abs(bound - x) <= eps
        beyond = float(np.nextafter(np.float32(bound), np.float32(outward)))
        if 0 <= beyond <= 1 and abs(bound) > 1e-30:
            assert abs(Fraction(beyond) - Fraction(x)) > Fraction(eps) * (1 - Fraction(1, 2**50))


def test_float32_and_float64_budgets_are_each_taken_as_they_are():
    """0.1 in float32 is a little more than 0.1: the box may be wider by that, and no more."""
    x = torch.linspace(0, 1, 1001)[:, None]
    for eps in (torch.full((1001,), 0.1), torch.full((1001,), 0.1, dtype=torch.float64)):
        box = Box.around(x, eps)
        for bound in (box.low, box.high):
            assert bool(((bound.double() - x.double()).abs() <= eps.double()[:, None]).all())


def test_the_box_of_some_beats_is_theirs():
    x, _ = toys.random_beats(4)
    rows = torch.tensor([0, 3])
    for eps in (0.1, torch.tensor([0.1, 0.2, 0.3, 0.4])):
        part = Box.around(x, eps).at(rows)
        whole = Box.around(x[rows], eps if isinstance(eps, float) else eps[rows])
        assert torch.equal(part.low, whole.low)
        assert torch.equal(part.high, whole.high)
        assert torch.equal(part.eps, whole.eps)


def test_a_random_point_is_drawn_within_eps_and_clipped():
    """x = 0 with uniform -1 ends at 0, with 0.5 at half of eps; x = 0.5 with -1 at 0.5 - eps."""
    x = torch.tensor([[0.0, 0.0, 0.5, 1.0]])
    point = Box.around(x, 0.25).random_point(x, torch.tensor([[-1.0, 0.5, -1.0, 0.9]]))
    assert point.tolist() == [[0.0, 0.125, 0.25, 1.0]]


def test_adamax_over_signs_is_torchs():
    """PyTorch descends, the rule climbs: the optimiser is given minus the sign."""
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(5, 187, generator=generator, dtype=torch.float64)
    parameter = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.Adamax([parameter], lr=0.01)
    rule, x_adv = SignAdamax(0.01), start
    for step in range(40):
        gradient = torch.randn(5, 187, generator=generator, dtype=torch.float64)
        gradient[:, : 10 * (step % 3)] = 0  # a sign of 0 is a sign too
        parameter.grad = -gradient.sign()
        optimiser.step()
        x_adv = rule.move(x_adv, thunk(gradient), thunk(None))
        torch.testing.assert_close(x_adv, parameter.detach(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", STEP_RULES)
def test_a_rule_forgets_the_broken_and_keeps_the_rest(name):
    """Moves of rows 0 and 2 are the same with row 1 beside them as without."""
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(6, 3, 187, generator=generator)
    alive = torch.tensor([0, 2])
    whole, part = STEP_RULES[name](0.01), STEP_RULES[name](0.01)
    x, x_part = torch.full((3, 187), 0.5), torch.full((2, 187), 0.5)
    for step, gradient in enumerate(gradients):
        if step == 3:
            whole, x = whole.at(alive), x[alive]
        x = whole.move(x, thunk(gradient if step < 3 else gradient[alive]), thunk(None))
        x_part = part.move(x_part, thunk(gradient[alive]), thunk(None))
    torch.testing.assert_close(x, x_part)


@pytest.mark.parametrize("name", STEP_RULES)
def test_no_move_is_longer_than_the_step_size(name):
    rule, x = STEP_RULES[name](0.01), torch.zeros(1, 187)
    for gradient in torch.randn(20, 1, 187, generator=torch.Generator().manual_seed(0)):
        after = rule.move(x, thunk(gradient), thunk(None))
        assert float((after - x).abs().max()) <= 0.01 + 1e-7
        x = after


@pytest.mark.parametrize("objective", [cross_entropy, margin])
def test_the_slope_is_autograds(objective):
    logits = torch.randn(8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = torch.arange(8) % 5
    (expected,) = torch.autograd.grad(objective(logits, y).sum(), logits)
    given_logits = logits.detach().clone()
    torch.testing.assert_close(slope(objective, given_logits, y), expected)
    assert torch.equal(given_logits, logits.detach())
    with torch.no_grad():
        torch.testing.assert_close(slope(objective, given_logits, y), expected)


def test_the_margin_is_positive_where_misclassified():
    logits = torch.tensor([[1.0, 3, 2, 0, 0], [5.0, 1, 2, 0, 0], [2.0, 2, 0, 0, 0]])
    assert margin(logits, torch.tensor([1, 1, 0])).tolist() == [-1.0, 4.0, 0.0]


def test_chance_belongs_to_the_beat_and_not_to_its_place():
    rows = np.array([5, 0, 109_445, 2**46])
    drawn = BeatRandomness(3, rows).uniform(187, 1)
    for place, row in enumerate(rows):
        assert torch.equal(BeatRandomness(3, np.array([row])).uniform(187, 1)[0], drawn[place])
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn, BeatRandomness(3, rows).uniform(187, 0))
    assert not torch.equal(drawn, BeatRandomness(4, rows).uniform(187, 1))


def test_chance_is_uniform_from_minus_1_to_1():
    """20,000 draws: the mean's standard deviation is 0.577 / sqrt(20000) = 0.004, the second moment is 1/3."""
    drawn = BeatRandomness(0, np.arange(200)).uniform(100)
    assert float(drawn.min()) >= -1
    assert float(drawn.max()) < 1
    assert abs(float(drawn.mean())) < 0.02
    assert float(drawn.square().mean()) == pytest.approx(1 / 3, abs=0.02)
    assert abs(float((drawn[0] * drawn[1]).mean())) < 0.3


def test_signs_are_shared_by_all_beats_and_differ_between_draws():
    first = BeatRandomness(0, np.arange(3)).signs(512, 187, 4)
    assert first.shape == (512, 187)
    assert set(first.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(first, BeatRandomness(0, np.array([77])).signs(512, 187, 4))
    assert not torch.equal(first, BeatRandomness(0, np.arange(3)).signs(512, 187, 5))
    assert not torch.equal(first, BeatRandomness(1, np.arange(3)).signs(512, 187, 4))
    assert abs(float(first.mean())) < 0.02


def test_the_chance_of_a_batch_follows_its_generator():
    first, again = (BatchRandomness(torch.Generator().manual_seed(1), 4) for _ in range(2))
    drawn = first.uniform(187)
    assert drawn.shape == (4, 187)
    assert torch.equal(drawn, again.uniform(187))
    assert not torch.equal(drawn, first.uniform(187))
    assert set(first.signs(16, 187).unique().tolist()) == {-1.0, 1.0}
