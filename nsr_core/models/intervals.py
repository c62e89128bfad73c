"""Interval bounds of a network over a box of beats (Gowal et al. 2018): quick and differentiable, for training.

A network brings two methods for it: ``interval`` follows a box to what the last ReLU gives, and ``head`` is the one linear
map after that. A box is its (batch, ...) centre and radius: then a linear map W takes the centre to W centre + bias and the
radius to |W| radius, two products where lower and upper ends need four.

All is computed in the network's own precision without a margin for rounding. For a proof see ``nsr_core.certificates``.
"""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.errors import UserError


@runtime_checkable
class Bounded(Protocol):
    """A network that can be bounded."""

    def interval(self, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Of beats in a box, (batch, 187) each, centre and radius of what goes into ``head``, (batch, features) each."""

    def head(self) -> tuple[Tensor, Tensor | None]:
        """Weight (classes, features) and bias (classes,) of the linear map from there to the logits."""


def worst_logits(network: nn.Module, low: Tensor, high: Tensor, y: Tensor) -> Tensor:
    """(batch, classes) what each logit minus the true one's cannot exceed in the box; 0 for the true class itself.

    No beat of the box is misclassified where all others are negative. The difference of two logits is bounded as one linear
    function of the features, which is tighter than the difference of their bounds.

    Args:
        network: one that brings ``interval`` and ``head``, such as the MLP and the CNN.
        low, high: (batch, 187) ends of the box.
        y: (batch,) true classes.

    Raises:
        UserError: the network brings no interval bounds.
    """
    if not isinstance(network, Bounded):
        raise UserError(
            f"A {type(network).__name__} brings no interval bounds, which certified training needs. Choose an MLP or a CNN, "
            "or another method."
        )
    centre, radius = network.interval((high + low) / 2, (high - low) / 2)
    weight, bias = network.head()
    classes = len(weight)
    # Row true * classes + other. Five classes have 25 pairs: bounding all costs less than collecting each beat's own rows.
    pairs = (weight - weight[:, None]).flatten(0, 1)
    highest = functional.linear(centre, pairs, None if bias is None else (bias - bias[:, None]).flatten())
    highest = highest + functional.linear(radius, pairs.abs())
    return highest.gather(1, classes * y[:, None] + torch.arange(classes, device=y.device))


def through_linear(layer: nn.Linear, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and radius, (batch, in) to (batch, out)."""
    return layer(centre), functional.linear(radius, layer.weight.abs())


def through_relu(centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and radius after max(., 0)."""
    return middle((centre - radius).relu(), (centre + radius).relu())


def middle(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and radius between two ends."""
    return (high + low) / 2, (high - low) / 2
