"""Step 7: a noise level up to which no noise flips a beat, proved by interval bounds."""

import numpy as np
import torch
from torch import Tensor, nn

from nsr_core.attacks import Box
from nsr_core.data import Beats
from nsr_core.evaluation.lesson.units import layers_of
from nsr_core.evaluation.rows import as_tensors
from nsr_core.methods.terms import true_logit

#: No level above it is tried for a certificate; halvings of that range.
CERTIFIED_MOST = 0.3
HALVINGS = 30


def guaranteed_margin(network: nn.Module, x: Tensor, y: Tensor, box: Box) -> Tensor:
    """(batch,) a number that right logit minus largest other cannot fall below anywhere in the box.

    Interval bounds: each unit's range is followed through the layers as if the units of a layer moved freely, so the
    true minimum may lie far above. The layers after the last ReLU are taken as the one linear map that they are.
    """
    *rectified, narrow, last = layers_of(network)
    low, high = box.low.double(), box.high.double()
    with torch.no_grad():
        for layer in rectified:
            centre, radius = _through(layer, (high + low) / 2, (high - low) / 2)
            low, high = (centre - radius).relu(), (centre + radius).relu()
        weight = last.weight.double() @ narrow.weight.double()
        centre, radius = (high + low) / 2, (high - low) / 2
        inner, _ = _through(narrow, centre, torch.zeros_like(radius))
        logits, _ = _through(last, inner, torch.zeros_like(inner))
        difference = weight[y][:, None] - weight  # (batch, classes, 128): right class minus each
        gaps = true_logit(logits, y)[:, None] - logits - (difference.abs() * radius[:, None]).sum(2)
        return gaps.scatter(1, y[:, None], torch.inf).amin(1)


def _through(layer: nn.Linear, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and half-widths of a layer's outputs, in double precision."""
    weight = layer.weight.double()
    moved = centre @ weight.T
    return moved if layer.bias is None else moved + layer.bias.double(), radius @ weight.abs().T


def certified_eps(network: nn.Module, beats: Beats, row: int) -> float:
    """A noise level up to which no noise on the signal samples flips a beat, proved by interval bounds; 0 without proof."""
    x, y, length = as_tensors(beats, np.array([row]))
    low, high = 0.0, CERTIFIED_MOST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        proved = float(guaranteed_margin(network, x, y, Box.around(x, middle, length))) > 0
        low, high = (middle, high) if proved else (low, middle)
    return low
