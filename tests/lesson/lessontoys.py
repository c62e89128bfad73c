"""Networks and beats of which the lesson's numbers are known."""

import numpy as np
import torch
from torch import nn

from nsr_core.evaluation.rows import read_correctly
from nsr_core.models import MLP

EPS = 0.05
SEEN = 128


def straight_mlp(difference: torch.Tensor, offset: float) -> MLP:
    """An MLP whose units are all on within [0, 1]: z_0 = offset, z_1 = difference . x[:128], the others far below."""
    model = MLP()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        *first, fourth, last = (layer for layer in model.layers if isinstance(layer, nn.Linear))
        for layer in first:
            layer.weight[:, :SEEN] = torch.eye(SEEN)
        first[0].bias[:] = 0.5  # on even where the beat is 0; taken off again below
        fourth.weight[0] = difference
        fourth.bias[0] = -0.5 * difference.sum()
        last.weight[1, 0] = 1
        last.bias[:] = torch.tensor([offset, 0, -1e4, -1e4, -1e4])
    return model.eval()


def rows_read_correctly(network, beats, count=5) -> list[int]:
    return np.flatnonzero(read_correctly(network, beats, np.arange(len(beats))))[::37][:count].tolist()
