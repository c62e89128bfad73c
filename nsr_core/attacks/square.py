"""The Square attack (Andriushchenko et al. 2020) on signals: random search over segments, without gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nsr_core.attacks.ascent import StepRule
from nsr_core.attacks.base import Box
from nsr_core.attacks.restarts import Restart, WithRestarts
from nsr_core.settings import setting

#: Shares of a search of 10,000 steps at which the segments become half as long (as the authors run it).
HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def segment_share(share: float, done: float) -> float:
    """The share of the signal that a segment covers when a share ``done`` of the search is over."""
    halvings = sum(done > at for at in HALVINGS)
    return float(share / 2**halvings)


@dataclass
class Segments(StepRule):
    """Random search: a segment is set to one bound of its box; the point stays if the value rises.

    Attributes:
        box: of the beats.
        places: (beats, moves, 2) in [-1, 1): place and sign of each move's segment.
        free: (beats, 1) how many samples may move; they come first.
        best, best_value: (beats, 187) and (beats,).
        moves, share: as many moves as there will be, and what share of the samples the first segments cover.
        moved: how often it has moved.
    """

    box: Box
    places: Tensor
    free: Tensor
    best: Tensor
    best_value: Tensor
    moves: int
    share: float
    moved: int = 0

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        now = value()
        better = now > self.best_value
        self.best = torch.where(better[:, None], x_adv, self.best)
        self.best_value = torch.where(better, now, self.best_value)
        place, sign = self.places[:, self.moved].unsqueeze(2).unbind(1)  # (beats, 1) each
        width = (segment_share(self.share, self.moved / self.moves) * self.free).round().clamp_min(1)
        first = ((place + 1) / 2 * (self.free - width + 1)).floor()
        at = torch.arange(x_adv.shape[1], device=x_adv.device)
        inside = (at >= first) & (at < first + width)
        self.moved += 1
        return torch.where(inside, torch.where(sign > 0, self.box.high, self.box.low), self.best)


@dataclass(frozen=True)
class Square(WithRestarts):
    """The Square attack in the infinity norm, with contiguous segments of the signal in place of squares of an image.

    Every point is at a bound of its box in every sample that may move. A step sets one segment to its upper or its lower
    bound and keeps that if the margin rises. Segments begin at ``share`` of the signal's samples and become half as long
    at the paper's points of the search, scaled to the number of steps. Length and place of a segment are within the
    samples that may move, which come first.

    Deviations: one dimension; the start draws a sign for each sample, as the paper's stripes do for each column; a draw
    that changes nothing is not drawn again.
    """

    name: ClassVar[str] = "square"
    title: ClassVar[str] = "Square"
    summary: ClassVar[str] = (
        "Without gradients: pushes random segments up or down and keeps what brings the flip nearer."
    )

    needs_gradient: ClassVar[bool] = False

    steps: int = setting(1000, "How many steps the attack may take, over all its runs.", 1, 10_000)
    share: float = setting(0.8, "How much of the signal the first segments cover.", 0.01, 1.0, "of its samples")

    def begin(self, restart: Restart) -> tuple[Tensor, StepRule]:
        box, samples = restart.box, restart.x.shape[1]
        signs, places = restart.uniform(samples + 2 * restart.moves).split((samples, 2 * restart.moves), dim=1)
        start = torch.where(signs > 0, box.high, box.low)
        rule = Segments(
            box,
            places.view(len(start), restart.moves, 2),
            free=(box.high > box.low).sum(1, keepdim=True),
            best=start,
            best_value=torch.full_like(start[:, 0], -torch.inf),
            moves=restart.moves,
            share=self.share,
        )
        return start, rule
