"""The stronger attacks: known optima, their own rules, and independent implementations as oracles.

``foolbox`` is in requirements-dev.txt. ``torchattacks`` (APGD, targeted APGD, Square) is not, since it asks for an old
version of a package that the project pins: ``pip install --no-deps torchattacks==3.5.1`` adds it. Without them, their
tests are skipped; the plain APGD below is an oracle that is always there.
"""

from dataclasses import replace
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from test_optimum import EPS, NORM, beats_with_margin, difference, margins
from test_parts import thunk

from nsr_core.attacks import ATTACKS, FGSM, PGD, STRENGTHS, BatchRandomness, BeatRandomness, Box, WorstCase, get_attack
from nsr_core.attacks.apgd import APGD, Adaptive, TargetedAPGD, WideAPGD, checkpoints
from nsr_core.attacks.margin_pgd import MarginPGD, MultiTargetPGD
from nsr_core.attacks.objectives import rivals, targeted_dlr, targeted_margin
from nsr_core.attacks.restarts import Restart, WithRestarts
from nsr_core.attacks.smooth import ENDS, KERNELS, Smooth, smoothing
from nsr_core.attacks.square import Square, segment_share
from nsr_core.attacks.worst_case import NOTHING, broken_by, first_steps, looks
from nsr_core.data import FS_HZ
from nsr_core.errors import UserError
from nsr_core.training.checkpoint import load_checkpoint

pytestmark = pytest.mark.slow

CLIMBERS = {
    "pgd-margin": MarginPGD(steps=20),
    "pgd-margin, 3 starts": MarginPGD(steps=60, restarts=3),
    "multi-target": MultiTargetPGD(steps=80),
    "apgd": APGD(steps=20),
    "apgd, 3 starts": APGD(steps=60, restarts=3),
    "apgd-t": TargetedAPGD(steps=80),
    "apgd-t from the beat": TargetedAPGD(steps=80, random_start=False),
    "apgd-wide": WideAPGD(steps=160),
    "worst case": WorstCase("standard"),
}
every_climber = pytest.mark.parametrize("name", CLIMBERS)
every_with_restarts = pytest.mark.parametrize(
    "name", [name for name, attack in ATTACKS.items() if isinstance(attack, WithRestarts)]
)


@pytest.fixture(scope="module")
def right_beats(trained, demo_beats, demo_split):
    """All test beats of the demo split that the trained network gets right: x, y and length."""
    rows = demo_split.test
    x, y, length = (torch.from_numpy(values[rows]) for values in (demo_beats.x, demo_beats.y, demo_beats.length))
    right = toys.predicted(trained.network, x) == y
    return x[right], y[right], length[right].long()


# Known optima (see test_optimum)


@every_climber
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_the_worst_margin_is_reached(name, batch):
    gaps = torch.linspace(4.5, 6, batch).tolist()
    model, x, _ = beats_with_margin(gaps)
    result = CLIMBERS[name](model, x, torch.zeros(batch, dtype=torch.int64), EPS)
    assert result.step.tolist() == [-1] * batch
    if name != "worst case":  # ends where its last attack, a random search, left the beat
        best = EPS * NORM - torch.tensor(gaps).double()
        torch.testing.assert_close(margins(model, result.x_adv), best, rtol=0, atol=1e-6)


@every_climber
def test_a_beat_is_broken_if_and_only_if_it_can_be(name):
    """Within 0.01 of what is possible, 4, on both sides."""
    gaps = [2.0, 6.0, 3.0, 4.01, 3.99, 5.0, 3.5, 4.5]
    model, x, _ = beats_with_margin(gaps)
    result = CLIMBERS[name](model, x, torch.zeros(8, dtype=torch.int64), EPS)
    assert (result.step >= 0).tolist() == [gap < EPS * NORM for gap in gaps]


@every_climber
@pytest.mark.parametrize("eps", [1e-4, 0.3, 1.0])
def test_the_whole_budget_is_in_reach_at_every_level(name, eps):
    """Beats of 0.5: the corner of the box moves the margin by 40 eps, up to 40 * 0.5. Broken, if that is a hair enough."""
    d, x = difference(), torch.full((2, 187), 0.5, dtype=torch.float64)
    most = NORM * min(eps, 0.5)
    y = torch.zeros(2, dtype=torch.int64)
    for factor, broken in ((0.999, True), (1.001, False)):
        model = toys.two_class(d, offset=float(x[0] @ d) + factor * most)
        assert (CLIMBERS[name](model, x, y, eps).step >= 0).tolist() == [broken] * 2


@every_climber
def test_with_a_length_only_the_signal_counts(name):
    """Of d's 20 samples those before ``length`` move the margin by 2 eps each."""
    length = torch.tensor([187, 90, 1])
    usable = [(difference()[:n] != 0).sum().item() for n in length]
    y = torch.zeros(1, dtype=torch.int64)
    for row, count in enumerate(usable):
        for gap, broken in ((2 * EPS * count - 0.05, count > 0), (2 * EPS * count + 0.05, False)):
            if gap > 0:
                model, x, _ = beats_with_margin([gap])
                result = CLIMBERS[name](model, x, y, EPS, length=length[row : row + 1])
                assert (result.step >= 0).tolist() == [broken]


@pytest.mark.parametrize("name", ["multi-target", "apgd-t", "apgd-wide", "worst case"])
def test_every_wrong_class_gets_its_run(name):
    """A trap: class 1 is nearest everywhere at first and can never overtake; each of the classes 2, 3, 4 can.

    z_0 = 0, z_1 = -0.001 whatever x. z_k = 5 (x_k - 0.5) - 0.01 over its own sample: 0.1 of noise lifts it to 0.49.
    """
    for winner in (2, 3, 4):
        weight = torch.zeros(5, 187, dtype=torch.float64)
        weight[winner, winner] = 5.0
        bias = torch.tensor([0.0, -0.001, -9, -9, -9], dtype=torch.float64)
        bias[winner] = -2.51
        model, x = toys.Linear(weight, bias), torch.full((1, 187), 0.5, dtype=torch.float64)
        result = CLIMBERS[name](model, x, torch.zeros(1, dtype=torch.int64), EPS)
        assert int(result.step) >= 0
        assert toys.predicted(model, result.x_adv).tolist() == [winner]


@pytest.mark.parametrize("gain", [1.0, 1e4])
def test_where_the_cross_entropy_is_flat_the_margin_still_climbs(gain):
    """In float32 a softmax of a lead of thousands is exactly 1, and the gradient of its cross-entropy 0."""
    model = toys.random_linear(dtype=torch.float32)
    with torch.no_grad():
        model.weight.mul_(gain)
        model.bias.mul_(gain)
    x = torch.rand(8, 187, generator=torch.Generator().manual_seed(1))
    y = toys.predicted(model, x)
    broken = {
        name: int((CLIMBERS[name](model, x, y, 0.05).step >= 0).sum()) for name in ("pgd-margin", "apgd", "apgd-t")
    }
    if gain == 1:
        assert broken["pgd-margin"] == broken["apgd"] == broken["apgd-t"] > 4
    else:
        assert broken["pgd-margin"] == broken["apgd-t"] > broken["apgd"]


# Objectives


def test_the_rivals_are_the_other_classes_nearest_first():
    logits = torch.tensor([[0.0, 5, 1, 3, 2], [4.0, 1, 1, 0, 9]])
    assert rivals(logits, torch.tensor([1, 4])).tolist() == [[3, 4, 2, 0], [0, 1, 2, 3]]


def test_targeted_losses_by_hand():
    """Sorted 5, 4, 2, 1, 0: the divisor is 5 - (2 + 1) / 2 = 3.5."""
    logits = torch.tensor([[4.0, 0, 5, 2, 1]])
    y, target = torch.tensor([0]), torch.tensor([3])
    assert targeted_margin(logits, y, target).tolist() == [-2.0]
    assert float(targeted_dlr(logits, y, target)) == pytest.approx(-2 / 3.5)
    with pytest.raises(ValueError, match="needs 4 or more"):
        targeted_dlr(logits[:, :3], y, torch.tensor([1]))


def test_the_dlr_does_not_care_for_scale_or_offset():
    logits = torch.randn(16, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y, target = torch.arange(16) % 5, (torch.arange(16) + 1) % 5
    torch.testing.assert_close(targeted_dlr(100 * logits + 7, y, target), targeted_dlr(logits, y, target))


def test_a_target_that_leads_has_broken_the_beat():
    logits = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    y = torch.zeros(200, dtype=torch.int64)
    for target in range(1, 5):
        for loss in (targeted_margin, targeted_dlr):
            ahead = loss(logits, y, torch.full_like(y, target)) > 0
            assert torch.equal(ahead, logits[:, target] > logits[:, 0])


# Restarts


@every_with_restarts
def test_one_run_is_the_beginning_of_several(name, trained, right_beats):
    """The first of three starts of equal length is the single start; with it, beats break at the same steps."""
    x, y = right_beats[0][:24], right_beats[1][:24]
    rounds = len(ATTACKS[name].objectives())
    single, thrice = (replace(ATTACKS[name], steps=8 * rounds * n - 1, restarts=n) for n in (1, 3))
    one, three = (attack(trained.network, x, y, 0.03) for attack in (single, thrice))
    early = one.step >= 0
    assert torch.equal(one.step[early], three.step[early])
    assert torch.equal(one.x_adv[early], three.x_adv[early])
    assert ((three.step[~early] == -1) | (three.step[~early] >= 8 * rounds)).all()


@every_with_restarts
def test_another_start_is_another_point(name, trained, right_beats):
    x = right_beats[0][:4]
    attack = replace(ATTACKS[name], steps=7, restarts=8)
    starts = [attack.begin(_restart(number, x))[0] for number in range(3)]
    for first, second in ((0, 1), (1, 2), (0, 2)):
        assert float((starts[first] - starts[second]).abs().mean()) > 1e-3
    again, _ = attack.begin(_restart(1, x, rows=[3, 1]))
    torch.testing.assert_close(again, starts[1][[3, 1]])


def _restart(number, x, eps=0.05, moves=10, rows=None):
    rows = list(range(len(x))) if rows is None else rows
    return Restart(number, moves, x[rows], Box.around(x[rows], eps), BeatRandomness(0, np.array(rows)))


@every_with_restarts
@pytest.mark.parametrize(("steps", "restarts"), [(1, 1), (1, 100), (2, 2), (3, 7), (5, 2), (11, 3)])
def test_steps_are_all_that_is_spent_however_they_are_shared(name, steps, restarts):
    model, x, _ = beats_with_margin([6.0, 7.0])
    heard = []
    result = replace(ATTACKS[name], steps=steps, restarts=restarts)(
        model, x, torch.zeros(2, dtype=torch.int64), EPS, progress=lambda *report: heard.append(report[:2])
    )
    assert result.queries.tolist() == [steps + 1] * 2
    assert heard == [(step, steps) for step in range(steps + 1)]


@every_with_restarts
def test_a_beat_that_withstands_ends_at_its_best_point(name, trained, right_beats):
    x, y = right_beats[0][:24], right_beats[1][:24]
    attack = replace(ATTACKS[name], steps=23, restarts=2)
    result = attack(trained.network, x, y, 0.01, record=True)
    assert (result.trajectory.loss.diff(dim=0) >= 0).all()
    assert (result.step < 0).any()
    with torch.no_grad():
        ended = attack.objective()(trained.network(result.x_adv), y)
    torch.testing.assert_close(ended, result.trajectory.loss[-1], rtol=1e-4, atol=1e-5)


@every_with_restarts
def test_chance_of_another_kind_will_do(name, trained, right_beats):
    x, y = right_beats[0][:3], right_beats[1][:3]
    chance = BatchRandomness(torch.Generator().manual_seed(0), 3)
    result = replace(ATTACKS[name], steps=7)(trained.network, x, y, 0.03, randomness=chance)
    assert float((result.x_adv - x).abs().max()) <= 0.03 + 1e-7


@pytest.mark.parametrize("name", ["pgd-margin", "multi-target", "apgd", "apgd-t", "apgd-wide"])
def test_it_may_start_at_the_beat_and_then_at_random(name, trained, right_beats):
    x = right_beats[0][:4]
    attack = replace(ATTACKS[name], random_start=False, restarts=2)
    in_a_round = len(attack.objectives())
    for number in range(in_a_round):
        assert torch.equal(attack.begin(_restart(number, x))[0], x)
    assert not torch.equal(attack.begin(_restart(in_a_round, x))[0], x)


# APGD


def test_the_checkpoints_of_100_moves():
    """p = 0, 0.22, then by 0.19, 0.16, 0.13, 0.10, 0.07, 0.06, 0.06 (section 3.1)."""
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]


def plain_apgd(objective_and_gradient, x, start, eps, moves):
    """Algorithm 1 of Croce & Hein (2020) for one beat, line by line, in its own words: the points x^(0), ..., x^(moves)."""

    def project(point):
        return np.clip(np.clip(point, x - eps, x + eps), 0, 1)

    shares = [0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    w = [ceil(round(share * moves, 9)) for share in shares]
    points = [start]
    f, g = objective_and_gradient(start)
    eta = 2 * eps
    values, x_max, f_max, g_max = [f], start, f, g
    gradient, halved, f_max_checked, here, previous = g, False, f, start, start
    ups = []
    for k in range(moves):
        z = project(here + eta * np.sign(gradient))
        new = z if k == 0 else project(here + 0.75 * (z - here) + 0.25 * (here - previous))
        f_new, g_new = objective_and_gradient(new)
        ups.append(f_new > values[-1])
        points.append(new)
        values.append(f_new)
        if f_new > f_max:
            x_max, f_max, g_max = new, f_new, g_new
        previous, here, gradient = here, new, g_new
        if k + 1 in w:
            j = w.index(k + 1)
            few = sum(ups[w[j - 1] : w[j]]) < 0.75 * (w[j] - w[j - 1])
            stuck = not halved and f_max == f_max_checked
            halved, f_max_checked = few or stuck, f_max
            if halved:
                eta, here, gradient = eta / 2, x_max, g_max
                values[-1] = f_max
    return points


@pytest.mark.parametrize("eps", [0.01, 0.05])
def test_apgd_goes_where_the_published_algorithm_goes(eps):
    """Point by point, on networks with curvature and a label that is never lost (its logit is lifted)."""
    moves = 60
    for network in ("mlp", "cnn"):
        model = toys.fresh(network, dtype=torch.float64)
        x, _ = toys.random_beats(3, dtype=torch.float64)
        x = 0.3 + 0.4 * x
        y = torch.tensor([0, 1, 2])

        def value_and_gradient(point, row, model=model, y=y):
            leaf = torch.from_numpy(point)[None].requires_grad_()
            loss = torch.nn.functional.cross_entropy(model(leaf), y[row : row + 1])
            return loss.item(), torch.autograd.grad(loss, leaf)[0][0].numpy()

        uniform = BeatRandomness(0, np.arange(3)).uniform(187).double()
        box = Box.around(x, eps)
        rule, x_adv = Adaptive.at_start(start := box.random_point(x, uniform), box, moves), start
        ours = [start]
        for _ in range(moves):
            outcome = [value_and_gradient(point.numpy(), row) for row, point in enumerate(x_adv)]
            value = torch.tensor([value for value, _ in outcome], dtype=torch.float64)
            gradient = torch.from_numpy(np.stack([gradient for _, gradient in outcome]))
            x_adv = rule.move(x_adv, thunk(gradient), thunk(value))
            ours.append(x_adv)
        for row in range(3):
            expected = plain_apgd(
                lambda point, row=row: value_and_gradient(point, row), x[row].numpy(), start[row].numpy(), eps, moves
            )
            for step, (our, their) in enumerate(zip(ours, expected, strict=True)):
                np.testing.assert_allclose(our[row], their, rtol=0, atol=1e-9, err_msg=f"{network} {row} {step}")


def test_apgd_halves_its_steps_where_it_only_swings():
    """Up a roof |x - x*| no sign step of fixed length gets nearer than half of it; halving does."""
    x = torch.full((1, 187), 0.5, dtype=torch.float64)
    top = x + 0.0123
    box = Box.around(x, 0.1)
    rule, at = Adaptive.at_start(x, box, 200), x
    for _ in range(200):
        at = rule.move(at, thunk(torch.sign(top - at)), thunk(-(top - at).abs().sum(1)))
    assert float((rule.best - top).abs().max()) < 1e-3
    assert float(rule.size) < 0.01


# From outside


def test_wide_boxes_hold_to_0_1_and_to_what_must_stay():
    x = torch.tensor([[0.0, 0.5, 0.95, 0.3]], dtype=torch.float64)
    wide = Box.around(x, 0.1, torch.tensor([3])).widened(x, 2.0)
    torch.testing.assert_close(wide.low, torch.tensor([[0.0, 0.3, 0.75, 0.3]], dtype=torch.float64))
    torch.testing.assert_close(wide.high, torch.tensor([[0.2, 0.7, 1.0, 0.3]], dtype=torch.float64))
    assert float(wide.eps) == pytest.approx(0.2)


def test_a_box_holds_what_is_in_it():
    x = torch.full((3, 187), 0.5)
    box = Box.around(x, 0.1)
    outside = x.clone()
    outside[1, 3] += 0.101
    outside[2, 186] -= 0.2
    assert box.holds(outside).tolist() == [True, False, False]
    assert box.holds(box.high).all()
    assert box.holds(box.low).all()


def test_the_phases_are_30_30_and_40_percent_of_the_looks_in_ever_smaller_boxes():
    """Of 100 looks: 0 to 29 within 2 eps, 30 to 59 within 1.5, 60 to 99 within 1; a gradient that always points up."""
    x = torch.full((2, 187), 0.5, dtype=torch.float64)
    attack = WideAPGD(random_start=False)
    _, rule = attack.begin(_restart(0, x, eps=0.02, moves=99))
    at, reached = x, [0.0]
    for _ in range(99):
        at = rule.move(at, thunk(torch.ones_like(at)), thunk(at.mean(1)))
        reached.append(float((at - x).abs().max()))
    np.testing.assert_allclose(reached[1:30], 0.04, atol=1e-12)
    np.testing.assert_allclose(reached[30:60], 0.03, atol=1e-12)
    np.testing.assert_allclose(reached[60:], 0.02, atol=1e-12)


@pytest.mark.parametrize("batch", [1, 8])
def test_what_breaks_outside_the_budget_does_not_count(batch):
    """The margin can reach 4 within 0.1 and 8 within 0.2: right by 4.5 to 6, they break outside only."""
    model, x, _ = beats_with_margin(torch.linspace(4.5, 6, batch).tolist())
    result = WideAPGD(steps=160)(model, x, torch.zeros(batch, dtype=torch.int64), EPS, record=True)
    assert result.step.tolist() == [-1] * batch
    assert float((result.trajectory.x_adv - x).abs().max()) <= EPS


# Square


def test_the_share_is_halved_when_the_paper_says():
    """Of 10,000 steps with 0.8: after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000."""
    shares = [segment_share(0.8, step / 10_000) for step in (0, 10, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001)]
    assert shares == [0.8, 0.8, *(0.8 / 2**n for n in range(1, 10))]


def test_square_moves_one_segment_at_a_time_between_the_bounds(trained, right_beats):
    """Between two points that it kept lies one contiguous segment, all of it then at one bound; every sample is at one."""
    x, y, length = (given[:12] for given in right_beats)
    eps = 0.02
    box = Box.around(x, eps, length)
    result = Square(steps=200)(trained.network, x, y, eps, length=length, record=True)
    outcome = result.trajectory.x_adv
    assert bool(((outcome == box.low) | (outcome == box.high)).all())
    changes = 0
    for before, after in pairwise(outcome):
        for row in range(len(x)):
            at = torch.nonzero(before[row] != after[row]).flatten()
            if len(at):
                changes += 1
                segment = slice(int(at[0]), int(at[-1]) + 1)
                assert int(at[-1]) < int(length[row])
                at_high = after[row, segment] == box.high[row, segment]
                at_low = after[row, segment] == box.low[row, segment]
                assert bool(at_high.all()) or bool(at_low.all())
    assert changes > 50


@pytest.mark.parametrize("length", [None, 40])
def test_segments_are_as_long_as_their_share_and_reach_every_sample(length):
    """First moves of 400 beats: 0.8 of the samples that may move, from any place where that fits."""
    x = torch.full((400, 187), 0.5)
    free = length or 187
    box = Box.around(x, 0.1, torch.full((400,), free))
    _, rule = Square().begin(Restart(0, 10_000, x, box, BeatRandomness(0, np.arange(400))))
    rule.best = torch.full_like(x, 0.5)
    touched = rule.move(rule.best, thunk(None), thunk(torch.full((400,), -torch.inf))) != 0.5
    width = round(0.8 * free)
    assert set(touched.sum(1).tolist()) == {width}
    first = touched.int().argmax(1)
    assert set(first.tolist()) == set(range(free - width + 1))
    assert bool(touched[:, :free].any(0).all())
    assert not touched[:, free:].any()


def test_square_finds_what_needs_no_gradient():
    """The logits are rounded to tenths: every gradient is 0. The search still finds the way; PGD does not."""

    class Steps(toys.Linear):
        def forward(self, x):
            return (super().forward(x) * 10).round() / 10

    d = difference().float()
    x = torch.full((8, 187), 0.5)
    model = Steps(*toys.two_class(d, offset=float(x[0] @ d) + 2).parameters())
    y = torch.zeros(8, dtype=torch.int64)
    assert (Square(steps=2000)(model, x, y, EPS).step >= 0).all()
    assert (PGD(steps=100)(model, x, y, EPS).step < 0).all()


# Smooth


def spectrum(noise):
    """Power by frequency in Hz, of (batch, 187) tapered so that the ends make no edges."""
    power = np.abs(np.fft.rfft(noise * np.hanning(noise.shape[1]))) ** 2
    return np.fft.rfftfreq(noise.shape[1], 1 / FS_HZ), power


@pytest.mark.parametrize(("narrowest", "widest"), [(10.0, 33.0), (25.0, 25.0), (40.0, 60.0)])
def test_the_noise_has_no_power_above_the_kernels_cut(trained, right_beats, narrowest, widest):
    """A Gaussian of deviation s lets exp(-2 (pi s f)^2) of an amplitude pass: 1 % at f = 0.48 / s. Even the narrowest
    kernel's cut leaves nothing of a noise whose raw form has as much power there as anywhere."""
    x, y, _ = right_beats
    inner = 0.2 + 0.6 * x[:24]  # away from 0 and 1, where there is room everywhere
    y = toys.predicted(trained.network, inner)
    result = Smooth(narrowest_ms=narrowest, widest_ms=widest)(trained.network, inner, y, 0.05)
    noise = (result.x_adv.double() - inner.double()).numpy()
    frequency, power = spectrum(noise)
    cut = 0.48 / (narrowest / 1000)
    assert power[:, frequency > cut].sum() < 1e-3 * power.sum()
    assert float(np.abs(noise).max()) > 0.01
    rough = PGD()(trained.network, inner, y, 0.05).x_adv.double().numpy() - inner.double().numpy()
    assert spectrum(rough)[1][:, frequency > cut].sum() > 0.05 * spectrum(rough)[1].sum()


def test_the_noise_stays_smooth_where_0_1_and_the_padding_are_in_the_way(trained, right_beats):
    """No step between neighbours is larger than the kernels' slopes allow: 2 eps times the mean kernel's largest weight."""
    x, y, length = right_beats
    eps = 0.1
    result = Smooth()(trained.network, x, y, eps, length=length)
    matrix, _ = smoothing(187, 10.0, 33.0)
    noise = result.x_adv.double() - x.double()
    assert float(noise.diff(dim=1).abs().max()) <= 2 * eps * float(matrix.max()) + 1e-6
    assert float(noise.abs().max()) > eps / 4
    padding = torch.arange(187) >= length[:, None]
    assert not noise[padding].any()


def test_the_smoothing_is_the_mean_of_five_gaussians():
    matrix, radius = smoothing(187, 10.0, 33.0)
    assert radius == ceil(ENDS * 0.033 * FS_HZ)
    torch.testing.assert_close(matrix, matrix.T)
    at = np.arange(-radius, radius + 1)
    kernels = []
    for width in np.linspace(10, 33, KERNELS) * FS_HZ / 1000:
        kernel = np.where(np.abs(at) <= ENDS * width, np.exp(-(at**2) / (2 * width**2)), 0)
        kernels.append(kernel / kernel.sum())
    np.testing.assert_allclose(matrix[93, 93 - radius : 94 + radius], np.mean(kernels, axis=0), atol=1e-12)
    torch.testing.assert_close(matrix[radius:-radius].sum(1), torch.ones(187 - 2 * radius, dtype=torch.float64))
    assert (matrix.sum(1) <= 1 + 1e-12).all()


def test_smooth_reaches_its_own_optimum():
    """On d.x the most is the sum of |(M d)_j| eps over the raw samples: 0.5 is far from 0 and 1."""
    d, x = difference(), torch.full((2, 187), 0.5, dtype=torch.float64)
    matrix, _ = smoothing(187, 10.0, 33.0)
    most = EPS * float((matrix @ d).abs().sum())
    assert most < 0.8 * EPS * NORM  # smooth noise reaches less
    y = torch.zeros(2, dtype=torch.int64)
    for gap, broken in ((0.999 * most, True), (1.001 * most, False)):
        model = toys.two_class(d, offset=float(x[0] @ d) + gap)
        result = Smooth()(model, x, y, EPS)
        assert (result.step >= 0).tolist() == [broken] * 2
        if not broken:
            torch.testing.assert_close(margins(model, result.x_adv), torch.full((2,), most - gap).double())


def test_kernels_in_the_wrong_order_are_refused():
    with pytest.raises(UserError, match="widest_ms is 20; it must be narrowest_ms, 30, or more"):
        Smooth(narrowest_ms=30.0, widest_ms=20.0)


# All in turn


def test_every_plan_begins_with_the_weaker_plans():
    plans = [list(plan.items()) for plan in STRENGTHS.values()]
    for weaker, stronger in pairwise(plans):
        assert stronger[: len(weaker)] == weaker
        assert len(stronger) > len(weaker)
    assert ("pgd", PGD()) in plans[1]
    assert ("spsa", ATTACKS["spsa"]) in plans[-1]


def test_the_steps_of_a_plan_fit_into_the_table():
    """Its steps are int16."""
    assert all(first_steps(strength)[-1] < 2**15 for strength in STRENGTHS)


def test_a_step_tells_its_attack():
    """FGSM has steps 0 and 1; PGD's 101 looks are 2 to 102."""
    assert [looks(attack) for attack in STRENGTHS["pgd"].values()] == [2, 101]
    assert [broken_by("pgd", step) for step in (-3, -1, 0, 1, 2, 102)] == [
        NOTHING,
        NOTHING,
        "fgsm",
        "fgsm",
        "pgd",
        "pgd",
    ]


def test_each_attack_does_to_the_survivors_what_it_does_alone():
    """Float64, where rounding turns no sign."""
    model = toys.fresh("mlp", dtype=torch.float64)
    x, length = toys.random_beats(24, dtype=torch.float64)
    y = toys.predicted(model, x)
    y[0] = (y[0] + 1) % 5
    chance = BeatRandomness(3, np.arange(100, 124))
    eps = torch.linspace(0.01, 0.1, 24, dtype=torch.float64)
    whole = WorstCase("standard")(model, x, y, eps, length=length, randomness=chance)
    queries, left, found = torch.zeros_like(y), torch.ones(24, dtype=torch.bool), set()
    for (name, attack), first in zip(STRENGTHS["standard"].items(), first_steps("standard"), strict=False):
        alone = attack(model, x, y, eps, length=length, randomness=chance)
        queries[left] += alone.queries[left]
        fresh = left & (alone.step >= 0)
        assert torch.equal(whole.step[fresh], first + alone.step[fresh])
        torch.testing.assert_close(whole.x_adv[fresh], alone.x_adv[fresh], rtol=0, atol=1e-9)
        assert {broken_by("standard", int(step)) for step in whole.step[fresh]} <= {name}
        found |= {name} if fresh.any() else set()
        left &= ~fresh
    assert torch.equal(whole.step < 0, left)
    assert torch.equal(whole.queries, queries)
    assert len(found) > 1
    assert left.any()


def test_the_way_of_all_attacks_is_one(trained, right_beats):
    x, y = right_beats[0][:12], right_beats[1][:12]
    silent = WorstCase("pgd")(trained.network, x, y, 0.03)
    heard = []
    result = WorstCase("pgd")(
        trained.network, x, y, 0.03, record=True, progress=lambda *report: heard.append(report[:2])
    )
    outcome = result.trajectory
    assert torch.equal(silent.x_adv, result.x_adv)
    assert torch.equal(outcome.x_adv[-1], result.x_adv)
    assert (result.step < 0).any()
    assert len(outcome.loss) == 103
    assert heard == [(step, 102) for step in range(103)]
    for beat, step in enumerate(result.step.tolist()):
        wrong = outcome.logits[:, beat].argmax(1) != y[beat]
        assert int(wrong.int().argmax()) == max(step, 0)
        assert bool(wrong.any()) == (step >= 0)


def test_it_has_a_name_that_is_found():
    assert get_attack("worst-case") == WorstCase("standard")
    assert "worst-case" not in ATTACKS
    with pytest.raises(UserError, match="strength is 'more'; choose one of: fgsm, pgd, standard, full"):
        WorstCase("more")


def test_no_beats_are_attacked_in_vain():
    result = WorstCase("pgd")(toys.fresh("mlp"), torch.zeros(0, 187), torch.zeros(0, dtype=torch.int64), 0.1)
    assert len(result.x_adv) == len(result.step) == 0


# Oracles

REPOSITORY = Path(__file__).resolve().parents[2]
#: A network of the tests and two shipped ones whose gradients mislead, on demo beats.
CASES = [("trained", 0.01), ("trained", 0.05), ("mlp-loss2", 0.03), ("mlp-adv0.1", 0.05)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]} {case[1]}")
def contest(request, trained, demo_beats, demo_split):
    """A network, test beats that it gets right, and a noise level at which some withstand and some do not."""
    name, eps = request.param
    network = trained.network if name == "trained" else load_checkpoint(REPOSITORY / "checkpoints" / name).network
    x, y = (torch.from_numpy(values[demo_split.test]) for values in (demo_beats.x, demo_beats.y))
    right = toys.predicted(network, x) == y
    return network, x[right], y[right], eps


def withstand(model, x_adv, x, y, eps):
    """The share of beats that are still right; what leaves the budget does not count."""
    x_adv = Box.around(x, eps).clip(x_adv)
    return float((toys.predicted(model, x_adv) == y).float().mean())


def test_the_worst_case_is_not_above_foolbox(contest):
    """PGD on the cross-entropy, 100 steps of 2.5 eps / 100, ten starts."""
    foolbox = pytest.importorskip("foolbox")
    network, x, y, eps = contest
    torch.manual_seed(0)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.LinfPGD(rel_stepsize=0.025, steps=100, random_start=True)
    _, theirs, _ = attack.repeat(10)(model, x, y, epsilons=eps)
    ours = WorstCase("standard")(network, x, y, eps).x_adv
    allowed = withstand(network, theirs, x, y, eps) + 0.01
    assert withstand(network, ours, x, y, eps) <= allowed


def test_the_worst_case_is_not_above_an_autoattack_with_four_targets(contest):
    """APGD on the cross-entropy, APGD on the targeted DLR for four targets, FAB for four targets, Square with 2,000."""
    attacks = pytest.importorskip("torchattacks")
    network, x, y, eps = contest

    class AsImages(torch.nn.Module):
        def forward(self, images):
            return network(images.reshape(len(images), 187))

    images, model = x.reshape(-1, 1, 1, 187), AsImages().eval()
    left = torch.ones(len(x), dtype=torch.bool)
    for attack in (
        attacks.APGD(model, eps=eps, steps=100, loss="ce"),
        attacks.APGDT(model, eps=eps, steps=100, n_classes=5),
        attacks.FAB(model, eps=eps, steps=50, multi_targeted=True, n_classes=5),
        attacks.Square(model, eps=eps, n_queries=2000),
    ):
        theirs = Box.around(x, eps).clip(attack(images, y).reshape(-1, 187))
        left &= toys.predicted(network, theirs) == y
    ours = WorstCase("standard")(network, x, y, eps).x_adv
    assert 0 < float(left.float().mean()) < 1
    assert withstand(network, ours, x, y, eps) <= float(left.float().mean()) + 0.01


def test_every_strength_is_at_least_as_strong_as_the_one_before(trained, right_beats):
    x, y = right_beats[0][:60], right_beats[1][:60]
    before = torch.zeros(60, dtype=torch.bool)
    for strength in ("fgsm", "pgd", "standard"):
        broken = WorstCase(strength)(trained.network, x, y, 0.03).step >= 0
        assert not (before & ~broken).any()
        before = broken
    assert int(before.sum()) > int((FGSM()(trained.network, x, y, 0.03).step >= 0).sum())
