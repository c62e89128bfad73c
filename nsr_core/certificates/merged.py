"""The first block of a convolutional network as one stage of the beat itself, where its ReLU is decided.

CROWN follows every row of coefficients back to the beat, and the first block, with the longest maps, costs as much as all
others together. But within small noise most units of its inner ReLU are decided: on or off in the whole box. What the block
sums up, z = J x + C h, is then a linear map J of the beat, of which each sum sees a dozen samples, and of the values h of the
undecided units; the lines around its max-pooling are taken into J and C. The bounds are those of the block's own stages, but
for rounding, of which the sizes add up where on the way through the stages signs would cancel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from nsr_core.certificates.bounds import Known, Range
from nsr_core.certificates.operators import Convolution, Maximum, Skip
from nsr_core.certificates.rows import Rows, roundoff, total
from nsr_core.certificates.stages import INPUT, UNDERFLOW, Stage

#: Positions of a block of ``Banded``. No sum may see more samples, so that one in this number can be followed at once.
STEP = 16
#: From this number of undecided units at a position, blocks of fewer positions are quicker.
MANY_UNITS = 2
#: Stages are merged where what rounding then takes more is at most this share of how far the sums move.
MOST_ROUNDING = 7e-4


@dataclass(frozen=True)
class Banded:
    """A linear map of one channel's values that sees few neighbours of each position, as dense blocks of positions.

    Attributes:
        blocks: of every ``step`` positions, the first input that they see and (step x channels, inputs) float32.
        step: positions in a block; the last one may have fewer.
        channels: of its values.
        inputs, fan: see ``Operator``.
    """

    blocks: tuple[tuple[int, Tensor], ...]
    step: int
    channels: int
    inputs: int
    fan: int

    @cached_property
    def _absolute(self) -> tuple[Tensor, ...]:
        return tuple(block.abs() for _, block in self.blocks)

    def __call__(self, values: Tensor, absolute: bool = False) -> Tensor:
        """The map, or its sizes, times (batch, inputs, 1) values; (batch, positions, channels)."""
        flat = values.flatten(1)
        sizes = self._absolute if absolute else [block for _, block in self.blocks]
        parts = [
            flat[:, first : first + block.shape[1]] @ block.to(flat.dtype).T
            for (first, _), block in zip(self.blocks, sizes, strict=True)
        ]
        return torch.cat(parts, 1).view(len(flat), -1, self.channels)

    def pull_back(self, rows: Rows) -> Rows:
        """Forms of its values as forms of its inputs."""
        flat, (start, width) = rows.coefficients.flatten(2).flatten(0, 1), (rows.start, rows.coefficients.shape[2])
        # Forms of no position at all, where units are far between, are forms of nothing: one block is touched all the same.
        begin = min(start // self.step, len(self.blocks) - 1)
        touched = range(begin, max(begin, (start + width - 1) // self.step) + 1)
        first = self.blocks[begin][0]
        last = max(self.blocks[number][0] + self.blocks[number][1].shape[1] for number in touched)
        back = flat.new_zeros(len(flat), last - first)
        for number in touched:
            begin, end = max(number * self.step, start), min((number + 1) * self.step, start + width)
            column, block = self.blocks[number]
            inner = block[(begin - number * self.step) * self.channels : (end - number * self.step) * self.channels]
            part = flat[:, (begin - start) * self.channels : (end - start) * self.channels]
            back[:, column - first : column - first + block.shape[1]].addmm_(part, inner)
        return Rows(back.view(*rows.coefficients.shape[:2], -1, 1), first)


@dataclass(frozen=True)
class Opened(Known):
    """The sums of a first block, and what they are made of, so that the lines of its maximum can be put in.

    Attributes:
        teeth: see ``_followed``.
        reach: how far from its position a sum sees.
        units: (units, 2) position and channel of the undecided units of the inner ReLU.
        convolution: of those, or None where there are none.
        inner: the number of their stage.
    """

    teeth: Tensor
    reach: int
    units: Tensor
    convolution: Convolution | None
    inner: int

    def pull_back(self, form: Rows) -> tuple[Tensor, list[tuple[int, Rows]]]:
        """See ``Known``; the lines of the maximum are in the maps."""
        if self.stage.maximum is None:
            return super().pull_back(form)
        positive, negative = form.coefficients.clamp_min(0), form.coefficients.clamp_max(0)
        fall = total(positive, form.within(self.lines.low_gap)) - total(negative, form.within(self.lines.up_gap))
        halves = replace(form, coefficients=positive), replace(form, coefficients=negative)
        sources = []
        for source, *sides in self._through:
            low, up = (side.pull_back(half) for side, half in zip(sides, halves, strict=True))
            sources.append((source, low.plus(up)))
        return fall, sources

    @cached_property
    def _through(self) -> list[tuple[int, "Banded", "Banded"]]:
        """Of each source the maps for coefficients that are positive, and negative."""
        assert self.stage.maximum is not None
        sides = [_chosen(torch.stack(taps, -1)[0], self.stage.maximum) for taps in (self.lines.low, self.lines.up)]
        overlap = _overlap(self.stage.maximum)
        low, up = (_banded(self.teeth, self.reach, *side, overlap) for side in sides)
        through = [(INPUT, low, up)]
        if self.convolution is not None:
            low, up = (_spreading(self.convolution, self.units, *side, overlap) for side in sides)
            through.append((self.inner, low, up))
        return through


def _overlap(maximum: Maximum) -> int:
    """How many of its windows may be of the same sum."""
    return -(-maximum.width // maximum.stride)


def _chosen(slopes: Tensor, maximum: Maximum) -> tuple[Tensor, Tensor]:
    """(windows, channels) which position's sum a window's line is of, and its slope, of (windows, channels, taps) slopes."""
    slope, tap = slopes.max(-1)
    return tap + maximum.stride * torch.arange(len(tap))[:, None], slope


def merged(before: Sequence[Known], now: Known, after: Sequence[Stage], box: Range) -> tuple[list[Known], Known] | None:
    """What to know instead of ``before`` and ``now``, the stages up to the sums of a first block, with fewer steps back.

    Args:
        before: convolutions of the beat, one of them with a ReLU.
        now: the stage after these.
        after: the stages that follow.
        box: of one beat.

    Returns:
        The same number of stages, with the same bounds; None where the stages are others, for more than one beat, and where
        rounding would take too much.
    """
    rectified = [number for number, known in enumerate(before) if known.stage.maximum is not None]
    stages = [*(known.stage for known in before), now.stage]
    operators = [operator for stage in stages for _, operator in stage.terms]
    referred = [source for stage in after for source, _ in stage.terms if source < len(before)]
    if len(now.at) > 1 or referred or not all(isinstance(one, Convolution | Skip) for one in operators):
        return None
    outer = [operator for source, operator in now.stage.terms if source in rectified]
    reach = _reaches(stages)
    if len(rectified) != 1 or len(outer) != 1 or now.stage.maximum is None or 2 * reach[-1] >= STEP:
        return None
    (inner,), (convolution,) = rectified, outer
    if before[inner].stage.maximum != Maximum() or not isinstance(convolution, Convolution):
        return None
    on = before[inner].low + before[inner].at >= 0
    off = before[inner].high + before[inner].at <= 0
    units = (~(on | off))[0].nonzero()  # in the order of their positions
    teeth, slack = _followed([*before, now], inner, on)
    if (slack[-1] - now.slack).mean() > MOST_ROUNDING * (now.high - now.low).mean():
        return None
    overlap = _overlap(now.stage.maximum)
    spread = torch.maximum(box.high.abs(), box.low.abs())
    linear = _banded(teeth[-1], reach[-1], *_each(teeth[-1]), overlap)
    rounding, terms = slack[-1] + _matrix_rounding(linear, spread), [(INPUT, linear)]
    before = list(before)
    if len(units):
        before[inner] = _units_alone(before[inner], units, teeth[inner], slack[inner], reach[inner], spread)
        reached = torch.maximum(before[inner].after.high.abs(), before[inner].after.low.abs())
        terms.append((inner, _spreading(convolution, units, *_each(teeth[-1]), overlap)))
        rounding = rounding + _matrix_rounding(terms[-1][1], reached)
    sums = Opened(
        now.at,
        now.low,
        now.high,
        replace(now.stage, terms=tuple(terms)),
        rounding,
        teeth=teeth[-1],
        reach=reach[-1],
        units=units,
        convolution=convolution if len(units) else None,
        inner=inner,
    )
    return before, sums


def _each(teeth: Tensor) -> tuple[Tensor, Tensor]:
    """(length, channels) every position, with slope 1."""
    _, length, channels = teeth.shape
    return torch.arange(length)[:, None].expand(-1, channels), torch.ones(length, channels)


def _units_alone(known: Known, units: Tensor, teeth: Tensor, slack: Tensor, reach: int, spread: Tensor) -> Known:
    """Single units of a stage with a ReLU, as the positions of one channel, from the beat."""
    position, channel = units.T
    step, blocks = 4 * STEP, []
    for start in range(0, len(units), step):
        place = position[start : start + step]
        seen = torch.arange(max(int(place[0]) - reach, 0), min(int(place[-1]) + reach + 1, spread.shape[1]))
        near = (seen - place[:, None]).abs() <= reach
        blocks.append((int(seen[0]), (teeth[seen % STEP][:, place, channel[start : start + step]].T * near).float()))
    linear = Banded(tuple(blocks), step, 1, 2 * reach + 1, (2 * reach + 1) * teeth.shape[2])
    at, low, high, own = (
        values[:, position, channel][..., None] for values in (known.at, known.low, known.high, slack)
    )
    stage = Stage(((INPUT, linear),), known.stage.bias[channel], Maximum())
    return Known(at, low, high, stage, own + _matrix_rounding(linear, spread))


def _matrix_rounding(operator: Banded, spread: Tensor) -> Tensor:
    """What rounding of the map and of forms that are pulled back through it may take from values that differ so much."""
    return roundoff(operator.fan) * operator(spread, absolute=True) + UNDERFLOW


def _reaches(stages: Sequence[Stage]) -> list[int]:
    """How far from its position the farthest sample lies that a sum of each stage sees."""
    reaches: dict[int, int] = {INPUT: 0}
    for number, stage in enumerate(stages):
        reaches[number] = max(
            reaches[source] + (operator.weight.shape[2] // 2 if isinstance(operator, Convolution) else 0)
            for source, operator in stage.terms
        )
    return [reaches[number] for number in range(len(stages))]


def _followed(stages: Sequence[Known], inner: int, on: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """What becomes of every STEP-th sample, the rest 0, and of roundings, if only the units that are ``on`` let them pass.

    Returns:
        Of each stage's sums, (STEP, length, channels) float64, the first of samples 0, STEP, 2 STEP and so on; and
        (1, length, channels) float64 how far rounding, in all stages up to this, may move them.
    """
    length = stages[0].at.shape[1]
    samples = torch.arange(length) % STEP == torch.arange(STEP)[:, None]
    passing, shaking = {INPUT: samples.double()[..., None]}, {INPUT: on.new_zeros(1, length, 1, dtype=torch.float64)}
    teeth, slack = list[Tensor](), list[Tensor]()
    for number, known in enumerate(stages):
        terms = known.stage.terms
        teeth.append(sum((operator(passing[source]) for source, operator in terms), start=torch.zeros(())))
        slack.append(sum((operator(shaking[source], absolute=True) for source, operator in terms), start=known.slack))
        passing[number] = teeth[-1] * on if number == inner else teeth[-1]
        shaking[number] = slack[-1] * on if number == inner else slack[-1]
    return teeth, slack


def _banded(teeth: Tensor, reach: int, position: Tensor, slope: Tensor, overlap: int) -> Banded:
    """``slope`` times the sums at (windows, channels) positions, as a map of the samples."""
    (_, samples, channels), blocks = teeth.shape, []
    for start in range(0, len(position), STEP):
        place = position[start : start + STEP]
        seen = torch.arange(max(int(place.min()) - reach, 0), min(int(place.max()) + reach + 1, samples))
        near = (seen - place[..., None]).abs() <= reach
        block = teeth[seen % STEP, place[..., None], torch.arange(channels)[:, None]]  # (windows, channels, seen)
        blocks.append((int(seen[0]), (block * near * slope[start : start + STEP, :, None]).flatten(0, 1).float()))
    return Banded(tuple(blocks), STEP, channels, 2 * reach + 1, overlap * (2 * reach + 1) * channels)


def _spreading(convolution: Convolution, units: Tensor, position: Tensor, slope: Tensor, overlap: int) -> Banded:
    """The same of what a convolution makes of single units, as a map of these."""
    weight, (unit_position, unit_channel) = convolution.weight, units.T.contiguous()
    kernel, reach, blocks = weight.shape[2], weight.shape[2] // 2, []
    step = STEP if len(units) < MANY_UNITS * convolution.length else STEP // 4
    for start in range(0, len(position), step):
        place = position[start : start + step]
        ends = torch.stack([place.min() - reach, place.max() + reach + 1])
        first, last = torch.searchsorted(unit_position, ends).tolist()
        tap = unit_position[first:last] - place[..., None] + reach  # (windows, channels, units)
        block = weight[torch.arange(len(weight))[:, None], unit_channel[first:last], tap.clamp(0, kernel - 1)]
        block = block * ((tap >= 0) & (tap < kernel)) * slope[start : start + step, :, None]
        blocks.append((first, block.flatten(0, 1)))
    inputs = weight[0].numel()
    return Banded(tuple(blocks), step, len(weight), inputs, overlap * len(weight) * kernel)
