"""Step 7: what is proved of one beat, what attacks have shown, and what lies between."""

from dataclasses import dataclass

import numpy as np

from nsr_core.attacks import PGD, SPSA
from nsr_core.certificates import certified_eps
from nsr_core.data import Beats
from nsr_core.evaluation.rows import as_tensors, is_read_correctly
from nsr_core.evaluation.sweep import smallest_flip
from nsr_core.models import Network

#: At which levels attacks look for a flip in the last step, and its SPSA, an eighth of the published evaluations.
FLIP_LEVELS = np.round(np.geomspace(0.01, 0.3, 11), 3)
SHORT_SPSA = SPSA(steps=30, samples=256)


@dataclass(frozen=True)
class Knowledge:
    """What is known of one network on one beat.

    Attributes:
        proved: no noise up to this level flips it; 0 where nothing is proved or the beat is misread without noise.
        pgd, spsa: the smallest level tried at which the attack flips it; NaN where it does at none.
    """

    proved: float
    pgd: float
    spsa: float

    @property
    def broken(self) -> float:
        """The smallest level at which either attack flips the beat; NaN where none does."""
        return float(np.fmin(self.pgd, self.spsa))


def knowledge(network: Network, beats: Beats, row: int) -> Knowledge:
    """Smallest successful attacks, 100-PGD and a short SPSA, on one beat, and what interval bounds prove of it.

    Intervals, because the lesson can explain them in a sentence; CROWN proves more.
    """
    if not is_read_correctly(network, beats, row):
        return Knowledge(0.0, 0.0, 0.0)
    pgd, spsa = (
        smallest_flip(network, attack, beats, row, FLIP_LEVELS, signal_only=True) for attack in (PGD(), SHORT_SPSA)
    )
    x, y, length = as_tensors(beats, np.array([row]))
    proved = certified_eps(network, x, y, length=length, method="interval")
    return Knowledge(float(proved), pgd, spsa)
