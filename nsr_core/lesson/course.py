"""Which beat shows the lesson's point, and at which noise level."""

from dataclasses import dataclass

import numpy as np
import torch

from nsr_core.attacks import Box
from nsr_core.attacks.objectives import cross_entropy
from nsr_core.data import Beats
from nsr_core.evaluation.rows import as_tensors, read_correctly
from nsr_core.lesson.climbing import climb, fgsm_point
from nsr_core.models import Network

#: Levels at which one beat is tried, and the level where none of them flips it.
FINE_LEVELS = np.round(np.arange(0.002, 0.2001, 0.002), 3)
FALLBACK_EPS = 0.1
#: Where a beat that shows the point is looked for.
SEARCH_LEVELS = (0.03, 0.04, 0.05, 0.06)
SEARCH_BEATS = 200


@dataclass(frozen=True)
class _Tries:
    """FGSM and PGD at several noise levels on the same beats.

    Attributes:
        fgsm_flips, pgd_flips: (n,) bool, whether the attack ends, or for PGD passes, outside the right class.
        fgsm_loss, pgd_loss: (n,) cross-entropy at the attack's last point.
    """

    fgsm_flips: np.ndarray
    pgd_flips: np.ndarray
    fgsm_loss: np.ndarray
    pgd_loss: np.ndarray


def _try(network: Network, beats: Beats, rows: np.ndarray, levels: np.ndarray) -> _Tries:
    """Both attacks on each row at its own level."""
    x, y, length = as_tensors(beats, rows)
    box = Box.around(x, torch.from_numpy(levels), length)
    with torch.no_grad():
        fgsm = network(fgsm_point(network, x, y, box))
        points = climb(network, x, y, box)
        logits = network(points.flatten(0, 1)).view(*points.shape[:2], -1)
        flips = (logits.argmax(2) != y).any(0)
        return _Tries(
            (fgsm.argmax(1) != y).numpy(),
            flips.numpy(),
            cross_entropy(fgsm, y).numpy(),
            cross_entropy(logits[-1], y).numpy(),
        )


def find_teaching_beat(network: Network, beats: Beats, rows: np.ndarray, seed: int = 0) -> int | None:
    """The beat that shows best what many small steps gain: read correctly, flipped by PGD, not by FGSM.

    Up to 200 beats, drawn with ``seed``, are tried at four small noise levels; the beat whose loss PGD raises most above
    FGSM's is taken. None where no beat is like that.

    Args:
        rows: the beats to look among.
    """
    drawn = np.random.default_rng(seed).permutation(rows)[:SEARCH_BEATS]
    drawn = drawn[read_correctly(network, beats, drawn)]
    if not len(drawn):
        return None
    tried, levels = np.tile(drawn, len(SEARCH_LEVELS)), np.repeat(SEARCH_LEVELS, len(drawn))
    found = _try(network, beats, tried, levels)
    gain = np.where(found.pgd_flips & ~found.fgsm_flips, found.pgd_loss - found.fgsm_loss, -np.inf)
    return int(tried[gain.argmax()]) if np.isfinite(gain).any() else None


def lesson_eps(network: Network, beats: Beats, row: int) -> float:
    """The noise level at which a beat is shown: PGD flips it there and, where there is such a level, FGSM does not.

    The middle of the first such range of levels, but at most half as much again as where the range begins; else the first
    level at which PGD flips it; 0.1 where none does.
    """
    found = _try(network, beats, np.full(len(FINE_LEVELS), row), FINE_LEVELS)
    only_pgd = found.pgd_flips & ~found.fgsm_flips
    if only_pgd.any():
        first = int(only_pgd.argmax())
        after = only_pgd[first:]
        count = len(after) if after.all() else int(after.argmin())
        middle = min(FINE_LEVELS[first + (count - 1) // 2], 1.5 * FINE_LEVELS[first])
        return float(FINE_LEVELS[np.flatnonzero(middle + 1e-9 >= FINE_LEVELS)[-1]])
    return float(FINE_LEVELS[found.pgd_flips.argmax()]) if found.pgd_flips.any() else FALLBACK_EPS
