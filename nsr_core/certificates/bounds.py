"""Bounds of a network's values over a box: intervals forwards, linear forms backwards, rounding included.

All is measured from the values at the beat. What a bound holds for is the network as it runs, in float32: each stage's
rounding enters as an error of its own that is carried along like the stage's other uncertainty. The bounds' own matrices are
float32 too. A form r of z = A h becomes the form r A of h; if the sums of r A are off by the share g, then r A h is off by
at most g \\|r\\| \\|A\\| \\|h\\|, which is what r times an error g \\|A\\| \\|h\\| of z allows: so that error is the stage's as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from nsr_core.certificates.operators import Lines
from nsr_core.certificates.rows import Rows, roundoff, total
from nsr_core.certificates.stages import INPUT, UNDERFLOW, Stage

#: What underflow may take from all coefficients of a form together.
UNDERFLOW_OF_A_FORM = 1e-20


@dataclass(frozen=True)
class Range:
    """Values at the beat, and how far they may differ from that; all (batch, length, channels) float64."""

    at: Tensor
    low: Tensor
    high: Tensor


@dataclass(frozen=True)
class Known(Range):
    """A stage and what is known of its sums, without rounding at the beat, and with it within the box.

    Attributes:
        stage: the stage.
        slack: its rounding, in the network and in the bounds.
    """

    stage: Stage
    slack: Tensor

    @cached_property
    def after(self) -> Range:
        """The range of the stage's values."""
        maximum = self.stage.maximum
        if maximum is None:
            return self
        at = maximum(self.at)
        return Range(at, maximum(self.at + self.low) - at, maximum(self.at + self.high) - at)

    @cached_property
    def lines(self) -> Lines:
        """Lines around its maximum."""
        assert self.stage.maximum is not None
        return self.stage.maximum.lines(self.at, self.at + self.low, self.at + self.high, self.slack)

    @property
    def straight(self) -> "Known":
        """The same with z itself as its values."""
        return replace(self, stage=replace(self.stage, maximum=None))

    def pull_back(self, form: Rows) -> tuple[Tensor, list[tuple[int, Rows]]]:
        """A form of the stage's values as what it may fall, (batch, rows), and forms of its sources' values."""
        if self.stage.maximum is None:
            fall = total(form.coefficients.abs(), form.within(self.slack))
        else:
            fall, form = self.stage.maximum.pull_back(form, self.lines)
        return fall, [(source, operator.pull_back(form)) for source, operator in self.stage.terms]

    @cached_property
    def undecided(self) -> Tensor:
        """(batch, length, channels) the sums on which its values may depend, and need not."""
        assert self.stage.maximum is not None
        return self.stage.maximum.undecided(self.at + self.low, self.at + self.high)


def sums_at(stages: Sequence[Stage], x: Tensor) -> list[Tensor]:
    """The sums of each stage at (batch, length) beats, (batch, length, channels) float64 without rounding."""
    values, sums = {INPUT: x.double()[..., None]}, []
    for number, stage in enumerate(stages):
        sums.append(sum((operator(values[source]) for source, operator in stage.terms), start=stage.bias))
        values[number] = sums[-1] if stage.maximum is None else stage.maximum(sums[-1])
    return sums


def interval(stage: Stage, at: Tensor, known: Sequence[Known], box: Range) -> Known:
    """A stage on sources that move freely between their bounds.

    Args:
        stage: the one after those in ``known``.
        at: its sums at the beat.
        box: of the beat.
    """
    middle, spread = torch.zeros_like(at), torch.zeros_like(at)
    slack = roundoff(stage.inputs) * stage.bias.abs() + UNDERFLOW
    for source, operator in stage.terms:
        values = box if source == INPUT else known[source].after
        low, high = values.low, values.high
        # What the network sums up, and what bounds do: the values, and their differences from those at the beat.
        summed = roundoff(stage.inputs) * torch.maximum((values.at + low).abs(), (values.at + high).abs())
        summed = summed + roundoff(stage.fan) * torch.maximum(-low, high)
        middle = middle + operator(((high + low) / 2).float())
        radius, reach = operator(torch.cat([(high - low) / 2, summed]).float(), absolute=True).double().chunk(2)
        spread, slack = spread + radius, slack + reach
    return Known(at, middle - spread - slack, middle + spread + slack, stage, slack)


def pulled_back(known: Sequence[Known], rows: Rows, *, far: bool = True) -> tuple[Tensor, Rows | None]:
    """Forms of the last stage's values as forms of the beat, less what they may fall besides.

    Backwards from stage to stage: for each maximum the lines are put in that can only lower the form, for each sum its
    definition.

    Args:
        known: of the stages up to that whose values ``rows`` are forms of.
        rows: forms, as they are met (exact in float32).
        far: False: only to the last maximum, whose values are bounded by their intervals.

    Returns:
        (batch, rows) float64, and the forms of the beat if it was reached.
    """
    forms, fall = {len(known) - 1: rows}, torch.full((1, 1), UNDERFLOW_OF_A_FORM, dtype=torch.float64)
    for number in range(len(known) - 1, INPUT, -1):
        if number not in forms:
            continue
        now, form = known[number], forms.pop(number)
        if now.stage.maximum is not None and not far:
            fall = fall - least(form, now.after)
            continue
        lost, parts = now.pull_back(form)
        fall = fall + lost
        for source, part in parts:
            forms[source] = forms[source].plus(part) if source in forms else part
    return fall, forms.get(INPUT)


def least(form: Rows, values: Range) -> Tensor:
    """(batch, rows) float64 what a form of the values' differences cannot fall below."""
    rises, falls = form.coefficients.clamp_min(0), form.coefficients.clamp_max(0)
    return total(falls, form.within(values.high.clamp_min(0))) - total(rises, form.within(-values.low.clamp_max(0)))


def differences(y: Tensor, classes: int) -> Rows:
    """(batch, classes - 1) forms of the logits: the true class's minus each other's."""
    other = torch.arange(classes - 1, device=y.device).expand(len(y), -1)
    other = other + (other >= y[:, None])
    one_hot = torch.eye(classes, device=y.device)
    return Rows((one_hot[y][:, None] - one_hot[other])[:, :, None])
