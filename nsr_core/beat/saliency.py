"""Where a network looks on a beat: gradient x input and integrated gradients, beside where an attack pushed.

Source: Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", ICML 2017 (integrated gradients, and the axiom of
completeness); Shrikumar et al. 2016 (gradient x input).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nsr_core.data import CLASSES
from nsr_core.methods.terms import true_logit, true_logit_gradient
from nsr_core.models import Network
from nsr_core.models.vjp import input_vjp

#: Points of the straight way at which the gradient is taken.
POINTS = 256


@dataclass(frozen=True)
class Saliency:
    """What each sample of a beat adds to the logit of one class, against a baseline where there is no beat.

    Attributes:
        target: the class whose logit it is.
        gradient: (187,) of the logit with respect to the beat.
        gradient_x_input: (187,) gradient times the beat's difference from the baseline: the effect of each sample on the
            straight line that the network is around the beat.
        integrated: (187,) the same with the gradient's mean over the straight way from the baseline to the beat.
        change: the logit on the beat minus that on the baseline.
    """

    target: str
    gradient: np.ndarray
    gradient_x_input: np.ndarray
    integrated: np.ndarray
    change: float

    @property
    def gap(self) -> float:
        """How far the integrated gradients' sum is from ``change``: 0 if they were complete, but for the sum over points."""
        return float(self.integrated.sum()) - self.change

    def share_against(self, noise: np.ndarray) -> float:
        """Of the samples that a (187,) noise moved, the share moved so that the logit falls; NaN where it moved none."""
        effect = (self.gradient * noise)[noise != 0]
        return float((effect < 0).mean()) if len(effect) else np.nan


def saliency(
    network: Network, x: np.ndarray, target: int, *, baseline: np.ndarray | None = None, points: int = POINTS
) -> Saliency:
    """Attribute the logit of a class to the samples of a beat.

    The integral over the straight way is the midpoint rule's; on a linear network it is exact with one point.

    Args:
        network: in eval mode.
        x: (187,) the beat, in [0, 1].
        target: index of the class in ``CLASSES``.
        baseline: (187,) what stands for no beat; by default zeros, which is what a beat is padded with.
        points: of the way at which the gradient is taken.
    """
    end = torch.from_numpy(np.asarray(x, np.float32))
    start = torch.zeros_like(end) if baseline is None else torch.from_numpy(np.asarray(baseline, np.float32))
    difference = end - start
    shares = (torch.arange(points, dtype=end.dtype) + 0.5) / points
    along, _ = _gradients(network, start + shares[:, None] * difference, target)
    here, logit = _gradients(network, torch.stack([end, start]), target)
    return Saliency(
        target=CLASSES[target],
        gradient=here[0].numpy(),
        gradient_x_input=(here[0] * difference).numpy(),
        integrated=(along.double().mean(0) * difference).numpy(),
        change=float(logit[0].double() - logit[1].double()),
    )


def _gradients(network: Network, x: Tensor, target: int) -> tuple[Tensor, Tensor]:
    """(batch, 187) gradients of the target's logit, and (batch,) that logit."""
    logits, pull_back = input_vjp(network, x)
    y = torch.full((len(x),), target)
    return true_logit_gradient(pull_back, logits, y, torch.ones_like(logits[:, 0])), true_logit(logits, y)
