"""What a certificate knows of a network: linear layers, which of them a ReLU follows, and how they round."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from nsr_core.errors import UserError
from nsr_core.models import CNN, MLP

#: Unit roundoff of float32, in which networks are evaluated (one in float64 rounds less).
UNIT_ROUNDOFF = 2.0**-24
#: Roundings granted to a sum beyond its terms: for the bias, and for the bounds' own float64 arithmetic.
SPARE_ROUNDINGS = 8
#: What underflow, also flushed to 0, may take from one layer's output.
UNDERFLOW = 1e-30


@dataclass(frozen=True)
class Layer:
    """z = W h + b, and h' = max(z, 0) where it is rectified, else h' = z.

    Attributes:
        weight: (out, in) float64, W.
        bias: (out,) float64, b.
        rectified: whether a ReLU follows.
    """

    weight: Tensor
    bias: Tensor
    rectified: bool

    def rounding(self, reach: Tensor) -> Tensor:
        """(batch, out) what the layer, evaluated in float32, may differ by from exact arithmetic on the same inputs.

        A sum of n products and a bias, in whatever order and with or without fused multiply-add, is off by at most
        g (|W| |h| + |b|) with g = k u / (1 - k u), k = n + 1 and u the unit roundoff (Higham 2002, section 3.1). Here
        k = n + 8. The bounds are themselves computed in float64; their rounding errors are sums over the same terms
        with a unit 2^29 times as small, and so lie far below what the 7 too many add.

        Args:
            reach: (batch, in) largest |h|.
        """
        k = (self.weight.shape[1] + SPARE_ROUNDINGS) * UNIT_ROUNDOFF
        return k / (1 - k) * (reach @ self.absolute.T + self.bias.abs()) + UNDERFLOW

    @cached_property
    def absolute(self) -> Tensor:
        """(out, in) |W|."""
        return self.weight.abs()


def layers_of(network: nn.Module) -> list[Layer]:
    """The layers of an MLP, or of an ``nn.Sequential`` of linear layers and ReLUs.

    Raises:
        UserError: any other network: there is no certificate for it.
    """
    if isinstance(network, MLP):
        rectified = len(network.layers) - 2
        parts = [(layer, number < rectified) for number, layer in enumerate(network.layers)]
    elif isinstance(network, nn.Sequential):
        parts = _parts(list(network))
    elif isinstance(network, CNN):
        raise UserError(
            "There is no certificate for the CNN: bounds through its max-pooling and its residual sums are not "
            "implemented. Choose an MLP, or attack the CNN: an attack gives the other side of the bracket."
        )
    else:
        raise _without_certificate(type(network).__name__)
    return [_layer(layer, followed) for layer, followed in parts]


def _parts(modules: list[nn.Module]) -> list[tuple[nn.Module, bool]]:
    parts: list[tuple[nn.Module, bool]] = []
    for module in modules:
        if isinstance(module, nn.ReLU) and parts:
            parts[-1] = parts[-1][0], True
        else:
            parts.append((module, False))
    return parts


def _layer(module: nn.Module, rectified: bool) -> Layer:
    if not isinstance(module, nn.Linear):
        raise _without_certificate(type(module).__name__)
    if module.weight.dtype not in (torch.float32, torch.float64):
        raise _without_certificate(f"network in {module.weight.dtype}")
    weight = module.weight.detach().double()
    bias = torch.zeros_like(weight[:, 0]) if module.bias is None else module.bias.detach().double()
    return Layer(weight, bias, rectified)


def _without_certificate(what: str) -> UserError:
    return UserError(
        f"There is no certificate for a {what}: only linear layers and ReLU, in float32 or float64, are bounded. "
        "Choose an MLP."
    )
