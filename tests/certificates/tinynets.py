"""Networks small enough to be known exactly, for the tests of certificates (``import tinynets``)."""

from itertools import pairwise, product

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.certificates.operators import Maximum
from nsr_core.certificates.stages import INPUT, Description, describes, residual_block


def linear(weight: Tensor, bias: Tensor) -> nn.Sequential:
    """logits = W x + b."""
    layer = nn.Linear(weight.shape[1], weight.shape[0]).to(weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return nn.Sequential(layer).eval()


def relu_net(widths: tuple[int, ...], seed: int, tail: bool = False, dtype: torch.dtype = torch.float32):
    """Linear layers with a ReLU between each two; with ``tail``, none before the last, as in the MLP."""
    generator = torch.Generator().manual_seed(seed)
    parts: list[nn.Module] = []
    for number, (into, out) in enumerate(pairwise(widths)):
        layer = nn.Linear(into, out)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(out, into, generator=generator))
            layer.bias.copy_(0.5 * torch.randn(out, generator=generator))
        parts.append(layer)
        if number < len(widths) - (3 if tail else 2):
            parts.append(nn.ReLU())
    return nn.Sequential(*parts).to(dtype).eval()


def exact_radius(network: nn.Sequential, x: np.ndarray, y: int) -> float:
    """The smallest largest change that makes another class at least as likely within [0, 1]; infinite where none does.

    For each pattern of units on and off the network is linear: the smallest t with |v - x| <= t, each unit on its side
    and z_y <= z_i is a linear program in (v, t).
    """
    layers = [
        (m.weight.detach().double().numpy(), m.bias.detach().double().numpy())
        for m in network
        if isinstance(m, nn.Linear)
    ]
    hidden = [len(bias) for _, bias in layers[:-1]]
    size, nearest = len(x), np.inf
    for pattern in product((0.0, 1.0), repeat=sum(hidden)):
        weight, bias, sides, limits = np.eye(size), np.zeros(size), [], []
        on = np.split(np.array(pattern), np.cumsum(hidden)[:-1])
        for number, (w, b) in enumerate(layers):
            weight, bias = w @ weight, w @ bias + b
            if number < len(hidden):
                sign = 1 - 2 * on[number]  # -1 where on: -z <= 0
                sides.append(sign[:, None] * weight)
                limits.append(-sign * bias)
                weight, bias = on[number][:, None] * weight, on[number] * bias
        near = np.hstack([np.vstack([np.eye(size), -np.eye(size)]), -np.ones((2 * size, 1))])
        pinned = np.hstack([np.vstack(sides), np.zeros((sum(hidden), 1))])
        for other in set(range(len(bias))) - {y}:
            flips = np.append(weight[y] - weight[other], 0)[None]
            found = linprog(
                np.append(np.zeros(size), 1),
                A_ub=np.vstack([near, pinned, flips]),
                b_ub=np.concatenate([x, -x, *limits, [bias[other] - bias[y]]]),
                bounds=[(0, 1)] * size + [(0, None)],
            )
            if found.success:
                nearest = min(nearest, found.fun)
    return nearest


class TinyBlock(nn.Module):
    """The CNN's block, of a few channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, channels, 5, padding=2)
        self.second = nn.Conv1d(channels, channels, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        total = self.second(functional.relu(self.first(x))) + x
        return functional.max_pool1d(functional.relu(total), 5, 2)


class TinyCNN(nn.Module):
    """The CNN with few channels and a short beat, as plain PyTorch has it: what a third network looks like from outside."""

    def __init__(self, length: int, channels: int, blocks: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.stem = nn.Conv1d(1, channels, 5, padding=2)
            self.blocks = nn.ModuleList(TinyBlock(channels) for _ in range(blocks))
            self.length = length
            for _ in range(blocks):
                length = (length - 5) // 2 + 1
            self.hidden = nn.Linear(channels * length, 6)
            self.output = nn.Linear(6, 3)
            for parameter in self.parameters():
                nn.init.normal_(parameter, std=0.7 if parameter.dim() == 3 else 0.5)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length) to (batch, 3)."""
        maps = self.stem(x[:, None])
        for block in self.blocks:
            maps = block(maps)
        return self.output(functional.relu(self.hidden(maps.flatten(1))))

    def each_block(self) -> list[TinyBlock]:
        return [block for block in self.blocks if isinstance(block, TinyBlock)]


@describes(TinyCNN)
def tiny_cnn(network: TinyCNN) -> Description:
    stages = Description(network.length)
    maps = stages.convolution(network.stem, INPUT)
    for block in network.each_block():
        maps = residual_block(stages, block, maps, Maximum(5, 2))
    stages.dense(network.output, stages.dense(network.hidden, maps, Maximum()))
    return stages
