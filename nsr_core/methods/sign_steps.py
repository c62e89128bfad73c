"""The attack that the adversarial methods train against."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from nsr_core.models.vjp import input_vjp_in, prepared_vjp

#: ``(logits) -> (batch, classes)``: which way the logits of an attacked beat are pushed.
Push = Callable[[Tensor], Tensor]


@torch.no_grad()
def sign_steps(
    network: nn.Module,
    x: Tensor,
    push: Push,
    uniform: Tensor,
    *,
    eps: float | Tensor,
    steps: int,
    step_size: float | Tensor,
    precision: str = "float32",
) -> Tensor:
    """Attacked copies of a batch: sign steps from a random start; no beat stops early.

    Args:
        network: (batch, 187) to (batch, classes).
        x: (batch, 187) beats in [0, 1].
        push: gradient with respect to the logits of what is maximised.
        uniform: (batch, 187) in [-1, 1), where the attack starts, in units of eps.
        eps: largest noise; a number, or a float64 tensor of one on the device of ``x``.
        step_size: how far a step moves each sample, in the same unit.
        precision: number format of the gradients, one of ``PRECISIONS``.

    Returns:
        (batch, 187), in [0, 1] and within eps of ``x`` up to rounding: the exact ``Box`` would take a twentieth of the time.
    """
    vjp = prepared_vjp(network) if precision == "float32" else partial(input_vjp_in, precision, network)
    low, high = (x - eps).clamp_min_(0), (x + eps).clamp_max_(1)
    x_adv = (x + eps * uniform.to(x)).clamp_(low, high)
    for _ in range(steps):
        logits, pull_back = vjp(x_adv)
        x_adv.add_(pull_back(push(logits)).sign_().mul_(step_size)).clamp_(low, high)
    return x_adv
