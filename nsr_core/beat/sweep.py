"""One beat at many noise levels at once, and beats that take little noise to flip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nsr_core.attacks import PGD, Attack, BeatRandomness
from nsr_core.data import CLASSES, Beats
from nsr_core.evaluation.judge import Judgement, judge
from nsr_core.evaluation.rows import as_tensors, read_correctly
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress
from nsr_core.training.checkpoint import Checkpoint

SWEEP_EPS = tuple(np.round(np.linspace(0, 0.3, 31), 3).tolist())
#: Levels tried between the last that held and the first that flipped.
REFINEMENT = 9
#: How a beat that flips early is looked for: a short attack at small levels on some of the beats.
FRAGILE_ATTACK = PGD(steps=20)
FRAGILE_EPS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
FRAGILE_BEATS = 200


@dataclass(frozen=True)
class Sweep:
    """What an attack makes of one beat as the noise grows.

    Attributes:
        eps: (levels,) ascending; the given grid and, around the first flip, some levels more.
        x_adv: (levels, 187) the attacked beat, in [0, 1].
        probabilities: (levels, 5) of the classes on it.
        true_class: the beat's class.
        smallest: the smallest level at which the attack succeeded; the grid's first where the beat is misread without noise,
            NaN where no level was enough. An attack may miss at a larger level what it found at a smaller one.
    """

    eps: np.ndarray
    x_adv: np.ndarray
    probabilities: np.ndarray
    true_class: str
    smallest: float

    @property
    def p_true(self) -> np.ndarray:
        """(levels,) probability of the true class."""
        return np.asarray(self.probabilities[:, CLASSES.index(self.true_class)])

    @property
    def label(self) -> np.ndarray:
        """(levels,) str, what the beat is read as."""
        return np.asarray(np.array(CLASSES)[self.probabilities.argmax(1)])


def sweep_beat(
    checkpoint: Checkpoint,
    attack: Attack,
    beats: Beats,
    row: int,
    eps_grid: Sequence[float] = SWEEP_EPS,
    *,
    seed: int = 0,
    signal_only: bool = False,
    progress: Progress = no_progress,
) -> Sweep:
    """Attack one beat at every level of a grid, in one batch, then more finely around its first flip.

    >>> from nsr_core.attacks import PGD
    >>> from nsr_core.data import load_beats
    >>> from nsr_core.training.checkpoint import load_checkpoint
    >>> swept = sweep_beat(load_checkpoint("checkpoints/mlp-ce"), PGD(steps=20), load_beats("demo"), 3, (0.0, 0.05, 0.1))
    >>> str(swept.label[0]), str(swept.label[-1]), 0 < swept.smallest < 0.05
    ('V', 'F', True)

    The chance is that of ``attack_beat``: at each level the result is the same as there, up to rounding.

    Args:
        eps_grid: ascending noise levels, in units of the beat's range.
        progress: called at every step of the attack; raising from it stops the sweep.
    """
    network, y = checkpoint.network, beats.y[row]
    eps = np.asarray(eps_grid, float)
    x_adv, probabilities = _at_levels(network, attack, beats, row, eps, seed, signal_only, progress)
    flipped = probabilities.argmax(1) != y
    if flipped.any() and (first := int(flipped.argmax())) > 0:
        between = np.linspace(eps[first - 1], eps[first], REFINEMENT + 2)[1:-1]
        finer = _at_levels(network, attack, beats, row, between, seed, signal_only, progress)
        eps = np.insert(eps, first, between)
        x_adv = np.insert(x_adv, first, finer[0], axis=0)
        probabilities = np.insert(probabilities, first, finer[1], axis=0)
        flipped = probabilities.argmax(1) != y
    return Sweep(eps, x_adv, probabilities, CLASSES[y], _first(eps, flipped))


def _first(eps: np.ndarray, flipped: np.ndarray) -> float:
    return float(eps[flipped.argmax()]) if flipped.any() else np.nan


def _at_levels(
    network: Network,
    attack: Attack,
    beats: Beats,
    row: int,
    eps: np.ndarray,
    seed: int,
    signal_only: bool,
    progress: Progress = no_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """One beat attacked at each level: (levels, 187) the beats and (levels, 5) their probabilities."""
    rows = np.full(len(eps), row)
    judged = attacked(network, attack, beats, rows, torch.from_numpy(eps), seed, signal_only, progress)
    return judged.x_adv.numpy(), judged.logits.softmax(1).numpy()


def attacked(
    network: Network,
    attack: Attack,
    beats: Beats,
    rows: np.ndarray,
    eps: float | Tensor,
    seed: int,
    signal_only: bool,
    progress: Progress = no_progress,
) -> Judgement:
    """Some beats under an attack, and what the network makes of them."""
    x, y, signal = as_tensors(beats, rows)
    length = signal if signal_only else None
    result = attack(network, x, y, eps, length=length, randomness=BeatRandomness(seed, rows), progress=progress)
    return judge(network, x, y, eps, length, result.x_adv)


def find_fragile_beat(
    checkpoint: Checkpoint, beats: Beats, rows: np.ndarray, *, seed: int = 0, signal_only: bool = False
) -> int | None:
    """A beat that is read correctly and flips under little noise; None where none does at 0.1.

    Up to 200 of the beats, drawn with ``seed``, are attacked by 20-PGD at growing levels; of those that flip at the first
    level where any does, the one that took the fewest steps.

    Args:
        rows: the beats to look among.
    """
    drawn = np.random.default_rng(seed).permutation(rows)[:FRAGILE_BEATS]
    drawn = drawn[read_correctly(checkpoint.network, beats, drawn)]
    x, y, signal = as_tensors(beats, drawn)
    length = signal if signal_only else None
    for eps in FRAGILE_EPS if len(drawn) else ():
        step = FRAGILE_ATTACK(
            checkpoint.network, x, y, eps, length=length, randomness=BeatRandomness(seed, drawn)
        ).step.numpy()
        if (step >= 0).any():
            return int(drawn[np.where(step >= 0, step, np.iinfo(step.dtype).max).argmin()])
    return None
