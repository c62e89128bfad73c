"""The vector-Jacobian product of a network by its input: what every gradient attack is made of."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

#: A (batch, classes) gradient by the logits to the (batch, 187) gradient by the beats.
PullBack = Callable[[Tensor], Tensor]


def input_vjp(network: nn.Module, x: Tensor) -> tuple[Tensor, PullBack]:
    """The logits of a batch, and a function that pulls a gradient by them back to the beats.

    A network may bring its own ``vjp``; any other is differentiated by autograd. No gradient by the parameters is
    computed in either case.

    Args:
        network: (batch, 187) to (batch, classes).
        x: (batch, 187).

    Returns:
        (batch, classes) logits, detached, and the pull-back, to be called once at most.
    """
    own = getattr(network, "vjp", None)
    if callable(own):
        return own(x)
    leaf = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = network(leaf)

    def pull_back(cotangent: Tensor) -> Tensor:
        return torch.autograd.grad(logits, leaf, cotangent)[0]

    return logits.detach(), pull_back
