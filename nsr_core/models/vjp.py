"""The vector-Jacobian product of a network with respect to its input: what gradient attacks and gradient penalties are made of."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

#: A gradient with respect to the logits, (batch, classes), to that with respect to the beats, (batch, 187). Several gradients at once, as
#: (several, batch, classes), give (several, batch, 187).
PullBack = Callable[[Tensor], Tensor]


#: Number formats in which a network can be gone through, by name.
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def input_vjp(network: nn.Module, x: Tensor, differentiable: bool = False) -> tuple[Tensor, PullBack]:
    """The logits of a batch, and a function that pulls a gradient with respect to them back to the beats.

    A network may bring its own ``vjp``, written out; any other is differentiated by autograd.

    Args:
        network: (batch, 187) to (batch, classes).
        x: (batch, 187).
        differentiable: whether logits and pulled-back gradients lead on to the network's parameters, for a loss made
            of them. Without it, no gradient with respect to the parameters is computed.

    Returns:
        (batch, classes) logits, and the pull-back, to be called once at most.
    """
    own = getattr(network, "vjp", None)
    if not callable(own):
        return _by_autograd(network, x, differentiable)
    own_pull_back: PullBack
    with torch.set_grad_enabled(differentiable):
        logits, own_pull_back = own(x)

    def pull_back(cotangent: Tensor) -> Tensor:
        with torch.set_grad_enabled(differentiable):
            return own_pull_back(cotangent)

    return logits, pull_back


def prepared_vjp(network: nn.Module) -> Callable[[Tensor], tuple[Tensor, PullBack]]:
    """``input_vjp`` for many batches while the weights stay as they are.

    A network may bring its own ``prepared_vjp``, to do once what does not depend on the beats; its rounding may differ.
    """
    own = getattr(network, "prepared_vjp", None)
    return own() if callable(own) else partial(input_vjp, network)


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


def input_vjp_in(precision: str, network: nn.Module, x: Tensor) -> tuple[Tensor, PullBack]:
    """``input_vjp`` with the network's products in another number format; what comes in and goes out keeps its own.

    bfloat16 keeps 8 bits of a number's 24: good enough for the sign steps of an attack that is trained against, not for an
    evaluation. Measure before use whether it is quicker (``benchmarks.precision``): on processors that compute in it a step on
    the CNN took from 0.8 to 1.4 times as long, on others 13 times.

    Args:
        precision: one of ``PRECISIONS``; ``"float32"`` changes nothing.
    """
    if precision == "float32":
        return input_vjp(network, x)
    lower = partial(torch.autocast, x.device.type, PRECISIONS[precision])
    with lower():
        logits, pull_back = input_vjp(network, x)

    def pull_back_lower(cotangent: Tensor) -> Tensor:
        with lower():
            return pull_back(cotangent).to(x.dtype)

    return logits.to(x.dtype), pull_back_lower
