"""Linear bounds through a stack of layers: the arithmetic that all certificates share.

Everything is computed in float64, and bounds what the network gives in float32: each layer's rounding enters as an error
of its own (``Layer.rounding``) that is carried along like the layer's other uncertainty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from nsr_core.certificates.layers import Layer


@dataclass(frozen=True)
class Stage:
    """A layer and what is known of it on a batch of boxes.

    Attributes:
        layer: the layer.
        error: (batch, out) its rounding.
        low, high: (batch, out) bounds of its outputs before the ReLU, rounding included.
    """

    layer: Layer
    error: Tensor
    low: Tensor
    high: Tensor

    @property
    def after(self) -> tuple[Tensor, Tensor]:
        """(batch, out) bounds after the ReLU, where there is one."""
        return (self.low.relu(), self.high.relu()) if self.layer.rectified else (self.low, self.high)

    @cached_property
    def relaxation(self) -> tuple[Tensor, Tensor, Tensor]:
        """Lines around the ReLU: lower z <= max(z, 0) <= upper z + offset for each z in [low, high]; each (batch, 1, out).

        A unit that is always on or always off is its own line. Else the upper line joins the ends, and the lower has slope
        1 or 0, whichever leaves the smaller area in between (Zhang et al. 2018, section 3.3).
        """
        both = (self.low < 0) & (self.high > 0)
        always_on = (self.low >= 0).to(self.low)
        upper = torch.where(both, self.high / torch.where(both, self.high - self.low, 1.0), always_on)
        lower = torch.where(both, (self.high > -self.low).to(upper), always_on)
        offset = torch.where(both, -upper * self.low, 0.0)
        return lower[:, None], upper[:, None], offset[:, None]


def interval_stage(layer: Layer, low: Tensor, high: Tensor) -> Stage:
    """A layer on inputs that move freely between (batch, in) ``low`` and ``high``."""
    centre, radius = (high + low) / 2, (high - low) / 2
    error = layer.rounding(torch.maximum(low.abs(), high.abs()))
    middle = centre @ layer.weight.T + layer.bias
    spread = radius @ layer.absolute.T + error
    return Stage(layer, error, middle - spread, middle + spread)


def lower_bound(stages: Sequence[Stage], low: Tensor, high: Tensor, rows: Tensor, constant: Tensor) -> Tensor:
    """(batch, rows) what ``constant`` + ``rows`` times the last stage's values, after its ReLU, cannot fall below.

    Backwards from stage to stage: for each ReLU the line is put in that can only lower the sum, for each layer its
    definition, until the sum is one of the first inputs, whose minimum over a box is known.

    Args:
        stages: in the network's order; without any, the values are those in the box.
        low, high: (batch, in) box of the first stage's inputs.
        rows: (rows, values), or (batch, rows, values).
        constant: (batch, rows).
    """
    for stage in reversed(stages):
        if stage.layer.rectified:
            lower, upper, offset = stage.relaxation
            constant = constant + (rows.clamp_max(0) @ offset.mT)[..., 0]
            rows = rows * torch.where(rows > 0, lower, upper)
        constant = constant + rows @ stage.layer.bias - _times(rows.abs(), stage.error)
        rows = rows @ stage.layer.weight
    return constant + _times(rows, (high + low) / 2) - _times(rows.abs(), (high - low) / 2)


def _times(rows: Tensor, values: Tensor) -> Tensor:
    """(rows, n) or (batch, rows, n) times (batch, n), to (batch, rows)."""
    return values @ rows.T if rows.dim() == 2 else (rows @ values[..., None])[..., 0]


def differences(y: Tensor, classes: int) -> Tensor:
    """(batch, classes - 1, classes) float64: times the logits, the true class's minus each other's."""
    other = torch.arange(classes - 1, device=y.device).expand(len(y), -1)
    other = other + (other >= y[:, None])
    one_hot = torch.eye(classes, dtype=torch.float64, device=y.device)
    return one_hot[y][:, None] - one_hot[other]
