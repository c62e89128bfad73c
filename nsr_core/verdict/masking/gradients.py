"""The gradient at the beats themselves: whether single precision leaves anything of it."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nsr_core.attacks.objectives import Objective, cross_entropy, margin, slope
from nsr_core.models.vjp import input_vjp

#: A gradient has turned where more than this share of its signs differ from those in double precision.
TURNED = 0.25


@dataclass(frozen=True)
class Gradients:
    """The cross-entropy's gradient with respect to the beat, in single precision, at each beat.

    Attributes:
        zero: (beats,) bool, all of it is 0.
        not_finite: (beats,) bool, some of it is.
        turned: (beats,) bool, many of its signs are not those in double precision.
        vanished: share of all samples where it is 0 or too small for a normal number.
        relative_size: median over the beats of its L1 norm over that of the margin's gradient; 0 where both are 0.
    """

    zero: NDArray[np.bool_]
    not_finite: NDArray[np.bool_]
    turned: NDArray[np.bool_]
    vanished: float
    relative_size: float

    @property
    def useless(self) -> NDArray[np.bool_]:
        """(beats,) whether following its sign leads nowhere, or somewhere else."""
        return self.zero | self.not_finite | self.turned


def gradients(network: nn.Module, x: Tensor, y: Tensor) -> Gradients:
    """The gradients at (beats, 187) ``x`` of the classes ``y``."""
    ours = gradient(network, x, y, cross_entropy)
    exact = gradient(deepcopy(network).double(), x.double(), y, cross_entropy)
    finite = ours.isfinite().all(1)
    zero = (ours == 0).all(1)
    turned = finite & ~zero & ((ours.sign() != exact.sign()).double().mean(1) > TURNED)
    own, other = (_finite(at).abs() for at in (ours, gradient(network, x, y, margin)))
    ratio = own.double().sum(1) / other.double().sum(1)
    return Gradients(
        zero=zero.numpy(),
        not_finite=(~finite).numpy(),
        turned=turned.numpy(),
        vanished=float((own < torch.finfo(own.dtype).tiny).double().mean()),
        relative_size=float(_finite(ratio).median()),
    )


def gradient(network: nn.Module, x: Tensor, y: Tensor, objective: Objective) -> Tensor:
    """(beats, 187) gradient of each beat's objective."""
    logits, pull_back = input_vjp(network, x)
    return pull_back(slope(objective, logits, y))


def _finite(values: Tensor) -> Tensor:
    """The values, with 0 for each that is not finite."""
    return torch.nan_to_num(values, posinf=0.0, neginf=0.0)
