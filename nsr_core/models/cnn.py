"""The residual convolutional network of Kachuee et al. (2018), as the paper uses it."""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from nsr_core.data.beats import CLASSES
from nsr_core.models.kernels import KernelLayer

CHANNELS = 32
KERNEL = 5


def _convolution(into: int, bias: bool) -> nn.Conv1d:
    return nn.Conv1d(into, CHANNELS, KERNEL, padding=KERNEL // 2, bias=bias)


class Block(nn.Module):
    """Convolution, ReLU, convolution, plus the block's input, ReLU, max-pool of 5 with stride 2."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.first = _convolution(CHANNELS, bias)
        self.second = _convolution(CHANNELS, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 32, length) to (batch, 32, (length - 5) // 2 + 1)."""
        residual = self.second(functional.relu(self.first(x)))
        return functional.max_pool1d(functional.relu(residual + x), KERNEL, stride=2)


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
        x = self.stem(x.unsqueeze(1))  # (batch, 32, 187)
        for block in self.blocks:
            x = block(x)  # lengths 92, 44, 20, 8, 2
        x = functional.relu(self.hidden(x.flatten(1)))  # (batch, 64) -> (batch, 32)
        return self.output(x)

    def normalised_layers(self) -> list[KernelLayer]:
        """The layers whose kernels the paper protocol keeps at unit norm: all but the fifth block's."""
        blocks = cast(list[Block], list(self.blocks))
        first_four = [layer for block in blocks[:4] for layer in (block.first, block.second)]
        return [self.stem, *first_four, self.hidden, self.output]
