"""Two ways to bound a network's margins over a box: intervals, quick and loose, and CROWN."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from nsr_core.certificates.bounds import Known, Range, differences, interval, least, pulled_back
from nsr_core.certificates.merged import merged
from nsr_core.certificates.rows import Rows
from nsr_core.certificates.stages import Stage
from nsr_core.errors import UserError

#: Positions whose units' bounds are followed back at once, in windows of the same width.
TILE = 6


#: Stages, their sums at the beats, the box of the beats, (batch,) true classes, to (batch, classes - 1) float64 numbers that
#: the true class's logit minus each other's cannot fall below anywhere in the box, as evaluated in float32.
Bound = Callable[[Sequence[Stage], Sequence[Tensor], Range, Tensor], Tensor]


def interval_margins(stages: Sequence[Stage], sums: Sequence[Tensor], box: Range, y: Tensor) -> Tensor:
    """Interval bounds: each unit's range is followed through the stages as if the units of a stage moved freely.

    The stages after the last maximum are taken as the one linear map that they are.
    """
    known = list[Known]()
    for stage, at in zip(stages, sums, strict=True):
        known.append(interval(stage, at, known, box))
    return margins_by(known, box, y, far=False)


def crown_margins(stages: Sequence[Stage], sums: Sequence[Tensor], box: Range, y: Tensor) -> Tensor:
    """CROWN (Zhang et al. 2018): linear bounds from the logits, and from what each maximum is of, back to the box.

    Where interval bounds are tighter, of what a maximum is of or of a margin, they are taken.
    """
    return crown_margins_by(crown(stages, sums, box), box, y)


def crown_margins_by(known: Sequence[Known], box: Range, y: Tensor) -> Tensor:
    """The margins by what CROWN or anything else tells of the stages; by intervals after the last maximum where tighter."""
    return margins_by(known, box, y).maximum(margins_by(known, box, y, far=False))


class NestedCrown:
    """``crown_margins`` in one box after another: what is known of a stage in a box holds in every box inside it.

    So units that the wider box decides are not followed back again. (Where a bound is as good as can be for its own box, the
    wider one's adds nothing; of units that it decides the other end stays as loose as it was.)
    """

    def __init__(self) -> None:
        self._tried = list[tuple[Range, list[Known]]]()

    def __call__(self, stages: Sequence[Stage], sums: Sequence[Tensor], box: Range, y: Tensor) -> Tensor:
        """The same as ``crown_margins``; stages, beats and classes must be those of the calls before."""
        around = [known for tried, known in self._tried if contains(tried, box)]
        known = crown(stages, sums, box, around[-1] if around else None)
        self._tried = [(tried, known) for tried, known in self._tried if not contains(box, tried)]
        self._tried.append((box, known))
        return crown_margins_by(known, box, y)


def contains(outer: Range, inner: Range) -> bool:
    """Whether a box contains another around the same beats."""
    ends = (outer.low <= inner.low) & (outer.high >= inner.high) & (outer.at == inner.at)
    return bool(ends.all())


def margins_by(known: Sequence[Known], box: Range, y: Tensor, *, far: bool = True) -> Tensor:
    """The margins by what is known of the stages; ``far`` see ``pulled_back``."""
    logits = known[-1].at
    fall, form = pulled_back(known, differences(y, logits.shape[2]), far=far)
    margins = clean_margins(logits, y) - fall
    return margins if form is None else margins + least(form, box)


def crown(
    stages: Sequence[Stage], sums: Sequence[Tensor], box: Range, around: Sequence[Known] | None = None
) -> list[Known]:
    """What linear bounds tell of each stage.

    Args:
        around: what is known in a box that contains this one.
    """
    known = list[Known]()
    for number, (stage, at) in enumerate(zip(stages, sums, strict=True)):
        now = interval(stage, at, known, box)
        if around is not None and around[number].at.shape == at.shape:  # else a part of its units is left
            now = replace(now, low=now.low.maximum(around[number].low), high=now.high.minimum(around[number].high))
        known, now = merged(known, now, stages[number + 1 :], box) or (known, now)
        known.append(tightened(now, known, box) if known and stage.maximum is not None else now)
    return known


def tightened(now: Known, before: Sequence[Known], box: Range) -> Known:
    """A stage with linear bounds from the box where those are tighter, for the sums on which its maximum may depend."""
    undecided = now.undecided
    low, high = now.low.clone(), now.high.clone()
    units = undecided.any(0).nonzero()
    _, counts = (units[:, 0] // TILE).unique_consecutive(return_counts=True)
    for tile in units.split(counts.tolist()):
        fall, form = pulled_back([*before, now.straight], both_signs(tile, now.at.shape[2]))
        assert form is not None
        below, above = (least(form, box) - fall)[:, : 2 * len(tile)].chunk(2, 1)
        position, channel = tile.T
        low[:, position, channel] = below.maximum(now.low[:, position, channel])
        high[:, position, channel] = (-above).minimum(now.high[:, position, channel])
    # Unit by unit, so that a beat's bounds do not depend on the others in its batch.
    return replace(now, low=torch.where(undecided, low, now.low), high=torch.where(undecided, high, now.high))


def both_signs(units: Tensor, channels: int) -> Rows:
    """Forms of a stage's sums: the chosen ones, by (units, 2) position and channel, their negatives, and some of nothing."""
    position, channel = units.T
    start = int(position.min())
    one_hot = torch.zeros(len(units), int(position.max()) - start + 1, channels)
    one_hot[torch.arange(len(units)), position - start, channel] = 1
    signed = torch.cat([one_hot, -one_hot])
    # Convolutions are prepared anew for each number of rows (oneDNN, a few ms each), so there are but few numbers.
    step = max(16, 1 << max(len(signed).bit_length() - 3, 0))
    return Rows(functional.pad(signed, (0, 0, 0, 0, 0, -len(signed) % step))[None], start)


def clean_margins(logits: Tensor, y: Tensor) -> Tensor:
    """(batch, classes - 1) of (batch, 1, classes) logits: the true class's minus each other's."""
    apart = logits.gather(2, y[:, None, None]) - logits
    others = torch.arange(logits.shape[2], device=y.device) != y[:, None]
    return apart[:, 0][others].view(len(y), logits.shape[2] - 1)


BOUNDS: dict[str, Bound] = {"crown": crown_margins, "interval": interval_margins}


def get_bound(name: str) -> Bound:
    """The bound called ``name``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in BOUNDS:
        raise UserError(f'There is no certificate "{name}". Choose one of: {", ".join(BOUNDS)}.')
    return BOUNDS[name]
