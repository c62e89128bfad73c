"""The elastic weight decay of the authors' code; the paper's text is silent on it."""

import torch
from torch import Tensor


@torch.no_grad()
def decay_weights(parameters: list[Tensor], rate: float | Tensor) -> None:
    """Shrink all parameters in place, first towards 0 by a constant, then by a factor.

    p <- p - rate * sign(p), then p <- p - rate * p.

    Args:
        parameters: weights and biases alike.
        rate: learning rate times decay strength; a scalar tensor where it lies on a device.
    """
    signs = list(torch._foreach_sign(parameters))
    if isinstance(rate, Tensor):
        torch._foreach_mul_(signs, rate)
        torch._foreach_sub_(parameters, signs)
    else:
        torch._foreach_add_(parameters, signs, alpha=-rate)
    torch._foreach_mul_(parameters, 1 - rate)
