"""One beat at many noise levels, on networks whose smallest flipping level is known; beats that flip, and for whom."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
import toys
from toys import attack_beats

from nsr_core.attacks import ATTACKS, FGSM, PGD, SPSA, AttackResult, WorstCase
from nsr_core.attacks.base import Attack
from nsr_core.attacks.objectives import margin
from nsr_core.beat import sweep
from nsr_core.beat.attack import attack_beat
from nsr_core.beat.contrast import find_contrast
from nsr_core.beat.sweep import (
    FRAGILE_ATTACK,
    FRAGILE_BEATS,
    FRAGILE_EPS,
    REFINEMENT,
    SWEEP_EPS,
    find_fragile_beat,
    sweep_beat,
)
from nsr_core.certificates import certified_eps
from nsr_core.data import CLASSES
from nsr_core.evaluation.rows import as_tensors
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.training.config import paper_config

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
#: Evenly far apart, so that the refined levels are 0.001 apart.
SPACING = 0.01 / (REFINEMENT + 1)


def as_checkpoint(network):
    return Checkpoint(Path("toy"), network, paper_config("mlp", "ce"), {}, "0" * 12)


@dataclass(frozen=True)
class Window(Attack):
    """Puts every sample on its upper bound where eps lies between ``low`` and ``high``; leaves the beat elsewhere."""

    name: ClassVar[str] = "window"
    title: ClassVar[str] = "Window"
    summary: ClassVar[str] = "Works between two levels."

    low: float = 0.0
    high: float = 1.0

    def run(self, model, x, y, box, randomness, record, progress):
        works = (box.eps >= self.low) & (box.eps <= self.high)
        return AttackResult(torch.where(works, box.high, x), torch.full_like(y, -1), torch.ones_like(y))


@dataclass(frozen=True)
class Leap(Attack):
    """Returns ones, whatever the budget."""

    name: ClassVar[str] = "leap"
    title: ClassVar[str] = "Leap"
    summary: ClassVar[str] = "Out of the budget."

    def run(self, model, x, y, box, randomness, record, progress):
        return AttackResult(torch.ones_like(x), torch.zeros_like(y), torch.ones_like(y))


@pytest.fixture
def flat(beats_of):
    """``flat(*levels)``: beats of class 0 in float64, each the same everywhere, with 100 samples of signal."""
    return lambda *levels, y=None: beats_of(np.repeat(np.array(levels)[:, None], 187, axis=1), y or [0] * len(levels))


def slope(seed=0):
    """(187,) a direction with both signs."""
    return torch.randn(187, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def linear(difference, smallest):
    """A checkpoint that reads a flat beat at 0.5 as class 0, and as class 1 from a noise level above ``smallest`` on."""
    offset = float((0.5 * difference).sum() + smallest * difference.abs().sum())
    return as_checkpoint(toys.two_class(difference, offset))


def padding_only(smallest):
    """The same, but it looks at the padding of a beat with 100 samples of signal, and at nothing else."""
    difference = torch.zeros(187, dtype=torch.float64)
    difference[100:] = 1
    return linear(difference, smallest)


# The sweep


@pytest.mark.parametrize("attack", [PGD(steps=80), PGD(steps=80, move="sign"), FGSM()], ids=["adamax", "sign", "fgsm"])
@pytest.mark.parametrize("smallest", [0.0004, 0.0437, 0.1999, 0.29995])
def test_the_smallest_level_of_a_linear_network_is_found_to_the_refinement(flat, attack, smallest):
    """z_1 - z_0 grows by |w|_1 times eps: 0.0437 flips at 0.044, the next level of the refined grid."""
    swept = sweep_beat(linear(slope(), smallest), attack, flat(0.5), 0)
    assert smallest < swept.smallest <= smallest + SPACING + 1e-12
    assert swept.smallest == pytest.approx(np.ceil(smallest / SPACING) * SPACING)
    assert (swept.label == np.where(swept.eps > smallest, "S", "N")).all()


def test_the_grid_is_finer_around_the_first_flip_and_nowhere_else(flat):
    swept = sweep_beat(linear(slope(), 0.0437), FGSM(), flat(0.5), 0)
    assert swept.eps == pytest.approx(np.sort([*SWEEP_EPS, *np.arange(0.041, 0.0495, 0.001)]))
    assert swept.eps.shape == swept.p_true.shape == swept.label.shape == (len(SWEEP_EPS) + REFINEMENT,)


def test_the_beat_of_each_level_is_within_it_and_read_as_said(flat):
    """What the Beat lab draws while the noise is turned up: on a linear network FGSM uses all of each level."""
    beats = flat(0.5)
    checkpoint = linear(slope() / 20, 0.1)
    swept = sweep_beat(checkpoint, FGSM(), beats, 0)
    assert np.abs(swept.x_adv - beats.x[0]).max(axis=1) == pytest.approx(swept.eps)
    with torch.inference_mode():
        again = checkpoint.network(torch.from_numpy(swept.x_adv)).softmax(1).numpy()
    assert swept.probabilities == pytest.approx(again)


def test_the_probability_is_the_true_class_s(flat):
    """By FGSM on a linear network: z_0 - z_1 = (smallest - eps) |w|_1."""
    difference = slope() / 20
    swept = sweep_beat(linear(difference, 0.1), FGSM(), flat(0.5), 0)
    margin = (0.1 - swept.eps) * float(difference.abs().sum())
    assert swept.p_true == pytest.approx(1 / (1 + np.exp(-margin)))
    of_the_other = sweep_beat(linear(difference, 0.1), Window(low=2.0), flat(0.5, y=[1]), 0)
    assert of_the_other.p_true == pytest.approx(np.full(31, 1 - swept.p_true[0]))


def test_signal_only_counts_the_signal_s_weights_only(flat):
    """100 of the samples are signal: the smallest level grows by the share of |w|_1 that the padding held."""
    difference = slope()
    checkpoint = linear(difference, 0.05)
    expected = 0.05 * float(difference.abs().sum() / difference[:100].abs().sum())
    swept = sweep_beat(checkpoint, FGSM(), flat(0.5), 0, signal_only=True)
    assert 0.06 < expected < swept.smallest <= expected + SPACING


@pytest.mark.parametrize("signal_only", [False, True])
def test_a_beat_that_is_misread_needs_no_noise(flat, signal_only):
    swept = sweep_beat(linear(slope(), -0.05), FGSM(), flat(0.5), 0, signal_only=signal_only)
    assert swept.smallest == 0
    assert swept.eps.tolist() == list(SWEEP_EPS)
    assert set(swept.label) == {"S"}


def test_a_beat_that_never_flips_has_no_smallest_level(flat):
    swept = sweep_beat(linear(slope(), 0.31), FGSM(), flat(0.5), 0)
    assert np.isnan(swept.smallest)
    assert swept.eps.tolist() == list(SWEEP_EPS)
    assert set(swept.label) == {"N"}


def test_the_first_flip_counts_though_the_attack_misses_later(flat):
    checkpoint = linear(slope().abs(), 0.02)
    swept = sweep_beat(checkpoint, Window(low=0.0557, high=0.1111), flat(0.5), 0)
    assert swept.smallest == pytest.approx(0.056)
    assert (swept.label == np.where((swept.eps > 0.0557) & (swept.eps < 0.1111), "S", "N")).all()


def test_a_grid_that_starts_with_a_flip_has_nothing_before_it_to_refine(flat):
    swept = sweep_beat(linear(slope(), 0.05), FGSM(), flat(0.5), 0, (0.1, 0.2))
    assert swept.smallest == 0.1
    assert swept.eps.tolist() == [0.1, 0.2]


def test_an_attack_that_leaves_the_budget_gains_nothing_by_it(flat):
    """All ones break the beat; clipped to the budget they are eps above it, which is enough from 0.0437 on."""
    swept = sweep_beat(linear(slope().abs(), 0.0437), Leap(), flat(0.5), 0)
    assert swept.smallest == pytest.approx(0.044)
    assert np.isfinite(sweep_beat(padding_only(0.01), Leap(), flat(0.5), 0).smallest)
    assert np.isnan(sweep_beat(padding_only(0.01), Leap(), flat(0.5), 0, signal_only=True).smallest)


@pytest.fixture
def exact(trained, demo_beats):
    """The trained network and 40 demo beats in float64, where rounding turns no sign."""
    network = toys.fresh("mlp", dtype=torch.float64)
    network.load_state_dict(trained.network.state_dict())
    beats = demo_beats[np.arange(0, 1000, 25)]
    return replace(trained, network=network), replace(beats, x=beats.x.astype(np.float64))


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("signal_only", [False, True])
def test_each_level_is_what_attack_beat_says_there(exact, name, signal_only):
    checkpoint, beats = exact
    attack = SPSA(steps=10, samples=64) if name == "spsa" else toys.short(ATTACKS[name])
    with torch.no_grad():
        lead = -margin(checkpoint.network(torch.from_numpy(beats.x)), torch.from_numpy(beats.y))
    row = int(torch.where(lead > 0, lead, torch.inf).argmin())  # the one that is nearest to flipping
    settings = {"seed": 7, "signal_only": signal_only}
    swept = sweep_beat(checkpoint, attack, beats, row, (0.0, 0.01, 0.05, 0.2, 0.3), **settings)
    assert np.isfinite(swept.smallest)
    assert len(swept.eps) == 5 + REFINEMENT
    for eps, p_true, label in zip(swept.eps, swept.p_true, swept.label, strict=True):
        result = attack_beat(checkpoint, attack, beats, row, float(eps), **settings)
        assert label == result.class_after
        assert p_true == pytest.approx(result.after[beats.y[row]], abs=1e-9)


# A beat that flips early


def by_brute_force(checkpoint, beats, rows, **settings):
    """{row: (level, step)} of the first level at which the short attack flips each beat that is read correctly."""
    table = attack_beats(checkpoint.network, beats, rows, FRAGILE_ATTACK, "pgd", FRAGILE_EPS, **settings)
    first: dict[int, tuple[float, int]] = {}
    for (_, part), _ in zip(table.groupby("eps"), FRAGILE_EPS, strict=True):
        for row, eps, step in zip(rows, part["eps"], part["step"], strict=True):
            if step >= 0:
                first.setdefault(int(row), (eps, step))
    return first


@pytest.mark.parametrize("signal_only", [False, True])
def test_the_fragile_beat_is_the_one_that_brute_force_finds(trained, demo_beats, signal_only):
    """Among demo beats of every class: first level at which any flips, then fewest steps."""
    rows = np.arange(2, 1000, 13)
    first = by_brute_force(trained, demo_beats, rows, seed=3, signal_only=signal_only)
    found = find_fragile_beat(trained, demo_beats, rows, seed=3, signal_only=signal_only)
    assert len(set(first.values())) > 3
    assert first[found] == min(first.values())
    result = attack_beat(trained, FRAGILE_ATTACK, demo_beats, found, first[found][0], seed=3, signal_only=signal_only)
    assert result.flipped


def test_a_fragile_beat_is_read_correctly_and_flips_before_the_others(flat):
    """By slope 1 on every sample the smallest levels are 0.5 - level: -0.1 (misread), 0.04, 0.012, 0.016, 0.3."""
    checkpoint = linear(torch.ones(187, dtype=torch.float64), 0.0)
    beats = flat(0.6, 0.46, 0.488, 0.484, 0.2)
    for seed in range(3):
        assert find_fragile_beat(checkpoint, beats, np.arange(5), seed=seed) == 2
    assert find_fragile_beat(checkpoint, beats, np.array([0, 4, 1, 3])) == 3
    assert find_fragile_beat(checkpoint, beats, np.array([4, 1])) == 1


@pytest.mark.parametrize("rows", [[], [0], [1], [0, 1]], ids=["none", "misread", "sturdy", "both"])
def test_there_may_be_no_fragile_beat(flat, rows):
    """The first is misread, the second would flip at 0.11 only."""
    checkpoint = linear(torch.ones(187, dtype=torch.float64), 0.0)
    assert find_fragile_beat(checkpoint, flat(0.6, 0.39), np.array(rows, int)) is None


def test_a_beat_that_flips_by_its_padding_is_not_fragile_where_that_stays(flat):
    checkpoint = padding_only(0.015)
    assert find_fragile_beat(checkpoint, flat(0.5), np.array([0])) == 0
    assert find_fragile_beat(checkpoint, flat(0.5), np.array([0]), signal_only=True) is None


def test_so_many_of_the_beats_are_tried_and_all_chance_is_the_seed_s(trained, demo_beats, monkeypatch):
    tried = []

    @dataclass(frozen=True)
    class Watched(Window):
        def run(self, model, x, y, box, randomness, record, progress):
            tried.append((randomness.seed, set(randomness.beats.tolist())))
            return super().run(model, x, y, box, randomness, record, progress)

    monkeypatch.setattr(sweep, "FRAGILE_ATTACK", Watched(low=2.0))
    rows = np.arange(100, 900)
    for seed in (0, 0, 1):
        assert find_fragile_beat(trained, demo_beats, rows, seed=seed) is None
    levels = len(FRAGILE_EPS)
    assert [seed for seed, _ in tried] == [0] * 2 * levels + [1] * levels
    first, again, other = (tried[run * levels][1] for run in range(3))
    assert 100 < len(first) <= FRAGILE_BEATS
    assert first <= set(rows.tolist())
    assert first == again != other


# A beat that one network loses and another keeps


@pytest.fixture(scope="module")
def pair():
    """Cross-entropy, and the method of the paper."""
    return load_checkpoint(SHIPPED / "mlp-ce"), load_checkpoint(SHIPPED / "mlp-loss2")


def contrasts(weak, strong, attack, beats, rows, eps):
    """{row: (weak's, strong's attack)} of the beats that flip for one only, attacked one by one."""
    result = {
        int(row): [attack_beat(checkpoint, attack, beats, row, eps, signal_only=True) for checkpoint in (weak, strong)]
        for row in rows
    }
    return {
        row: (one, other)
        for row, (one, other) in result.items()
        if one.flipped and other.class_before == other.true_class == other.class_after
    }


def test_the_contrast_flips_for_the_weak_network_and_for_the_strong_one_under_no_attack(pair, demo_beats):
    """Of those that brute force finds it is the best that withstands all attacks: read as normal by the weak network, then
    the surest readings. None is certified at this level, so the worst case decides."""
    attack, rows = PGD(steps=10), np.arange(4, 1000, 20)
    found = find_contrast(*pair, attack, demo_beats, rows, 0.05)
    possible = contrasts(*pair, attack, demo_beats, rows, 0.05)
    assert 2 < len(possible) < len(rows)

    def liking(row):
        one, other = possible[row]
        return one.class_after == "N", one.before.max() + other.after.max()

    def withstands(row):
        return not attack_beat(pair[1], WorstCase(), demo_beats, row, 0.05, signal_only=True).flipped

    best_first = sorted(possible, key=liking, reverse=True)
    assert {liking(row)[0] for row in possible} == {True, False}
    x, y, length = as_tensors(demo_beats, np.array(best_first))
    assert (certified_eps(pair[1].network, x, y, length=length) < 0.05).all()
    assert found == next(row for row in best_first if withstands(row))


@pytest.mark.parametrize("label", CLASSES)
def test_the_contrast_is_one_of_the_rows_that_were_given(pair, demo_beats, label):
    rows = np.flatnonzero(demo_beats.y == CLASSES.index(label))[::4]
    found = find_contrast(*pair, PGD(steps=5), demo_beats, rows, 0.05)
    assert found is None or found in rows.tolist()


def test_there_may_be_no_contrast(pair, demo_beats):
    """Not between a network and itself, not without noise, not where there are no beats."""
    (weak, strong), rows = pair, np.arange(4, 1000, 40)
    assert find_contrast(weak, weak, PGD(steps=5), demo_beats, rows, 0.1) is None
    assert find_contrast(weak, strong, PGD(steps=5), demo_beats, rows, 0.0) is None
    assert find_contrast(weak, strong, PGD(steps=5), demo_beats, rows[:0], 0.1) is None


def threshold(level, sign=1):
    """A checkpoint that reads flat beats above ``level`` as class 1 (below it by ``sign`` -1), the others as class 0."""
    return as_checkpoint(toys.two_class(sign * torch.ones(187, dtype=torch.float64), sign * 187 * level))


def test_a_beat_that_the_weak_network_misreads_without_noise_is_no_contrast(flat):
    """Noise 0.02 upwards: the first beat is lost already, the second is lost by it, the third never."""
    weak, strong, beats = threshold(0.5), threshold(0.55), flat(0.51, 0.49, 0.3)
    assert find_contrast(weak, strong, Window(), beats, np.array([0, 2]), 0.02) is None
    assert find_contrast(weak, strong, Window(), beats, np.arange(3), 0.02) == 1
    assert find_contrast(weak, strong, FGSM(), beats, np.arange(3), 0.06) == 1
    assert find_contrast(weak, strong, FGSM(), beats, np.array([0, 2]), 0.06) is None
    assert find_contrast(strong, weak, FGSM(), beats, np.arange(3), 0.06) is None


def test_a_beat_that_only_the_noise_puts_right_is_no_contrast(flat):
    """Upwards both cross 0.5: the weak network loses the beat there, the other one, wrong before, gains it."""
    beats = flat(0.49)
    assert find_contrast(threshold(0.5), threshold(0.5, -1), Window(), beats, np.array([0]), 0.05) is None
    assert find_contrast(threshold(0.5), threshold(0.3, -1), Window(), beats, np.array([0]), 0.05) == 0


def test_the_contrast_leaves_the_padding(flat):
    """A weak network that looks at the padding only cannot be flipped."""
    strong = linear(slope(), 0.3)
    assert find_contrast(linear(slope(), 0.01), strong, FGSM(), flat(0.5), np.array([0]), 0.05) == 0
    assert find_contrast(padding_only(0.01), strong, FGSM(), flat(0.5), np.array([0]), 0.05) is None


def test_raising_from_progress_stops_the_sweep(demo_beats, trained):
    class Enough(BaseException):
        pass

    heard = []

    def stop(done, total, what):
        heard.append(done)
        if len(heard) == 5:
            raise Enough

    with pytest.raises(Enough):
        sweep_beat(trained, PGD(steps=100), demo_beats, 0, progress=stop)
    assert len(heard) == 5
