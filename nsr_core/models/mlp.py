"""The paper's multilayer perceptron (Ma & Liang 2020, section 3)."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.data.beats import BEAT_LENGTH, CLASSES
from nsr_core.models.around import Around
from nsr_core.models.base import Network
from nsr_core.models.intervals import through_linear, through_relu
from nsr_core.models.kernels import KernelLayer
from nsr_core.models.vjp import PullBack


class MLP(Network):
    """187-128-128-128-32-5, ReLU after the first three layers only; 61,381 parameters.

    Nothing stands between the last two layers: together they are one linear map of rank 32 or less.

    Args:
        bias: whether the layers have bias terms (the paper drops them for loss1, eq. 3).
    """

    name = "mlp"
    title = "MLP"
    batch_size = 512
    # From single steps timed on one core (docs/speed.md).
    seconds_per_epoch = (12.0, 40.0)
    seconds_per_beat: ClassVar[Mapping[str, float]] = {"pgd": 0.001, "spsa": 0.15}

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        widths = (BEAT_LENGTH, 128, 128, 128, 32, len(CLASSES))
        self.layers = nn.ModuleList(nn.Linear(into, out, bias=bias) for into, out in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 187) beats to (batch, 5) logits."""
        for layer in self.layers[:3]:
            x = functional.relu(layer(x))
        for layer in self.layers[3:]:
            x = layer(x)
        return x

    def vjp(self, x: Tensor) -> tuple[Tensor, PullBack]:
        """Logits and the way back to the beats (see ``nsr_core.models.vjp``), written out.

        At 128 beats autograd's bookkeeping costs two thirds of the arithmetic, and going twice through it more.
        """
        narrow, last = self._linear()[3:]
        hidden = self._hidden(x)
        logits = last(narrow(hidden[-1]))
        first = self._linear()[0].weight
        return logits, lambda cotangent: self._back(cotangent, last.weight @ narrow.weight, hidden, first)

    def prepared_vjp(self) -> Callable[[Tensor], tuple[Tensor, PullBack]]:
        """``vjp`` for many batches while the weights stay, with the last two layers as one, for an attack."""
        weight, bias = self.head()
        first = self._linear()[0].weight
        wide = functional.pad(
            first, (0, -first.shape[1] % 16)
        )  # rows of whole cache lines: a fifth less of this product's time

        def vjp(x: Tensor) -> tuple[Tensor, PullBack]:
            hidden = self._hidden(x)
            logits = functional.linear(hidden[-1], weight, bias)
            return logits, lambda cotangent: self._back(cotangent, weight, hidden, wide)[..., : x.shape[1]]

        return vjp

    def _hidden(self, x: Tensor) -> list[Tensor]:
        """(batch, 128) after each of the three ReLUs."""
        hidden = []
        for layer in self._linear()[:3]:
            x = layer(x).relu_()
            hidden.append(x)
        return hidden

    def _back(self, cotangent: Tensor, last: Tensor, hidden: list[Tensor], first: Tensor) -> Tensor:
        """From (..., batch, 5) back to (..., batch, 187); ``last``: (5, 128), of the last two layers as one."""
        gradient, (_, second, third) = cotangent @ last, self._linear()[:3]
        for weight, after in zip((third.weight, second.weight, first), reversed(hidden), strict=True):
            gradient = _through_relu(gradient, after.detach()) @ weight
        return gradient

    def around(self, offsets: Tensor) -> Around:
        """Logits around a beat (see ``nsr_core.models.around``).

        The first layer is linear, so its products with the offsets serve all beats; they are two fifths of the work.
        """
        first, *rest = self._linear()[:3]
        moved = offsets @ first.weight.T  # (offsets, 187) -> (offsets, 128)
        weight, bias = self.head()

        def evaluate(x: Tensor) -> Tensor:
            hidden = (moved + first(x)).relu_()
            for layer in rest:
                hidden = layer(hidden).relu_()
            return functional.linear(hidden, weight, bias)

        return evaluate

    def interval(self, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and radius of what goes into ``head``, (batch, 128) each (see ``nsr_core.models.intervals``)."""
        for layer in self._linear()[:3]:
            centre, radius = through_relu(*through_linear(layer, centre, radius))
        return centre, radius

    def head(self) -> tuple[Tensor, Tensor | None]:
        """Weight (5, 128) and bias (5,) of the one linear map that the last two layers are: nothing stands between them."""
        narrow, last = self._linear()[3:]
        bias = None if narrow.bias is None else functional.linear(narrow.bias, last.weight, last.bias)
        return last.weight @ narrow.weight, bias

    def normalised_layers(self) -> list[KernelLayer]:
        """The layers whose kernels the paper protocol keeps at unit norm: all but the last."""
        return [*self._linear()[:-1]]

    def _linear(self) -> list[nn.Linear]:
        return cast(list[nn.Linear], list(self.layers))


def _through_relu(gradient: Tensor, after: Tensor) -> Tensor:
    """The gradient before a ReLU from that after it, which is overwritten where nothing leads on to the parameters."""
    after = after.expand_as(gradient)
    if torch.is_grad_enabled():
        before: Tensor = torch.ops.aten.threshold_backward(gradient, after, 0)
    else:
        before = torch.ops.aten.threshold_backward.grad_input(gradient, after, 0, grad_input=gradient)
    return before
