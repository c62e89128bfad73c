"""An MLP's ReLU units: which are on, and how far a straight way leads before one switches."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nsr_core.errors import UserError
from nsr_core.models import MLP


def linear_layers(network: nn.Module) -> list[nn.Linear]:
    """The five layers of an MLP; a ReLU follows the first three.

    Raises:
        UserError: not an MLP.
    """
    layers: Any = getattr(network, "layers", None)
    if getattr(network, "name", None) != MLP.name or layers is None:
        raise UserError(f"The lesson looks into the units of an MLP, not of a {type(network).__name__}. Choose an MLP.")
    return list(layers)


def units_on(network: nn.Module, x: Tensor) -> Tensor:
    """(batch, 384) which of an MLP's ReLU units are on."""
    on = []
    with torch.no_grad():
        for layer in linear_layers(network)[:3]:
            x = layer(x)
            on.append(x > 0)
            x = x.relu()
    return torch.cat(on, 1)


def first_switch(network: nn.Module, x: Tensor, direction: Tensor) -> float:
    """The smallest t > 0 at which a unit switches on the way x + t direction; infinite where none does.

    Up to there every unit's input is a + t s with the a and the slope s that it has at x.

    Args:
        x, direction: (1, 187).
    """
    nearest = np.inf
    value, change = x.double(), direction.double()
    with torch.no_grad():
        for layer in linear_layers(network)[:3]:
            weight, bias = layer.weight.double(), layer.bias
            value, change = value @ weight.T, change @ weight.T
            if bias is not None:
                value = value + bias.double()
            at = -value / change
            at = at[torch.isfinite(at) & (at > 0)]
            nearest = min(nearest, float(at.min()) if len(at) else np.inf)
            on = value > 0
            value, change = value * on, change * on
    return nearest
