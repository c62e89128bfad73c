"""Step 2: the loss on FGSM's way and on PGD's."""

from dataclasses import dataclass

import numpy as np
import torch

from nsr_core.attacks import Box
from nsr_core.attacks.objectives import cross_entropy
from nsr_core.data import CLASSES, Beats
from nsr_core.evaluation.rows import as_tensors
from nsr_core.lesson.climbing import STEPS_PER_BUDGET, climb, fgsm_point
from nsr_core.models import Network


@dataclass(frozen=True)
class Climbs:
    """The loss on the way of one big step and of many small ones.

    Attributes:
        fgsm_loss: (11,) cross-entropy on the straight way from the beat to FGSM's point, in tenths of it.
        pgd_loss: (21,) cross-entropy after each step of PGD, a tenth of the budget each.
        fgsm_class, pgd_class: what is read at the end of each.
    """

    fgsm_loss: np.ndarray
    pgd_loss: np.ndarray
    fgsm_class: str
    pgd_class: str


def climbs(network: Network, beats: Beats, row: int, eps: float) -> Climbs:
    """Both ways from a beat, at the same noise level."""
    x, y, length = as_tensors(beats, np.array([row]))
    box = Box.around(x, eps, length)
    share = torch.linspace(0, 1, STEPS_PER_BUDGET + 1)[:, None]
    straight = x + share * (fgsm_point(network, x, y, box) - x)
    with torch.no_grad():
        fgsm, pgd = network(straight), network(climb(network, x, y, box)[:, 0])
    return Climbs(
        cross_entropy(fgsm, y.expand(len(fgsm))).numpy(),
        cross_entropy(pgd, y.expand(len(pgd))).numpy(),
        CLASSES[int(fgsm[-1].argmax())],
        CLASSES[int(pgd[-1].argmax())],
    )
