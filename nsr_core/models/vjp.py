"""The vector-Jacobian product of a network by its input: what gradient attacks and gradient penalties are made of."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

#: A gradient by the logits, (batch, classes), to the gradient by the beats, (batch, 187). Several gradients at once, as
#: (several, batch, classes), give (several, batch, 187).
PullBack = Callable[[Tensor], Tensor]


def input_vjp(network: nn.Module, x: Tensor, differentiable: bool = False) -> tuple[Tensor, PullBack]:
    """The logits of a batch, and a function that pulls a gradient by them back to the beats.

    A network may bring its own ``vjp``, written out; any other is differentiated by autograd.

    Args:
        network: (batch, 187) to (batch, classes).
        x: (batch, 187).
        differentiable: whether logits and pulled-back gradients lead on to the network's parameters, for a loss made
            of them. Without it, no gradient by the parameters is computed.

    Returns:
        (batch, classes) logits, and the pull-back, to be called once at most.
    """
    own = getattr(network, "vjp", None)
    if not callable(own):
        return _by_autograd(network, x, differentiable)
    with torch.set_grad_enabled(differentiable):
        logits, own_pull_back = own(x)

    def pull_back(cotangent: Tensor) -> Tensor:
        with torch.set_grad_enabled(differentiable):
            return own_pull_back(cotangent)

    return logits, pull_back


def _by_autograd(network: nn.Module, x: Tensor, differentiable: bool) -> tuple[Tensor, PullBack]:
    leaf = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = network(leaf)

    def pull_back(cotangent: Tensor) -> Tensor:
        several = cotangent.dim() > logits.dim()
        (gradient,) = torch.autograd.grad(
            logits, leaf, cotangent, create_graph=differentiable, is_grads_batched=several
        )
        return gradient

    return logits if differentiable else logits.detach(), pull_back
