"""One beat at many noise levels at once, and beats that take little noise to flip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nsr_core.attacks import PGD, Attack, BeatRandomness
from nsr_core.data import CLASSES, Beats
from nsr_core.evaluation.judge import judge
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
        p_true: (levels,) probability of the true class on the attacked beat.
        label: (levels,) str, what it is read as.
        smallest: the smallest level at which the attack succeeded; the grid's first where the beat is misread without noise,
            NaN where no level was enough. An attack may miss at a larger level what it found at a smaller one.
    """

    eps: np.ndarray
    p_true: np.ndarray
    label: np.ndarray
    smallest: float


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

    The chance is that of ``attack_beat``: at each level the result is the same as there, up to rounding.

    Args:
        eps_grid: ascending noise levels, in units of the beat's range.
        progress: called at every step of the attack; raising from it stops the sweep.
    """
    network, y = checkpoint.network, beats.y[row]
    eps = np.asarray(eps_grid, float)
    p_true, label = _at_levels(network, attack, beats, row, eps, seed, signal_only, progress)
    flipped = label != y
    if flipped.any() and (first := int(flipped.argmax())) > 0:
        between = np.linspace(eps[first - 1], eps[first], REFINEMENT + 2)[1:-1]
        finer = _at_levels(network, attack, beats, row, between, seed, signal_only, progress)
        eps = np.insert(eps, first, between)
        p_true, label = np.insert(p_true, first, finer[0]), np.insert(label, first, finer[1])
    return Sweep(eps, p_true, np.array(CLASSES)[label], _first(eps, label != y))


def smallest_flip(
    network: Network,
    attack: Attack,
    beats: Beats,
    row: int,
    eps_grid: Sequence[float] | np.ndarray,
    *,
    seed: int = 0,
    signal_only: bool = False,
) -> float:
    """The smallest of the levels, ascending, at which an attack flips a beat; NaN where it does at none."""
    eps = np.asarray(eps_grid, float)
    _, label = _at_levels(network, attack, beats, row, eps, seed, signal_only)
    return _first(eps, label != beats.y[row])


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
    """Probability of the true class and predicted class of one beat attacked at each level."""
    rows = np.full(len(eps), row)
    levels = torch.from_numpy(eps)
    probabilities = attacked_probabilities(network, attack, beats, rows, levels, seed, signal_only, progress)
    return probabilities[:, beats.y[row]].numpy(), probabilities.argmax(1).numpy()


def attacked_probabilities(
    network: Network,
    attack: Attack,
    beats: Beats,
    rows: np.ndarray,
    eps: float | Tensor,
    seed: int,
    signal_only: bool,
    progress: Progress = no_progress,
) -> Tensor:
    """(rows, 5) probabilities of the attacked beats."""
    x, y, signal = as_tensors(beats, rows)
    length = signal if signal_only else None
    result = attack(network, x, y, eps, length=length, randomness=BeatRandomness(seed, rows), progress=progress)
    return judge(network, x, y, eps, length, result.x_adv).logits.softmax(1)


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
