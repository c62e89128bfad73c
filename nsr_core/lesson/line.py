"""Step 3: the straight line that the network is nearby, and where it ends."""

from dataclasses import dataclass

import numpy as np
import torch

from nsr_core.attacks import Box
from nsr_core.beat.nsr import noise_to_signal
from nsr_core.data import Beats
from nsr_core.evaluation.rows import as_tensors
from nsr_core.lesson.climbing import fgsm_point
from nsr_core.lesson.units import first_switch, units_on
from nsr_core.methods.terms import true_logit
from nsr_core.models import Network

#: How far the straight line is followed.
LINE_EPS = 0.2
LINE_POINTS = 161


@dataclass(frozen=True)
class StraightLine:
    """The right class's logit on the straight way from a beat to FGSM's point at noise level ``LINE_EPS``.

    Attributes:
        eps: (points,) largest absolute noise on a sample.
        z: (points,) z_y as the network gives it.
        line: (points,) z_y + w_y e (eq. 7).
        switched: (points,) units that are on where they were off at the beat, or off where they were on.
        units: how many there are.
        first_switch: the noise at which the first unit switches, worked out exactly; infinite where none does.
    """

    eps: np.ndarray
    z: np.ndarray
    line: np.ndarray
    switched: np.ndarray
    units: int
    first_switch: float


def straight_line(network: Network, beats: Beats, row: int) -> StraightLine:
    """A network's z_y beside the straight line that it is at the beat (eq. 2, 6 and 7)."""
    x, y, length = as_tensors(beats, np.array([row]))
    direction = (fgsm_point(network, x, y, Box.around(x, LINE_EPS, length)) - x) / LINE_EPS
    size = float(direction.abs().max())
    eps = torch.linspace(0, LINE_EPS, LINE_POINTS)[:, None]
    here = noise_to_signal(network, x, y)
    points = x + eps * direction
    with torch.no_grad():
        z = true_logit(network(points), y.expand(len(points)))
    on = units_on(network, points)
    first = first_switch(network, x, direction)
    return StraightLine(
        eps[:, 0].numpy() * size,
        z.numpy(),
        (here.z + (here.w * (eps * direction)).sum(1)).numpy(),
        (on != on[:1]).sum(1).numpy(),
        on.shape[1],
        first * size if first <= LINE_EPS else np.inf,
    )
