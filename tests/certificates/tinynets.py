"""Networks small enough to be known exactly, for the tests of certificates (``import tinynets``)."""

from itertools import pairwise, product

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor, nn


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
        (m.weight.detach().double().numpy(), m.bias.detach().double().numpy()) for m in network if hasattr(m, "weight")
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
