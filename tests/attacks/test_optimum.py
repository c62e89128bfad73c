"""On a linear network the worst noise is known, so an attack can be told how good it is.

With z = W x + b, noise n moves the margin z_i - z_y by d.n with d = w_i - w_y. Under |n_j| <= eps the most is reached
at n_j = eps * sign(d_j) and is eps * ||d||_1; with x + n held in [0, 1] it is at x + n = high where d > 0 and low where
d < 0, the corners of the box.

Here d is 2 or -2 on 20 samples and 0 elsewhere, so eps * ||d||_1 = 40 * eps. Beats lie in [0.3, 0.7]. The offset of
class 0 is chosen for each beat so that its margin without noise is exactly what the test wants.
"""

import pytest
import torch
import toys

from nsr_core.attacks import ATTACKS, FGSM, PGD, SPSA, RandomNoise
from nsr_core.attacks.objectives import margin

pytestmark = pytest.mark.slow

NORM = 40.0
EPS = 0.1
CLIMBERS = {
    "fgsm": FGSM(),
    "pgd": PGD(steps=60),
    "pgd-sign": PGD(steps=60, move="sign"),
    "pgd from the beat": PGD(steps=60, random_start=False),
    "spsa": SPSA(steps=70, samples=256),
}


def difference():
    generator = torch.Generator().manual_seed(3)
    d = torch.zeros(187, dtype=torch.float64)
    d[torch.randperm(187, generator=generator)[:20]] = 2.0
    return d * (2 * torch.randint(0, 2, (187,), generator=generator) - 1)


def margins(model, x):
    with torch.no_grad():
        return margin(model(x), torch.zeros(len(x), dtype=torch.int64))


def beats_with_margin(gaps):
    """A two-class network and beats of class 0 that it gets right by ``gaps``: z_1 - z_0 = -gap.

    The offset of z_0 is 30. Moving x by t along sign(d) on the 20 samples moves d.x by 40 t; t is within +-0.2.
    """
    d = difference()
    x = 0.5 + 0.1 * (
        2 * torch.rand(len(gaps), 187, dtype=torch.float64, generator=torch.Generator().manual_seed(4)) - 1
    )
    wanted = 30 - torch.tensor(gaps, dtype=torch.float64)
    model = toys.two_class(d, offset=30.0)
    model.bias.data[1] = float(wanted.mean() - (x @ d).mean())
    missing = wanted - (x @ d + model.bias.data[1])
    x = x + (missing / NORM)[:, None] * d.sign()
    torch.testing.assert_close(margins(model, x), -torch.tensor(gaps, dtype=torch.float64))
    assert float(x.min()) > 0.2
    assert float(x.max()) < 0.8
    return model, x, d


@pytest.mark.parametrize("name", CLIMBERS)
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_the_worst_margin_is_reached(name, batch):
    """Beats right by 4.5 to 6 withstand the most that eps 0.1 can do, 40 * 0.1 = 4: the margin ends at 4 - gap."""
    gaps = torch.linspace(4.5, 6, batch).tolist()
    model, x, d = beats_with_margin(gaps)
    result = CLIMBERS[name](model, x, torch.zeros(batch, dtype=torch.int64), EPS)
    assert result.step.tolist() == [-1] * batch
    torch.testing.assert_close(
        margins(model, result.x_adv), EPS * NORM - torch.tensor(gaps).double(), rtol=0, atol=1e-6
    )
    moved = d != 0
    torch.testing.assert_close((result.x_adv - x)[:, moved], (EPS * d.sign()[moved]).expand(batch, -1))


@pytest.mark.parametrize("name", CLIMBERS)
def test_a_beat_is_broken_if_and_only_if_it_can_be(name):
    """Right by less than 4: broken. By more: never. Well apart, from 2.0 to 3.9 and from 4.1 to 6."""
    gaps = [2.0, 6.0, 3.0, 4.1, 3.9, 5.0, 3.5, 4.5]
    model, x, _ = beats_with_margin(gaps)
    result = CLIMBERS[name](model, x, torch.zeros(8, dtype=torch.int64), EPS)
    assert (result.step >= 0).tolist() == [gap < EPS * NORM for gap in gaps]


@pytest.mark.parametrize("name", CLIMBERS)
def test_the_corner_of_the_box_is_reached_where_0_and_1_are_in_the_way(name):
    """Beats in [0, 1], eps 0.3: the most is d.(corner - x) with corner = min(x + eps, 1) where d > 0 and
    max(x - eps, 0) where d < 0. Class 0's offset is 1 above the largest of these, so no beat is broken.
    """
    eps, d = 0.3, difference()
    x = torch.rand(3, 187, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    corner = torch.where(d > 0, (x + eps).clamp_max(1), (x - eps).clamp_min(0))
    best = torch.where(d != 0, corner, x) @ d
    model = toys.two_class(d, offset=float(best.max()) + 1)
    attack = CLIMBERS[name]
    result = attack(model, x, torch.zeros(3, dtype=torch.int64), eps)
    torch.testing.assert_close(margins(model, result.x_adv), best - model.bias.detach()[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", CLIMBERS)
def test_with_a_length_only_the_signal_counts(name):
    """Of d's 20 samples those before ``length`` can be used: the most is 2 * eps * (how many)."""
    model, x, d = beats_with_margin([5.0, 5.0, 5.0])
    length = torch.tensor([187, 90, 1])
    usable = [(d[:n] != 0).sum().item() for n in length]
    assert 0 < usable[1] < 20
    result = CLIMBERS[name](model, x, torch.zeros(3, dtype=torch.int64), EPS, length=length)
    expected = torch.tensor([2 * EPS * count - 5 for count in usable], dtype=torch.float64)
    torch.testing.assert_close(margins(model, result.x_adv), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_nothing_beats_the_optimum(name, batch):
    model, x, _ = beats_with_margin([5.0] * batch)
    y = torch.zeros(batch, dtype=torch.int64)
    for eps in (0.01, EPS):
        outcome = toys.short(ATTACKS[name])(model, x, y, eps, record=True).trajectory
        reached = torch.stack([margins(model, at) for at in outcome.x_adv])
        assert float(reached.max()) <= eps * NORM - 5 + 1e-9


def test_random_noise_stays_far_below_the_optimum():
    """d.n of 20 independent uniform draws has a standard deviation of 2 * 0.1 * sqrt(20 / 3) = 0.52; the optimum is 4."""
    model, x, _ = beats_with_margin([4.5] * 8)
    result = RandomNoise(draws=20)(model, x, torch.zeros(8, dtype=torch.int64), EPS, record=True)
    assert result.step.tolist() == [-1] * 8
    reached = torch.stack([margins(model, at) for at in result.trajectory.x_adv]) + 4.5
    assert 0.3 < float(reached.std()) < 0.8
    assert float(reached.max()) < 3


def test_fgsm_takes_the_whole_budget_in_one_step():
    model, x, d = beats_with_margin([3.9, 4.1])
    result = FGSM()(model, x, torch.zeros(2, dtype=torch.int64), EPS)
    assert result.step.tolist() == [1, -1]
    assert result.queries.tolist() == [2, 2]
    torch.testing.assert_close(result.x_adv, x + EPS * d.sign())


@pytest.mark.parametrize(("move", "first"), [("sign", 0.01), ("adamax", 0.01)])
def test_a_sign_step_is_as_long_as_its_setting(move, first):
    """From the beat itself: eq. 12 moves 0.01 a step; Adamax, fed with an unchanging sign, as much.

    Adamax: m_t = (1 - 0.9^t) s and u_t = 1, so lr / (1 - 0.9^t) * m_t / u_t = lr * s.
    """
    model, x, d = beats_with_margin([6.0])
    attack = PGD(steps=3, move=move, random_start=False)
    outcome = attack(model, x, torch.zeros(1, dtype=torch.int64), 0.3, record=True).trajectory
    for step in range(4):
        torch.testing.assert_close(outcome.x_adv[step, 0] - x[0], step * first * d.sign(), rtol=0, atol=1e-7)
