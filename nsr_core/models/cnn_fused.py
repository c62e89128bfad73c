"""The CNN's convolutional part on a CUDA device as one kernel forward and one back, for attacks.

An attack goes through the network thousands of times without asking for a gradient with respect to its weights. Layer by
layer that is some eighty kernels of a few microseconds a step; here one program takes one beat through all eleven
convolutions, its maps (187 x 32 numbers) never leaving the multiprocessor's caches. Products are TF32 with the three-fold
correction, so that logits agree with those of float32 to about seven digits.

Triton comes with PyTorch's CUDA builds; where it is missing, the layers run one by one.
"""

from __future__ import annotations  # the kernels' annotations name Triton, which may be missing

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

try:
    import triton
    from triton import language as tl
except ImportError:  # a CPU build of PyTorch
    triton = tl = None  # type: ignore[assignment]

CHANNELS = 32
TAPS = 5
#: Of the maps before and after each of the five blocks' max-pooling.
LENGTHS = (187, 92, 44, 20, 8, 2)
#: Rows of a map that one product takes at a time.
ROWS = (64, 64, 64, 32, 16)


def is_available(x: Tensor) -> bool:
    """Whether the kernels can run where ``x`` lies."""
    return triton is not None and x.is_cuda and x.dtype == torch.float32


class Weights(NamedTuple):
    """The convolutions' numbers in the order of the kernels' reading.

    Attributes:
        stem: (5, 32) taps by output channels.
        stem_bias: (32,).
        convolutions: (10, 5, 32, 32) layers by taps, input and output channels.
        biases: (10, 32).
    """

    stem: Tensor
    stem_bias: Tensor
    convolutions: Tensor
    biases: Tensor


def pack(stem: nn.Conv1d, layers: list[nn.Conv1d]) -> Weights:
    """The layers' weights, (32, 1, 5) and ten times (32, 32, 5), and biases as the kernels read them."""
    nothing = torch.zeros(CHANNELS, dtype=stem.weight.dtype, device=stem.weight.device)
    return Weights(
        stem.weight[:, 0].t().contiguous(),
        nothing if stem.bias is None else stem.bias,
        torch.stack([layer.weight for layer in layers]).permute(0, 3, 2, 1).contiguous(),
        torch.stack([nothing if layer.bias is None else layer.bias for layer in layers]),
    )


class Trail(NamedTuple):
    """What the way back needs: which units were above 0, and which sample each maximum came from.

    Attributes:
        first, second: (batch, sum of lengths, 32) int8, after each block's first ReLU and its second.
        winners: (batch, sum of pooled lengths, 32) int8, 0 to 4 within the window.
    """

    first: Tensor
    second: Tensor
    winners: Tensor


BEFORE, AFTER = sum(LENGTHS[:-1]), sum(LENGTHS[1:])


def features(x: Tensor, weights: Weights, keep: bool) -> tuple[Tensor, Trail | None]:
    """(batch, 187) beats to (batch, 64) features, in the order of the layers' flattened output.

    Args:
        keep: whether the trail for ``pull_back`` is wanted.
    """
    x = x.contiguous()
    batch = len(x)
    out = x.new_empty(batch, CHANNELS * LENGTHS[-1])
    maps = x.new_empty(batch, 3, LENGTHS[0], CHANNELS)
    sizes = (BEFORE, BEFORE, AFTER) if keep else (0, 0, 0)
    trail = Trail(*(torch.empty(batch, size, CHANNELS, dtype=torch.int8, device=x.device) for size in sizes))
    if batch:
        _forward[(batch,)](x, *weights, maps, *trail, out, keep, num_warps=4)
    return out, trail if keep else None


def pull_back(gradient: Tensor, weights: Weights, trail: Trail | None) -> Tensor:
    """(batch, 64) gradient with respect to the features to (batch, 187) with respect to the beats."""
    assert trail is not None
    gradient = gradient.contiguous()
    batch = len(gradient)
    out = gradient.new_empty(batch, LENGTHS[0])
    maps = gradient.new_empty(batch, 3, LENGTHS[0], CHANNELS)
    if batch:
        _backward[(batch,)](gradient, weights.stem, weights.convolutions, maps, *trail, out, num_warps=4)
    return out


def _compiled(function: Any) -> Any:
    return function if triton is None else triton.jit(function)


def _constexpr(value: int) -> Any:
    return value if tl is None else tl.constexpr(value)


_C, _SAMPLES, _TAPS = _constexpr(CHANNELS), _constexpr(LENGTHS[0]), _constexpr(TAPS)
_BEFORE, _AFTER = _constexpr(BEFORE), _constexpr(AFTER)


@_compiled
def _product(source, kernel, rows, length: tl.constexpr, tall: tl.constexpr, back: tl.constexpr):
    """(tall, 32) rows of one convolution of the map at ``source``; backwards, of its transpose."""
    channel = tl.arange(0, _C)
    total = tl.zeros((tall, _C), dtype=tl.float32)
    for tap in tl.static_range(_TAPS):
        at = rows + tap - 2
        inside = (at >= 0) & (at < length)
        part = tl.load(source + at[:, None] * _C + channel[None, :], mask=inside[:, None], other=0.0)
        if back:  # tap 4 - tap, from output to input channels
            weight = tl.load(kernel + (_TAPS - 1 - tap) * _C * _C + channel[None, :] * _C + channel[:, None])
        else:
            weight = tl.load(kernel + tap * _C * _C + channel[:, None] * _C + channel[None, :])
        total += tl.dot(part, weight, input_precision="tf32x3")
    return total


@_compiled
def _block_forward(
    source, inner, outer, kernel, bias, first, second, winners,
    length: tl.constexpr, pooled: tl.constexpr, tall: tl.constexpr, keep: tl.constexpr,
):  # fmt: skip
    """One block: the map at ``source`` becomes that at ``outer``; ``inner`` is scratch. ``source`` is overwritten."""
    channel = tl.arange(0, _C)
    for start in range(0, length, tall):
        rows = start + tl.arange(0, tall)
        here, spot = (rows < length)[:, None], rows[:, None] * _C + channel[None, :]
        value = _product(source, kernel, rows, length, tall, False) + tl.load(bias + channel)[None, :]
        if keep:
            tl.store(first + spot, (value > 0).to(tl.int8), mask=here)
        tl.store(inner + spot, tl.maximum(value, 0.0), mask=here)
    tl.debug_barrier()
    for start in range(0, length, tall):
        rows = start + tl.arange(0, tall)
        here, spot = (rows < length)[:, None], rows[:, None] * _C + channel[None, :]
        value = _product(inner, kernel + _TAPS * _C * _C, rows, length, tall, False)
        value += tl.load(bias + _C + channel)[None, :] + tl.load(source + spot, mask=here, other=0.0)
        if keep:
            tl.store(second + spot, (value > 0).to(tl.int8), mask=here)
        tl.store(source + spot, tl.maximum(value, 0.0), mask=here)
    tl.debug_barrier()
    for start in range(0, pooled, tall):
        rows = start + tl.arange(0, tall)
        here, spot = (rows < pooled)[:, None], rows[:, None] * _C + channel[None, :]
        largest = tl.load(source + 2 * rows[:, None] * _C + channel[None, :], mask=here, other=0.0)
        winner = tl.zeros((tall, _C), dtype=tl.int32)
        for place in tl.static_range(1, 5):
            value = tl.load(source + (2 * rows[:, None] + place) * _C + channel[None, :], mask=here, other=0.0)
            winner = tl.where(value > largest, place, winner)  # of equals the first, as PyTorch's
            largest = tl.maximum(largest, value)
        if keep:
            tl.store(winners + spot, winner.to(tl.int8), mask=here)
        tl.store(outer + spot, largest, mask=here)
    tl.debug_barrier()


@_compiled
def _forward(x, stem, stem_bias, kernels, biases, maps, first, second, winners, out, keep: tl.constexpr):
    beat = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, _C)
    size: tl.constexpr = _SAMPLES * _C
    a = maps + beat * 3 * size
    b, c = a + size, a + 2 * size
    first += beat * _BEFORE * _C
    second += beat * _BEFORE * _C
    winners += beat * _AFTER * _C
    for start in range(0, _SAMPLES, 64):
        rows = start + tl.arange(0, 64)
        total = tl.zeros((64, _C), dtype=tl.float32) + tl.load(stem_bias + channel)[None, :]
        for tap in tl.static_range(_TAPS):
            at = rows + tap - 2
            signal = tl.load(x + beat * _SAMPLES + at, mask=(at >= 0) & (at < _SAMPLES), other=0.0)
            total += signal[:, None] * tl.load(stem + tap * _C + channel)[None, :]
        tl.store(a + rows[:, None] * _C + channel[None, :], total, mask=(rows < _SAMPLES)[:, None])
    tl.debug_barrier()
    two: tl.constexpr = 2 * _TAPS * _C * _C
    _block_forward(a, b, c, kernels, biases, first, second, winners, 187, 92, 64, keep)
    _block_forward(
        c,
        b,
        a,
        kernels + two,
        biases + 2 * _C,
        first + 187 * _C,
        second + 187 * _C,
        winners + 92 * _C,
        92,
        44,
        64,
        keep,
    )
    _block_forward(
        a,
        b,
        c,
        kernels + 2 * two,
        biases + 4 * _C,
        first + 279 * _C,
        second + 279 * _C,
        winners + 136 * _C,
        44,
        20,
        64,
        keep,
    )
    _block_forward(
        c,
        b,
        a,
        kernels + 3 * two,
        biases + 6 * _C,
        first + 323 * _C,
        second + 323 * _C,
        winners + 156 * _C,
        20,
        8,
        32,
        keep,
    )
    _block_forward(
        a,
        b,
        c,
        kernels + 4 * two,
        biases + 8 * _C,
        first + 343 * _C,
        second + 343 * _C,
        winners + 164 * _C,
        8,
        2,
        16,
        keep,
    )
    for place in tl.static_range(2):
        tl.store(out + beat * 2 * _C + channel * 2 + place, tl.load(c + place * _C + channel))


@_compiled
def _block_backward(
    gradient, inner, kernel, first, second, winners,
    length: tl.constexpr, pooled: tl.constexpr, tall: tl.constexpr,
    outer,
):  # fmt: skip
    """The gradient at ``gradient``, with respect to a block's output, becomes that with respect to its input at ``outer``."""
    channel = tl.arange(0, _C)
    for start in range(0, length, tall):
        rows = start + tl.arange(0, tall)
        here, spot = (rows < length)[:, None], rows[:, None] * _C + channel[None, :]
        total = tl.zeros((tall, _C), dtype=tl.float32)
        for behind in tl.static_range(3):  # up to three windows hold a sample
            window = rows // 2 - behind
            place = rows - 2 * window
            holds = ((window >= 0) & (window < pooled) & (place < 5))[:, None] & here
            at = window[:, None] * _C + channel[None, :]
            won = tl.load(winners + at, mask=holds, other=-1).to(tl.int32) == place[:, None]
            total += tl.where(won, tl.load(gradient + at, mask=holds, other=0.0), 0.0)
        total = tl.where(tl.load(second + spot, mask=here, other=0) != 0, total, 0.0)
        tl.store(outer + spot, total, mask=here)
    tl.debug_barrier()
    for start in range(0, length, tall):
        rows = start + tl.arange(0, tall)
        here, spot = (rows < length)[:, None], rows[:, None] * _C + channel[None, :]
        value = _product(outer, kernel + _TAPS * _C * _C, rows, length, tall, True)
        value = tl.where(tl.load(first + spot, mask=here, other=0) != 0, value, 0.0)
        tl.store(inner + spot, value, mask=here)
    tl.debug_barrier()
    for start in range(0, length, tall):
        rows = start + tl.arange(0, tall)
        here, spot = (rows < length)[:, None], rows[:, None] * _C + channel[None, :]
        value = _product(inner, kernel, rows, length, tall, True)
        tl.store(outer + spot, value + tl.load(outer + spot, mask=here, other=0.0), mask=here)
    tl.debug_barrier()


@_compiled
def _backward(gradient, stem, kernels, maps, first, second, winners, out):
    beat = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, _C)
    size: tl.constexpr = _SAMPLES * _C
    a = maps + beat * 3 * size
    b, c = a + size, a + 2 * size
    first += beat * _BEFORE * _C
    second += beat * _BEFORE * _C
    winners += beat * _AFTER * _C
    for place in tl.static_range(2):
        tl.store(a + place * _C + channel, tl.load(gradient + beat * 2 * _C + channel * 2 + place))
    tl.debug_barrier()
    two: tl.constexpr = 2 * _TAPS * _C * _C
    _block_backward(a, b, kernels + 4 * two, first + 343 * _C, second + 343 * _C, winners + 164 * _C, 8, 2, 16, c)
    _block_backward(c, b, kernels + 3 * two, first + 323 * _C, second + 323 * _C, winners + 156 * _C, 20, 8, 32, a)
    _block_backward(a, b, kernels + 2 * two, first + 279 * _C, second + 279 * _C, winners + 136 * _C, 44, 20, 64, c)
    _block_backward(c, b, kernels + two, first + 187 * _C, second + 187 * _C, winners + 92 * _C, 92, 44, 64, a)
    _block_backward(a, b, kernels, first, second, winners, 187, 92, 64, c)
    for start in range(0, _SAMPLES, 64):
        rows = start + tl.arange(0, 64)
        total = tl.zeros((64,), dtype=tl.float32)
        for tap in tl.static_range(_TAPS):
            at = rows - tap + 2
            inside = (at >= 0) & (at < _SAMPLES)
            part = tl.load(c + at[:, None] * _C + channel[None, :], mask=inside[:, None], other=0.0)
            total += tl.sum(part * tl.load(stem + tap * _C + channel)[None, :], axis=1)
        tl.store(out + beat * _SAMPLES + rows, total, mask=rows < _SAMPLES)
