"""Two ways to bound a network's margins over a box: intervals, quick and loose, and CROWN."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nsr_core.certificates.bounds import Stage, differences, interval_stage, lower_bound
from nsr_core.certificates.layers import Layer
from nsr_core.errors import UserError

#: Layers, (batch, in) low and high of a box, (batch,) true classes, to (batch, classes - 1) numbers that the true
#: class's logit minus each other's cannot fall below anywhere in the box, as evaluated in float32.
Method = Callable[[Sequence[Layer], Tensor, Tensor, Tensor], Tensor]


def interval_margins(layers: Sequence[Layer], low: Tensor, high: Tensor, y: Tensor) -> Tensor:
    """Interval bounds: each unit's range is followed through the layers as if the units of a layer moved freely.

    The layers after the last ReLU are taken as the one linear map that they are.
    """
    stages: list[Stage] = []
    for layer in layers:
        stages.append(interval_stage(layer, *(stages[-1].after if stages else (low, high))))
    straight = next((back for back, layer in enumerate(reversed(layers)) if layer.rectified), len(layers))
    before, tail = stages[: len(stages) - straight], stages[len(stages) - straight :]
    low, high = before[-1].after if before else (low, high)
    rows = differences(y, len(layers[-1].bias))
    return lower_bound(tail, low, high, rows, torch.zeros_like(rows[..., 0]))


def crown_margins(layers: Sequence[Layer], low: Tensor, high: Tensor, y: Tensor) -> Tensor:
    """CROWN (Zhang et al. 2018): linear bounds from the logits, and from each ReLU's input, back to the box.

    Where interval bounds are tighter, of a ReLU's input or of a margin, they are taken.
    """
    stages: list[Stage] = []
    for layer in layers:
        stage = interval_stage(layer, *(stages[-1].after if stages else (low, high)))
        if stages and layer.rectified:
            stage = _tightened(stage, stages, low, high)
        stages.append(stage)
    rows = differences(y, len(layers[-1].bias))
    linear = lower_bound(stages, low, high, rows, torch.zeros_like(rows[..., 0]))
    return torch.maximum(linear, interval_margins(layers, low, high, y))


def _tightened(stage: Stage, before: Sequence[Stage], low: Tensor, high: Tensor) -> Stage:
    """A stage with its bounds from the box where those are tighter, for the units that may be on or off."""
    unsure = (stage.low < 0) & (stage.high > 0)  # the others need no line
    units = unsure.any(0).nonzero()[:, 0]
    weight, bias, error = stage.layer.weight[units], stage.layer.bias[units], stage.error[:, units]
    rows, constant = torch.cat([weight, -weight]), torch.cat([bias - error, -bias - error], 1)
    from_below, from_above = lower_bound(before, low, high, rows, constant).chunk(2, 1)
    tighter_low, tighter_high = stage.low.clone(), stage.high.clone()
    tighter_low[:, units] = torch.maximum(stage.low[:, units], from_below)
    tighter_high[:, units] = torch.minimum(stage.high[:, units], -from_above)
    # Unit by unit, so that a beat's bounds do not depend on the others in its batch.
    return replace(
        stage, low=torch.where(unsure, tighter_low, stage.low), high=torch.where(unsure, tighter_high, stage.high)
    )


METHODS: dict[str, Method] = {"crown": crown_margins, "interval": interval_margins}


def get_method(name: str) -> Method:
    """The bound called ``name``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in METHODS:
        raise UserError(f'There is no certificate "{name}". Choose one of: {", ".join(METHODS)}.')
    return METHODS[name]
