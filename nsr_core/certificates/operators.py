"""What networks are made of, each with its bounds: linear operators, and the maximum that ReLU and max-pooling are.

Values are (batch, length, channels): of a dense layer one position with all its units as channels.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from nsr_core.certificates.rows import Rows, total


class Operator(Protocol):
    """A linear map A of values. Weights are float32: those of a float64 network are rounded, which counts as a rounding.

    Attributes:
        inputs: the largest number of terms in one of the sums that it consists of.
        fan: the largest number of terms in one of the sums that it, or its transpose, consists of.
    """

    @property
    def inputs(self) -> int: ...

    @property
    def fan(self) -> int: ...

    def __call__(self, values: Tensor, absolute: bool = False) -> Tensor:
        """A times (batch, length, channels) values in float32 or float64, or its sizes times them."""
        ...

    def pull_back(self, rows: Rows) -> Rows:
        """Forms of A's values as forms of its inputs."""
        ...


@dataclass(frozen=True)
class Dense:
    """A linear layer on all of its source's values.

    Attributes:
        weight: (out, length, channels).
    """

    weight: Tensor

    @property
    def inputs(self) -> int:
        return self.weight[0].numel()

    @property
    def fan(self) -> int:
        return max(len(self.weight), self.inputs)

    @cached_property
    def _flat(self) -> Tensor:
        return self.weight.flatten(1)

    @cached_property
    def _absolute(self) -> Tensor:
        return self._flat.abs()

    def __call__(self, values: Tensor, absolute: bool = False) -> Tensor:
        weight = self._absolute if absolute else self._flat
        return (values.flatten(1) @ weight.to(values.dtype).T)[:, None]

    def pull_back(self, rows: Rows) -> Rows:
        batch, count = rows.coefficients.shape[:2]
        back = rows.coefficients.flatten(0, 2) @ self._flat
        return Rows(back.view(batch, count, *self.weight.shape[1:]))


@dataclass(frozen=True)
class Convolution:
    """A convolution of odd kernel and stride 1 that keeps the length, as 2-D one of height 1 with channels last.

    Attributes:
        weight: (out, in, kernel).
        length: positions.
    """

    weight: Tensor
    length: int

    @property
    def inputs(self) -> int:
        return self.weight[0].numel()

    @property
    def fan(self) -> int:
        return max(self.weight.shape[:2]) * self.weight.shape[2]

    @cached_property
    def _kernels(self) -> Tensor:
        return self.weight[:, :, None].contiguous(memory_format=torch.channels_last)

    @cached_property
    def _absolute(self) -> Tensor:
        return self._kernels.abs()

    @property
    def _reach(self) -> int:
        return self.weight.shape[2] // 2

    def __call__(self, values: Tensor, absolute: bool = False) -> Tensor:
        kernels = self._absolute if absolute else self._kernels
        maps = values[:, None].permute(0, 3, 1, 2)  # (batch, in, 1, length)
        return functional.conv2d(maps, kernels.to(values.dtype), padding=(0, self._reach))[:, :, 0].transpose(1, 2)

    def pull_back(self, rows: Rows) -> Rows:
        shape = rows.coefficients.shape[:2]
        maps = rows.coefficients.flatten(0, 1)[:, None].permute(0, 3, 1, 2)
        if rows.coefficients.shape[2] == self.length:
            back = functional.conv_transpose2d(maps, self._kernels, padding=(0, self._reach))[:, :, 0].transpose(1, 2)
            return Rows(back.unflatten(0, shape))
        grown = functional.conv_transpose2d(maps, self._kernels)[:, :, 0].transpose(1, 2)
        return Rows(grown.unflatten(0, shape), rows.start - self._reach).cut(self.length)


@dataclass(frozen=True)
class Skip:
    """A residual connection: the values themselves."""

    inputs: int = 1
    fan: int = 1

    def __call__(self, values: Tensor, absolute: bool = False) -> Tensor:
        return values

    def pull_back(self, rows: Rows) -> Rows:
        return rows


@dataclass(frozen=True)
class Lines:
    """Lines around a maximum's values h, by what its sums z are: both as differences from those at the beat.

    sum over taps of low[tap] z - low_gap <= h <= sum over taps of up[tap] z + up_gap, rounding of z included.

    Attributes:
        low, up: of each tap, (batch, windows, channels) float32 slopes.
        low_gap, up_gap: (batch, windows, channels) float64, not negative.
    """

    low: tuple[Tensor, ...]
    up: tuple[Tensor, ...]
    low_gap: Tensor
    up_gap: Tensor


@dataclass(frozen=True)
class Maximum:
    """The largest of 0 and of ``width`` neighbours, every ``stride`` positions: a ReLU, or one followed by max-pooling.

    Both are exact in floating point, and in either order the same.
    """

    width: int = 1
    stride: int = 1

    def __call__(self, z: Tensor) -> Tensor:
        """(batch, length, channels) to (batch, windows, channels)."""
        return self._windows(z).amax(-1).relu()

    def undecided(self, low: Tensor, high: Tensor) -> Tensor:
        """(batch, length, channels) which sums may, and need not, be a window's largest."""
        below, above = self._windows(low), self._windows(high)
        surest = below.amax(-1)
        rivals = above > surest.relu()[..., None]
        rivals &= (rivals.sum(-1) + (surest < 0) > 1)[..., None]
        found = torch.zeros_like(low, dtype=torch.bool)
        for tap in range(self.width):
            self._tap(found, tap, rivals.shape[1]).logical_or_(rivals[..., tap])
        return found

    def lines(self, at: Tensor, low: Tensor, high: Tensor, slack: Tensor) -> Lines:
        """Lines around the maximum for sums between ``low`` and ``high``.

        Below: the sum, or 0, whose middle is largest; of a ReLU that is the line that leaves the smaller area (Zhang et al.
        2018, section 3.3). Above: of all sums z of a window only that which can be largest may exceed m, the largest that
        another or 0 can be; so the chord of max(z, m) between the ends of z lies above. Of a ReLU that is its chord.

        Args:
            at: (batch, length, channels) float64, the sums at the beat.
            low, high: bounds of the sums themselves, rounding included.
            slack: what rounding may add to a sum, and take from it.
        """
        below, above = self._windows(low), self._windows(high)
        middle, lower_at = (below + above).max(-1, keepdim=True)
        upper_at = above.argmax(-1, keepdim=True)
        end, start = above.gather(-1, upper_at), below.gather(-1, upper_at)
        others = above.scatter(-1, upper_at, 0.0).amax(-1, keepdim=True).relu()
        level = torch.maximum(start, others)
        useful = (middle > 0).float()
        slope = torch.where(end > level, (end - level) / (end - start), 0.0).float()
        # From the slope as rounded, so that the line is above at both ends.
        offset = torch.maximum(level - slope * start, torch.maximum(end, level) - slope * end)
        values, sums, error = self(at)[..., None], self._windows(at), self._windows(slack)
        low_gap = values - useful * (sums - error).gather(-1, lower_at)
        up_gap = slope * (sums + error).gather(-1, upper_at) + offset - values
        taps = torch.zeros_like(below, dtype=torch.float32)
        return Lines(
            taps.scatter(-1, lower_at, useful).unbind(-1),
            taps.scatter(-1, upper_at, slope).unbind(-1),
            low_gap[..., 0].clamp_min(0),
            up_gap[..., 0].clamp_min(0),
        )

    def pull_back(self, rows: Rows, lines: Lines) -> tuple[Tensor, Rows]:
        """Forms of the maximum's values, as what they may fall, (batch, rows), and forms of its sums."""
        positive, negative = rows.coefficients.clamp_min(0), rows.coefficients.clamp_max(0)
        fall = total(positive, rows.within(lines.low_gap)) - total(negative, rows.within(lines.up_gap))
        low, up = ([rows.within(tap) for tap in taps] for taps in (lines.low, lines.up))
        if self.width == 1:
            return fall, Rows((positive * low[0][:, None]).addcmul_(negative, up[0][:, None]), rows.start)
        batch, count, windows, channels = torch.broadcast_shapes(positive.shape, low[0][:, None].shape)
        back = positive.new_zeros(batch, count, self.stride * (windows - 1) + self.width, channels)
        # Taps that are whole strides apart fall on the same places, which are summed up on their own, side by side in memory.
        for phase in range(min(self.stride, self.width)):
            taps = range(phase, self.width, self.stride)
            places = positive.new_zeros(batch, count, windows + len(taps) - 1, channels)
            for shift, tap in enumerate(taps):
                part = places[:, :, shift : shift + windows]
                part.addcmul_(positive, low[tap][:, None]).addcmul_(negative, up[tap][:, None])
            back[:, :, phase :: self.stride][:, :, : places.shape[2]] = places
        return fall, Rows(back, rows.start * self.stride)

    def _windows(self, values: Tensor) -> Tensor:
        """(batch, windows, channels, width)."""
        return values.unfold(1, self.width, self.stride)

    def _tap(self, values: Tensor, tap: int, windows: int) -> Tensor:
        """(batch, windows, channels) view of the values that stand at one tap of each window."""
        return values[:, tap : tap + self.stride * (windows - 1) + 1 : self.stride]
