"""The lesson's walks on a network whose loss is a straight slope: where each step leads is known."""

import pytest
import torch
import toys

from nsr_core.attacks import Box
from nsr_core.lesson.climbing import PGD_STEPS, STEPS_PER_BUDGET, climb, fgsm_point, lesson_pgd

EPS = 0.1


@pytest.fixture
def slope() -> torch.Tensor:
    """Which way each sample raises the loss of class 0, and two samples that do nothing."""
    difference = torch.where(torch.arange(187) % 2 == 0, 1.0, -1.0).double()
    difference[:2] = 0
    return difference


@pytest.fixture
def beats() -> torch.Tensor:
    return torch.full((2, 187), 0.5, dtype=torch.float64)


@pytest.mark.parametrize("offset", [1.0, -1.0])
def test_every_step_is_a_tenth_of_the_budget_until_it_is_spent_also_beyond_a_flip(slope, beats, offset):
    """With the second offset the beats are misread from the start."""
    points = climb(toys.two_class(slope, offset), beats, torch.zeros(2, dtype=torch.int64), Box.around(beats, EPS))
    assert points.shape == (PGD_STEPS + 1, 2, 187)
    walked = torch.arange(PGD_STEPS + 1).clamp(max=STEPS_PER_BUDGET) * (EPS / STEPS_PER_BUDGET)
    torch.testing.assert_close(points, beats + walked[:, None, None] * slope)


def test_fgsm_spends_the_budget_in_one_step_and_leaves_what_does_nothing(slope, beats):
    network, y, box = toys.two_class(slope, 1.0), torch.zeros(2, dtype=torch.int64), Box.around(beats, EPS)
    torch.testing.assert_close(fgsm_point(network, beats, y, box), beats + EPS * slope)


def test_no_walk_leaves_the_budget_the_range_or_the_signal(slope):
    x = torch.rand(3, 187, generator=torch.Generator().manual_seed(0)).double()
    box = Box.around(x, EPS, torch.tensor([187, 100, 3]))
    points = climb(toys.two_class(slope, 1.0), x, torch.zeros(3, dtype=torch.int64), box)
    assert (points >= box.low).all()
    assert (points <= box.high).all()
    assert (points[:, 2, 3:] == x[2, 3:]).all()


def test_the_attack_has_the_steps_of_the_walk():
    attack = lesson_pgd(EPS)
    assert (attack.steps, attack.step_size, attack.random_start) == (PGD_STEPS, EPS / STEPS_PER_BUDGET, False)
