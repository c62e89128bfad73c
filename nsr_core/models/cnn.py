"""The residual convolutional network of Kachuee et al. (2018), as the paper uses it."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.data.beats import CLASSES
from nsr_core.models.kernels import KernelLayer

CHANNELS = 32
KERNEL = 5


def _convolution(into: int, bias: bool) -> nn.Conv1d:
    return nn.Conv1d(into, CHANNELS, KERNEL, padding=KERNEL // 2, bias=bias)


def _convolve(layer: nn.Conv1d, x: Tensor) -> Tensor:
    """A 1-D convolution of (batch, channels, 1, length), as a 2-D one of height 1 with the channels last in memory.

    The values are those of ``layer``. PyTorch's 1-D layers know no such layout, and its max-pooling with gradients is
    15 times as fast in it on a CPU.
    """
    weight = layer.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    return functional.conv2d(x, weight, layer.bias, padding=(0, KERNEL // 2))


class Block(nn.Module):
    """Convolution, ReLU, convolution, plus the block's input, ReLU, max-pool of 5 with stride 2."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.first = _convolution(CHANNELS, bias)
        self.second = _convolution(CHANNELS, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 32, 1, length) to (batch, 32, 1, (length - 5) // 2 + 1)."""
        residual = _convolve(self.second, functional.relu(_convolve(self.first, x)))
        return functional.max_pool2d(functional.relu(residual + x), (1, KERNEL), stride=(1, 2))


class CNN(nn.Module):
    """One convolution 1->32, five residual blocks, linear 64->32, ReLU, linear 32->5; 53,957 parameters.

    Args:
        bias: whether the layers have bias terms (the paper drops them for loss1, eq. 3).
    """

    name = "cnn"

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.stem = _convolution(1, bias)
        self.blocks = nn.ModuleList(Block(bias) for _ in range(5))
        self.hidden = nn.Linear(2 * CHANNELS, 32, bias=bias)
        self.output = nn.Linear(32, len(CLASSES), bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 187) beats to (batch, 5) logits."""
        x = _convolve(self.stem, x[:, None, None, :])  # (batch, 32, 1, 187)
        for block in self.blocks:
            x = block(x)  # lengths 92, 44, 20, 8, 2
        x = functional.relu(self.hidden(x.flatten(1)))  # (batch, 64) -> (batch, 32)
        return self.output(x)

    def normalised_layers(self) -> list[KernelLayer]:
        """The layers whose kernels the paper protocol keeps at unit norm: all but the fifth block's."""
        blocks = cast(list[Block], list(self.blocks))
        first_four = [layer for block in blocks[:4] for layer in (block.first, block.second)]
        return [self.stem, *first_four, self.hidden, self.output]
