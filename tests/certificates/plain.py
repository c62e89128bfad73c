"""CROWN once more, plain: float64, dense matrices, one beat, nothing shared with the project's but the definition."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from tests.certificates.tinynets import TinyCNN

Matrix = NDArray[np.float64]
#: (A, b, sources) with z = sum of A h + b; then windows of h' = max over 0 and z in the window, or none.
PlainStage = tuple[dict[int, Matrix], Matrix, list[list[int]] | None]


def matrix_of(layer: nn.Module, channels: int, length: int) -> tuple[Matrix, Matrix]:
    """A and b of a layer on (channels, length) inputs, by trying it on each of them."""
    flat = isinstance(layer, nn.Linear)
    shape = (-1, channels * length) if flat else (-1, channels, length)
    with torch.no_grad():
        wide = layer.double()
        bias = wide(torch.zeros(1, channels * length).double().view(shape)).flatten()
        columns = wide(torch.eye(channels * length).double().view(shape)).flatten(1) - bias
    return columns.numpy().T, bias.numpy()


def stages_of_cnn(network: "TinyCNN", length: int) -> list[PlainStage]:
    """Of a network with ``stem``, ``blocks``, ``hidden`` and ``output``, such as the CNN."""
    channels = network.stem.out_channels
    matrix, bias = matrix_of(network.stem, 1, length)
    stages: list[PlainStage] = [({-1: matrix}, bias, None)]
    last = 0
    for block in network.each_block():
        matrix, bias = matrix_of(block.first, channels, length)
        stages.append(({last: matrix}, bias, [[unit] for unit in range(channels * length)]))
        matrix, bias = matrix_of(block.second, channels, length)
        pooled = (length - 5) // 2 + 1
        windows = [
            [channel * length + 2 * place + tap for tap in range(5)]
            for channel in range(channels)
            for place in range(pooled)
        ]
        stages.append(({len(stages) - 1: matrix, last: np.eye(channels * length)}, bias, windows))
        last, length = len(stages) - 1, pooled
    matrix, bias = matrix_of(network.hidden, channels, length)
    stages.append(({last: matrix}, bias, [[unit] for unit in range(len(bias))]))
    matrix, bias = matrix_of(network.output, len(bias), 1)
    return [*stages, ({len(stages) - 1: matrix}, bias, None)]


def stages_of_mlp(layers: list[nn.Linear], rectified: int) -> list[PlainStage]:
    """Of linear layers, the first of which a ReLU follows."""
    stages: list[PlainStage] = []
    for number, layer in enumerate(layers):
        matrix, bias = matrix_of(layer, layer.in_features, 1)
        windows = [[unit] for unit in range(len(bias))] if number < rectified else None
        stages.append(({number - 1: matrix}, bias, windows))
    return stages


def margins(stages: list[PlainStage], x: Tensor, eps: float, y: int) -> Matrix:
    """z_y - z_i, for each other class i, from below over the box of ``eps`` around a beat, cut to [0, 1]."""
    low, high = np.clip(x.double().numpy() - eps, 0, 1), np.clip(x.double().numpy() + eps, 0, 1)
    ranges: list[tuple[Matrix, Matrix]] = []  # of each stage's z
    for number, (terms, bias, windows) in enumerate(stages):
        lower = upper = bias
        for source, matrix in terms.items():
            below, above = after(stages, ranges, source, low, high)
            positive, negative = np.maximum(matrix, 0), np.minimum(matrix, 0)
            lower, upper = lower + positive @ below + negative @ above, upper + positive @ above + negative @ below
        ranges.append((lower, upper))
        if number and windows is not None:
            rows = np.eye(len(bias))
            lower = np.maximum(lower, backwards(stages, ranges, number, rows, low, high))
            upper = np.minimum(upper, -backwards(stages, ranges, number, -rows, low, high))
            ranges[-1] = lower, upper
    others = [i for i in range(len(stages[-1][1])) if i != y]
    rows = np.eye(len(stages[-1][1]))[[y]] - np.eye(len(stages[-1][1]))[others]
    return backwards(stages, ranges, len(stages) - 1, rows, low, high)


def after(stages, ranges, number, low, high):
    if number < 0:
        return low, high
    (lower, upper), windows = ranges[number], stages[number][2]
    if windows is None:
        return lower, upper
    return tuple(np.array([max(0.0, *values[window]) for window in windows]) for values in (lower, upper))


def backwards(stages, ranges, number, rows, low, high):
    """Rows of stage ``number``'s z, from below."""
    of_values, total = {number: rows}, np.zeros(len(rows))
    for now in range(number, -1, -1):
        terms, bias, windows = stages[now]
        if now not in of_values:
            continue
        rows = of_values.pop(now)
        if windows is not None and now < number:
            lower, upper = ranges[now]
            rows, constant = by_lines(lower, upper, windows, rows)
            total = total + constant
        total = total + rows @ bias
        for source, matrix in terms.items():
            of_values[source] = of_values.get(source, 0) + rows @ matrix
    rows = of_values[-1]
    return total + np.maximum(rows, 0) @ low + np.minimum(rows, 0) @ high


def by_lines(lower, upper, windows, rows):
    back, constant = np.zeros((len(rows), len(lower))), np.zeros(len(rows))
    for unit, window in enumerate(windows):
        positive, negative = np.maximum(rows[:, unit], 0), np.minimum(rows[:, unit], 0)
        below = max(window, key=lambda z: lower[z] + upper[z])
        if lower[below] + upper[below] > 0:
            back[:, below] += positive
        top = max(window, key=lambda z: upper[z])
        rest = max([0.0, *(upper[z] for z in window if z != top)])
        level = max(lower[top], rest)
        slope = (upper[top] - level) / (upper[top] - lower[top]) if upper[top] > level else 0.0
        offset = level - slope * lower[top] if upper[top] > 0 else 0.0
        back[:, top] += negative * slope
        constant += negative * offset
    return back, constant
