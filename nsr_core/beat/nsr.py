"""The noise-to-signal ratio of a beat (Ma & Liang 2020, eq. 2 and 6-9)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nsr_core.methods.terms import true_logit, true_logit_gradient
from nsr_core.models import Network
from nsr_core.models.vjp import input_vjp


@dataclass(frozen=True)
class NoiseToSignal:
    """The network around a batch of beats, as the straight line z_y = w_y x + b_y that it is there.

    Attributes:
        w: (batch, 187) w_y, the gradient of the true class's logit.
        b: (batch,) b_y = z_y - w_y x.
        z: (batch,) z_y, the true class's logit.
    """

    w: Tensor
    b: Tensor
    z: Tensor

    @property
    def w_l1(self) -> Tensor:
        """(batch,) the L1 norm of w_y: the most that noise of at most 1 per sample can move z_y on this line."""
        return self.w.abs().sum(1)

    def bound(self, eps: float | Tensor) -> Tensor:
        """(batch,) R_2 of eq. 9: no noise of at most ``eps`` exceeds it while the line holds."""
        return self.w_l1 * eps / self.z.abs()

    def reached(self, noise: Tensor) -> Tensor:
        """(batch,) the ratio |w_y noise| / |z_y| of eq. 8 for a (batch, 187) noise that an attack really made."""
        return (self.w * noise).sum(1).abs() / self.z.abs()


def noise_to_signal(network: Network, x: Tensor, y: Tensor) -> NoiseToSignal:
    """The line that the network follows around each beat.

    Exact for a piecewise linear network (ReLU, max-pooling) as long as noise switches no unit on or off.

    Args:
        network: in eval mode.
        x: (batch, 187) beats.
        y: (batch,) true classes.
    """
    logits, pull_back = input_vjp(network, x)
    w = true_logit_gradient(pull_back, logits, y, torch.ones_like(logits[:, 0]))
    z = true_logit(logits, y)
    return NoiseToSignal(w, z - (w * x).sum(1), z)


def change_of_true_logit(network: Network, x: Tensor, y: Tensor, x_adv: Tensor) -> Tensor:
    """(batch,) |z_y(x_adv) - z_y(x)| / |z_y(x)|: the ratio as it really came out, without the straight line."""
    with torch.inference_mode():
        before, after = true_logit(network(x), y), true_logit(network(x_adv), y)
    return (after - before).abs() / before.abs()
