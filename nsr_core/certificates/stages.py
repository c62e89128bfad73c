"""How a network becomes bounds: as stages, each a sum of linear operators and a bias, and the maximum that may follow.

A network is described by a function in ``NETWORKS``, from operators that know their own bounds (the way of auto_LiRPA, Xu et
al. 2020). A third network is such a function:

    @describes(ThirdNetwork)
    def third(network: ThirdNetwork) -> Description:
        stages = Description(length=187)
        maps = stages.convolution(network.stem, INPUT, Maximum())
        maps = stages.convolution(network.second, maps, Maximum(width=5, stride=2), plus=maps)
        stages.dense(network.output, maps)
        return stages
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from nsr_core.certificates.operators import Convolution, Dense, Maximum, Operator, Skip
from nsr_core.data.beats import BEAT_LENGTH
from nsr_core.errors import UserError
from nsr_core.models import CNN, MLP
from nsr_core.models.cnn import POOLING, Block

#: The source that is no stage: the beat.
INPUT = -1
#: What underflow, also flushed to 0, may take from one of a stage's values.
UNDERFLOW = 1e-30


@dataclass(frozen=True)
class Stage:
    """z = sum of A h + b over the sources, and h' = the maximum of z where one follows, else h' = z.

    Attributes:
        terms: sources, by their number, and the operators on their values.
        bias: (channels,) float64, b.
        maximum: of a ReLU, with max-pooling or without, or None.
    """

    terms: tuple[tuple[int, Operator], ...]
    bias: Tensor
    maximum: Maximum | None

    @property
    def inputs(self) -> int:
        """The largest number of terms in one of its sums."""
        return sum(operator.inputs for _, operator in self.terms)

    @property
    def fan(self) -> int:
        """The same, of its sums and of those on the way back through it."""
        return sum(operator.fan for _, operator in self.terms)


class Description(list[Stage]):
    """A network's stages in their order; the last one's values are the logits.

    Args:
        length: of the beats.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self._shapes = {INPUT: (length, 1)}

    @property
    def is_local(self) -> bool:
        """Whether some of its sums see a few neighbours only."""
        return any(isinstance(operator, Convolution) for stage in self for _, operator in stage.terms)

    def dense(self, layer: nn.Linear, source: int, maximum: Maximum | None = None) -> int:
        """A linear layer on (batch, channels, length) values that are flattened; its number, to be a source."""
        length, channels = self._shapes[source]
        weight = _of(layer.weight).unflatten(1, (channels, length)).transpose(1, 2).contiguous()
        return self._add([(source, Dense(weight))], layer, (1, layer.out_features), maximum)

    def convolution(
        self, layer: nn.Conv1d, source: int, maximum: Maximum | None = None, plus: int | None = None
    ) -> int:
        """A convolution, and the values of the stage ``plus`` added to it; its number, to be a source."""
        (kernel,) = layer.kernel_size
        shape = layer.stride, layer.dilation, layer.groups, layer.padding, layer.padding_mode
        if kernel % 2 == 0 or shape != ((1,), (1,), 1, (kernel // 2,), "zeros"):
            raise _without_certificate(f"convolution {layer}")
        length = self._shapes[source][0]
        terms: list[tuple[int, Operator]] = [(source, Convolution(_of(layer.weight), length))]
        if plus is not None:
            terms.append((plus, Skip()))
        return self._add(terms, layer, (length, layer.out_channels), maximum)

    def _add(
        self,
        terms: list[tuple[int, Operator]],
        layer: nn.Linear | nn.Conv1d,
        shape: tuple[int, int],
        maximum: Maximum | None,
    ) -> int:
        bias = layer.weight.new_zeros(shape[1]) if layer.bias is None else layer.bias.detach()
        self.append(Stage(tuple(terms), bias.double(), maximum))
        length, channels = shape
        if maximum is not None:
            length = (length - maximum.width) // maximum.stride + 1
        number = len(self) - 1
        self._shapes[number] = length, channels
        return number


#: By network, how it is described.
NETWORKS: dict[type[nn.Module], Callable[[Any], Description]] = {}


def describes(network: type[nn.Module]) -> Callable[[Callable[[Any], Description]], Callable[[Any], Description]]:
    """Registers a function as the description of a kind of network."""

    def register(function: Callable[[Any], Description]) -> Callable[[Any], Description]:
        NETWORKS[network] = function
        return function

    return register


def stages_of(network: nn.Module) -> Description:
    """The stages of a network.

    Raises:
        UserError: it is not described, or has parts that are not bounded.
    """
    describe = next((NETWORKS[kind] for kind in type(network).__mro__ if kind in NETWORKS), None)
    if describe is None:
        raise _without_certificate(type(network).__name__)
    return describe(network)


def can_be_certified(network: nn.Module) -> bool:
    """Whether there are bounds for a network."""
    try:
        stages_of(network)
    except UserError:
        return False
    return True


def is_quick_to_certify(network: nn.Module) -> bool:
    """Whether a proof takes milliseconds a beat: bounds through convolutions take seconds."""
    return can_be_certified(network) and not any(isinstance(part, nn.Conv1d) for part in network.modules())


@describes(MLP)
def _mlp(network: MLP) -> Description:
    *rectified, narrow, last = cast(list[nn.Linear], list(network.layers))
    stages, values = Description(BEAT_LENGTH), INPUT
    for layer in rectified:
        values = stages.dense(layer, values, Maximum())
    stages.dense(last, stages.dense(narrow, values))
    return stages


@describes(CNN)
def _cnn(network: CNN) -> Description:
    stages = Description(BEAT_LENGTH)
    maps = stages.convolution(network.stem, INPUT)
    for block in cast(list[Block], list(network.blocks)):
        maps = residual_block(stages, block, maps, Maximum(POOLING[0][1], POOLING[1][1]))
    stages.dense(network.output, stages.dense(network.hidden, maps, Maximum()))
    return stages


class Residual(Protocol):
    """Two convolutions that the block's input goes around, as in ``nsr_core.models.cnn.Block``."""

    @property
    def first(self) -> nn.Conv1d: ...

    @property
    def second(self) -> nn.Conv1d: ...


def residual_block(stages: Description, block: Residual, source: int, pooled: Maximum) -> int:
    """The stages of such a block, a ReLU after the first convolution; the number of the last."""
    first = stages.convolution(block.first, source, Maximum())
    return stages.convolution(block.second, first, pooled, plus=source)


@describes(nn.Sequential)
def _sequential(network: nn.Sequential) -> Description:
    """Linear layers, each with or without a ReLU."""
    modules = list(network)
    stages, values = Description(getattr(modules[0], "in_features", BEAT_LENGTH)), INPUT
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.Linear):
            values = stages.dense(module, values, Maximum() if isinstance(following, nn.ReLU) else None)
        elif not isinstance(module, nn.ReLU) or not len(stages):
            raise _without_certificate(type(module).__name__)
    return stages


def _of(weight: Tensor) -> Tensor:
    if weight.dtype not in (torch.float32, torch.float64):
        raise _without_certificate(f"network in {weight.dtype}")
    return weight.detach().float()


def _without_certificate(what: str) -> UserError:
    known = ", ".join(kind.__name__ for kind in NETWORKS)
    return UserError(
        f"There is no certificate for a {what}: what is bounded are linear layers, convolutions that keep the length, residual "
        f"sums, ReLU and max-pooling, in float32 or float64, in a network that is described ({known}). Choose one of those, or "
        "describe yours in nsr_core/certificates/stages.py."
    )
