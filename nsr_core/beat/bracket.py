"""What is known of one beat: proved up to here, broken from there, and by which attack."""

from dataclasses import dataclass

import numpy as np
import torch

from nsr_core.attacks import BeatRandomness, WorstCase
from nsr_core.attacks.worst_case import broken_by
from nsr_core.beat.sweep import REFINEMENT, SWEEP_EPS
from nsr_core.certificates import can_be_certified, certified_eps
from nsr_core.data import Beats
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.rows import as_tensors, is_read_correctly
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress


@dataclass(frozen=True)
class BeatBracket:
    """A beat between proof and break, in units of its range.

    Attributes:
        certified: no noise up to this level flips it, proved; 0 where it is misread without noise, NaN where there is no
            certificate for the network.
        broken: the smallest level at which an attack flipped it; 0 where it is misread without noise, NaN where none did.
        by: which attack that was; empty where none.
        most: the largest level that was tried.
    """

    certified: float
    broken: float
    by: str
    most: float


def bracket_beat(
    network: Network,
    beats: Beats,
    row: int,
    *,
    strength: str = "standard",
    seed: int = 0,
    signal_only: bool = False,
    progress: Progress = no_progress,
) -> BeatBracket:
    """Certify one beat and attack it with all attacks in turn, at 31 levels from 0 to 0.3 and more finely around its flip.

    Args:
        strength: a plan of ``nsr_core.attacks.STRENGTHS``.
        progress: called at every step; raising from it stops the work.
    """
    grid = np.asarray(SWEEP_EPS)
    if not is_read_correctly(network, beats, row):
        return BeatBracket(0.0, 0.0, "", float(grid[-1]))
    certified = _certified(network, beats, row, signal_only)
    first, by = _smallest(network, beats, row, grid[1:], strength, seed, signal_only, progress)
    if np.isfinite(first):
        below = grid[grid < first][-1]
        between = np.linspace(below, first, REFINEMENT + 2)[1:-1]
        finer, finer_by = _smallest(network, beats, row, between, strength, seed, signal_only, progress)
        first, by = (finer, finer_by) if np.isfinite(finer) else (first, by)
    return BeatBracket(certified, first, by, float(grid[-1]))


def _certified(network: Network, beats: Beats, row: int, signal_only: bool) -> float:
    x, y, length = as_tensors(beats, np.array([row]))
    if not can_be_certified(network):
        return np.nan
    return float(certified_eps(network, x, y, length=length if signal_only else None))


def _smallest(
    network: Network,
    beats: Beats,
    row: int,
    levels: np.ndarray,
    strength: str,
    seed: int,
    signal_only: bool,
    progress: Progress,
) -> tuple[float, str]:
    """The smallest of the levels at which an attack flips the beat, all of them in one batch, and which attack."""
    rows = np.full(len(levels), row)
    x, y, length = as_tensors(beats, rows)
    eps = torch.from_numpy(levels)
    shown = length if signal_only else None
    randomness = BeatRandomness(seed, rows)
    result = WorstCase(strength)(network, x, y, eps, length=shown, randomness=randomness, progress=progress)
    flipped = judge(network, x, y, eps, shown, result.x_adv).broken
    if not bool(flipped.any()):
        return np.nan, ""
    at = int(flipped.int().argmax())
    return float(levels[at]), broken_by(strength, int(result.step[at]))
