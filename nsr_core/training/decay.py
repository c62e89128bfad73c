"""The elastic weight decay of the authors' code; the paper's text is silent on it."""

import torch
from torch import Tensor


@torch.no_grad()
def decay_weights(parameters: list[Tensor], rate: float) -> None:
    """Shrink all parameters in place, first towards 0 by a constant, then by a factor.

    p <- p - rate * sign(p), then p <- p - rate * p.

    Args:
        parameters: weights and biases alike.
        rate: learning rate times decay strength.
    """
    torch._foreach_add_(parameters, list(torch._foreach_sign(parameters)), alpha=-rate)
    torch._foreach_mul_(parameters, 1 - rate)
