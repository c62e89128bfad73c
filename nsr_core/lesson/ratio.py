"""Steps 4 and 5: the noise-to-signal ratio, its parts on one beat and its median over many."""

from dataclasses import dataclass

import numpy as np
import torch

from nsr_core.attacks import Box
from nsr_core.beat.nsr import change_of_true_logit, noise_to_signal
from nsr_core.data import Beats
from nsr_core.evaluation.rows import as_tensors, read_correctly
from nsr_core.lesson.climbing import climb, fgsm_point
from nsr_core.methods.terms import true_logit
from nsr_core.models import Network


@dataclass(frozen=True)
class Ratios:
    """The noise-to-signal ratio of one beat at one noise level (eq. 2 and 7-10).

    Attributes:
        eps: the noise level.
        z, b, w_l1: z_y, b_y and the L1 norm of w_y.
        w: (187,) w_y.
        w_noise: w_y e for FGSM's noise e.
        z_real: z_y where FGSM ends.
        bound: R_2 of eq. 9.
        allowed: the largest ratio on the line within the budget: the noise stays on the signal and within [0, 1].
        fgsm_line, fgsm_real, pgd_real: the ratio that FGSM's noise has on the line, and what FGSM and PGD really reach.
    """

    eps: float
    z: float
    b: float
    w_l1: float
    w: np.ndarray
    w_noise: float
    z_real: float
    bound: float
    allowed: float
    fgsm_line: float
    fgsm_real: float
    pgd_real: float

    @property
    def eps_at_one(self) -> float:
        """The noise level at which R_2 is 1."""
        return self.eps / self.bound

    @property
    def penalty(self) -> float:
        """log(1 + R_2) with eps_max = 1, what eq. 10 adds to the loss."""
        return float(np.log1p(self.bound / self.eps))


def ratios(network: Network, beats: Beats, row: int, eps: float) -> Ratios:
    """The ratio's parts with a beat's own numbers."""
    x, y, length = as_tensors(beats, np.array([row]))
    box = Box.around(x, eps, length)
    here = noise_to_signal(network, x, y)
    x_fgsm, x_pgd = fgsm_point(network, x, y, box), climb(network, x, y, box)[-1]
    noise = x_fgsm - x
    up, down = (here.w * (box.high - x)), (here.w * (box.low - x))
    most = torch.maximum(torch.maximum(up, down).sum(), -torch.minimum(up, down).sum())
    with torch.no_grad():
        z_real = true_logit(network(x_fgsm), y)
    return Ratios(
        eps=eps,
        z=float(here.z),
        b=float(here.b),
        w_l1=float(here.w_l1),
        w=here.w[0].numpy(),
        w_noise=float((here.w * noise).sum()),
        z_real=float(z_real),
        bound=float(here.bound(eps)),
        allowed=float(most / here.z.abs()),
        fgsm_line=float(here.reached(noise)),
        fgsm_real=float(change_of_true_logit(network, x, y, x_fgsm)),
        pgd_real=float(change_of_true_logit(network, x, y, x_pgd)),
    )


def median_ratio(network: Network, beats: Beats, rows: np.ndarray) -> float:
    """The median of R_2 / eps = ||w_y||_1 / |z_y| over those of the beats that are read correctly; NaN without any."""
    kept = rows[read_correctly(network, beats, rows)]
    if not len(kept):
        return float("nan")
    x, y, _ = as_tensors(beats, kept)
    return float(noise_to_signal(network, x, y).bound(1.0).median())
