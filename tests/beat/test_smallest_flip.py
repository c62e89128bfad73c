"""The smallest noise that changes a reading, on networks where it is known, and beside what is proved on those that ship."""

import threading
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
import toys

from nsr_core.attacks import AttackResult
from nsr_core.attacks.base import Attack
from nsr_core.beat.smallest_flip import LARGEST, SMALLEST, TOLERANCE, smallest_flips
from nsr_core.certificates import certified_eps
from nsr_core.models import NETWORKS
from nsr_core.training.checkpoint import load_checkpoint
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow

LENGTH = 100
#: What is found lies at most so many times above a level that was tried without success.
WITHIN = 1 / (1 - TOLERANCE)


@dataclass(frozen=True)
class Counting(Attack):
    """Raises every signal sample to its upper bound; notes the level of each beat that it is asked for."""

    name: ClassVar[str] = "counting"
    title: ClassVar[str] = "Counting"
    summary: ClassVar[str] = "Notes what it is asked for."
    asked: ClassVar[list] = []

    def run(self, model, x, y, box, randomness, record, progress):
        self.asked.append((randomness.beats.tolist(), box.eps.reshape(-1).tolist()))
        return AttackResult(box.high, torch.full_like(y, -1), torch.ones_like(y))


@dataclass(frozen=True)
class Cheat(Attack):
    """Returns ones everywhere, whatever the budget, and says that it won."""

    name: ClassVar[str] = "cheat"
    title: ClassVar[str] = "Cheat"
    summary: ClassVar[str] = "Out of the budget."

    def run(self, model, x, y, box, randomness, record, progress):
        return AttackResult(torch.ones_like(x), torch.zeros_like(y), torch.ones_like(y))


@pytest.fixture
def asked():
    Counting.asked.clear()
    return Counting.asked


@pytest.fixture
def inner_beats(beats_of):
    """20 beats in float64 with 100 samples of signal between 0.31 and 0.69, so that noise up to 0.3 is never clipped."""
    x = np.random.default_rng(0).uniform(0.31, 0.69, (20, 187))
    x[:, LENGTH:] = 0
    return beats_of(x, [0] * 20)


@pytest.fixture
def flat(beats_of):
    """``flat(*levels)``: beats that are the same everywhere, padding included."""
    return lambda *levels: beats_of(np.repeat(np.array(levels)[:, None], 187, axis=1), [0] * len(levels))


def closed_form(network, x):
    """(n,) margin / |w_y - w_i|_1 over the signal, of the rival i that is nearest."""
    weight = network.weight.detach().numpy()
    logits = x @ weight.T + network.bias.detach().numpy()
    exact = []
    for row, y in zip(logits, logits.argmax(axis=1), strict=True):
        rivals = [i for i in range(len(row)) if i != y]
        exact.append(min((row[y] - row[i]) / np.abs(weight[y] - weight[i])[:LENGTH].sum() for i in rivals))
    return np.array(exact)


def rising(smallest):
    """Reads a flat beat at 0.5 as class 0, and as class 1 where its signal rises by more than ``smallest``."""
    difference = torch.zeros(187, dtype=torch.float64)
    difference[:LENGTH] = 1
    return toys.two_class(difference, LENGTH * (0.5 + smallest))


# What is found


def test_on_a_linear_network_it_is_the_margin_over_the_weights_of_the_signal(inner_beats):
    """Never below it, for less noise cannot do it; above it by the search's tolerance at most."""
    network = toys.random_linear()
    exact = closed_form(network, inner_beats.x)
    result = smallest_flips(network, inner_beats)
    assert 10 * exact.min() < exact.max() < LARGEST
    assert result.dtype == np.float64
    assert (result >= exact).all()
    assert (result <= np.maximum(exact, SMALLEST) * WITHIN * 1.001).all()


@pytest.mark.parametrize("smallest", [0.0006, 0.0031, 0.0299, 0.0301, 0.0899, 0.0901, 0.2699, 0.2701, 0.2999])
def test_levels_beside_those_that_are_tried_first_are_found_as_well(flat, smallest):
    """0.03, 0.09, 0.27 and 0.3 are tried in turn; downwards a third each time."""
    (result,) = smallest_flips(rising(smallest), flat(0.5))
    assert smallest < result <= smallest * WITHIN


def test_where_nothing_up_to_03_does_it_there_is_none(flat):
    result = smallest_flips(rising(0.3), flat(0.5, 0.45, 0.51, 0.2))
    assert np.isnan(result).tolist() == [True, True, False, True]
    assert result[2] == pytest.approx(0.29, rel=TOLERANCE + 0.02)


def test_a_reading_that_next_to_nothing_changes_is_not_looked_at_closer(flat):
    """The search ends below 0.0005, still above what is needed."""
    (result,) = smallest_flips(rising(1e-5), flat(0.5))
    assert 1e-5 < result <= SMALLEST


def test_what_is_read_is_to_be_changed_not_what_is_true(flat):
    """All labels are 0; the beat at 0.6 is read as class 1 and changes downwards."""
    beats = flat(0.45, 0.6)
    result = smallest_flips(rising(0.0), beats)
    assert (result >= [0.05, 0.1]).all()
    assert (result <= np.array([0.05, 0.1]) * WITHIN * 1.001).all()
    np.testing.assert_array_equal(result, smallest_flips(rising(0.0), replace(beats, y=np.array([3, 4]))))


def test_padding_is_left_alone(flat):
    """A network that looks at the padding and at nothing else cannot be changed, nor by an attack that cheats."""
    difference = torch.zeros(187, dtype=torch.float64)
    difference[LENGTH:] = 1
    network = toys.two_class(difference, 0.51 * 87)
    assert np.isnan(smallest_flips(network, flat(0.5))).all()
    assert np.isnan(smallest_flips(network, flat(0.5), attack=Cheat())).all()


def test_noise_beyond_0_and_1_does_not_count(flat):
    """From 0.9 upwards a beat reaches 1: what would take 0.2 more cannot be had, what takes 0.05 can."""
    assert np.isnan(smallest_flips(rising(0.6), flat(0.9))).all()
    (result,) = smallest_flips(rising(0.45), flat(0.9))
    assert 0.05 < result <= 0.05 * WITHIN


def test_an_attack_that_leaves_its_budget_gains_nothing_by_it(flat):
    """Ones everywhere, brought back into the budget: as good as the best attack on this network."""
    (result,) = smallest_flips(rising(0.04), flat(0.5), attack=Cheat())
    assert 0.04 < result <= 0.04 * WITHIN


def test_no_beats_have_no_answer(flat):
    assert smallest_flips(rising(0.1), flat(0.5)[:0]).shape == (0,)


# How it looks


def test_each_beat_is_tried_at_levels_of_its_own(flat, asked):
    """Beats that flip at 0.05, 0.005 and never: up by three to 0.3, down by three, then between by the geometric mean."""
    smallest_flips(rising(0.0), flat(0.45, 0.495, 0.1), attack=Counting())
    levels = {0: [], 1: [], 2: []}
    for beats, eps in asked:
        for beat, level in zip(beats, eps, strict=True):
            levels[beat].append(level)
    mean = np.sqrt(0.03 * 0.09)
    assert levels[0][:4] == pytest.approx([0.03, 0.09, mean, np.sqrt(0.03 * mean)])
    assert levels[1][:4] == pytest.approx([0.03, 0.01, 0.01 / 3, np.sqrt(0.01 / 3 * 0.01)])
    assert levels[2] == pytest.approx([0.03, 0.09, 0.27, 0.3])
    assert max(map(len, levels.values())) <= 10


def test_what_comes_out_does_not_depend_on_workers_or_company(inner_beats, monkeypatch):
    """In batches of 512 and 2, by one worker and by two, and each half alone."""
    network, beats = toys.random_linear(1), inner_beats[:6]
    result = smallest_flips(network, beats, workers=1)
    halves = [smallest_flips(network, beats[half]) for half in (slice(0, 3), slice(3, 6))]
    np.testing.assert_allclose(np.concatenate(halves), result, rtol=1e-6)
    monkeypatch.setattr(NETWORKS["mlp"], "batch_size", 2)
    for workers in (1, 2):
        np.testing.assert_allclose(smallest_flips(network, beats, workers=workers), result, rtol=1e-6)


def test_the_same_seed_gives_the_same_and_leaves_all_as_it_was(demo_beats):
    network, beats = load_checkpoint(REPOSITORY / "checkpoints" / "mlp-ce").network, demo_beats[::250]
    x, weights = beats.x.copy(), {name: value.clone() for name, value in network.state_dict().items()}
    first, again = (smallest_flips(network, beats, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(beats.x, x)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert not network.training


# Progress


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_is_told_in_beats_up_to_the_end(inner_beats, monkeypatch, workers):
    monkeypatch.setattr(NETWORKS["mlp"], "batch_size", 8)
    seen = []

    def progress(done, total, what):
        seen.append((done, total))

    smallest_flips(toys.random_linear(), inner_beats, attack=Counting(), workers=workers, progress=progress)
    assert seen == [(8, 20), (16, 20), (20, 20)]


class Enough(Exception):
    pass


class Slow(Counting):
    """Takes its time, so that on a busy machine the search is not over before the one who watches it has a turn."""

    def run(self, *arguments):
        time.sleep(0.05)
        return super().run(*arguments)


@pytest.mark.parametrize("workers", [1, 2])
def test_raising_from_progress_stops_the_search(inner_beats, monkeypatch, asked, workers):
    """Batches that have not begun never do, and no thread is left behind."""
    monkeypatch.setattr(NETWORKS["mlp"], "batch_size", 1)

    def stop(done, total, what):
        raise Enough

    before = threading.active_count()
    with pytest.raises(Enough):
        smallest_flips(toys.random_linear(), inner_beats, attack=Slow(), workers=workers, progress=stop)
    assert threading.active_count() == before
    assert len({beats[0] for beats, _ in asked}) < len(inner_beats)


def test_an_error_in_the_attack_comes_out(flat):
    network = rising(0.1).train()
    with pytest.raises(ValueError, match="training mode"):
        smallest_flips(network, flat(0.5))


# The networks that ship


@pytest.mark.parametrize("name", ["mlp-ce", "mlp-loss2", "mlp-adv0.2"])
def test_nothing_is_found_below_what_is_proved(demo_beats, name):
    """On 25 demo beats."""
    network, beats = load_checkpoint(REPOSITORY / "checkpoints" / name).network, demo_beats[::40]
    result = smallest_flips(network, beats)
    x, length = torch.from_numpy(beats.x), torch.from_numpy(beats.length.astype(np.int64))
    proved = certified_eps(network, x, toys.predicted(network, x), length=length).numpy()
    found = np.isfinite(result)
    assert found.mean() > 0.9
    assert (proved > 0).any()
    assert (proved[found] < result[found]).all()


def test_the_cnn_is_searched_as_well(beats_of):
    x, _ = toys.random_beats(3)
    network = toys.fresh("cnn")
    result = smallest_flips(network, beats_of(x.numpy(), [0] * 3))
    assert result.shape == (3,)
    assert ((result > 0) | np.isnan(result)).all()


def test_a_stop_is_heeded_within_a_batch(inner_beats):
    """One batch, whose attack never ends by itself."""

    class Enough(BaseException):
        pass

    @dataclass(frozen=True)
    class Endless(Attack):
        name: ClassVar[str] = "endless"
        title: ClassVar[str] = "Endless"
        summary: ClassVar[str] = "Goes on until it is stopped."

        def run(self, model, x, y, box, randomness, record, progress):
            while True:
                progress(0, 1, "on and on")

    def stop(done, total, what):
        raise Enough

    with pytest.raises(Enough):
        smallest_flips(toys.random_linear(), inner_beats, attack=Endless(), progress=stop)
