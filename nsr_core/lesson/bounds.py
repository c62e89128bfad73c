"""Step 8: from attack to proof. How low the lead can fall within a noise level, by an attack and by bounds."""

from dataclasses import dataclass

import numpy as np
import torch

from nsr_core.attacks import Box
from nsr_core.attacks.objectives import margin
from nsr_core.certificates import guaranteed_margin
from nsr_core.data import Beats
from nsr_core.evaluation.rows import as_tensors
from nsr_core.lesson.climbing import climb
from nsr_core.models import Network

#: Up to which noise level the lead is followed, and at how many levels.
BOUNDS_EPS = 0.15
BOUNDS_POINTS = 61


@dataclass(frozen=True)
class LeadWithin:
    """The lowest lead of the right class, in logits, within each noise level: at most what an attack found, at least a bound.

    Attributes:
        eps: (levels,) noise levels.
        attacked: (levels,) the smallest lead on the way of the lesson's PGD at this level or a smaller one.
        interval: (levels,) no noise takes the lead below it, by interval bounds.
        crown: (levels,) the same by CROWN, or by intervals where these are tighter.
    """

    eps: np.ndarray
    attacked: np.ndarray
    interval: np.ndarray
    crown: np.ndarray

    @property
    def proved(self) -> float:
        """The largest level here below which the lead is proved to stay above 0."""
        fallen = np.flatnonzero(self.crown <= 0)
        return float(self.eps[(fallen[0] if len(fallen) else len(self.eps)) - 1]) if self.crown[0] > 0 else 0.0

    @property
    def broken(self) -> float:
        """The smallest level here at which the attack flips the reading; infinite where it does not."""
        flips = np.flatnonzero(self.attacked < 0)
        return float(self.eps[flips[0]]) if len(flips) else np.inf


def lead_within(network: Network, beats: Beats, row: int) -> LeadWithin:
    """The lead of a beat within noise on the signal samples, at ``BOUNDS_POINTS`` levels up to ``BOUNDS_EPS``.

    Raises:
        UserError: there is no certificate for the network.
    """
    x, y, length = as_tensors(beats, np.full(BOUNDS_POINTS, row))
    eps = torch.linspace(0, BOUNDS_EPS, BOUNDS_POINTS, dtype=torch.float64)
    box = Box.around(x, eps, length)
    with torch.no_grad():
        way = climb(network, x, y, box)
        lead = torch.stack([-margin(network(points), y) for points in way]).amin(0)
    interval, crown = (guaranteed_margin(network, x, y, box, method).numpy() for method in ("interval", "crown"))
    # What holds within a level holds within every smaller one, and what was found there is found within every larger one.
    return LeadWithin(eps.numpy(), np.minimum.accumulate(lead.numpy()), *map(_from_above, (interval, crown)))


def _from_above(bound: np.ndarray) -> np.ndarray:
    return np.maximum.accumulate(bound[::-1])[::-1]
