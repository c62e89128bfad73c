"""The Square attack (Andriushchenko et al. 2020) on signals: random search over segments, without gradients."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nsr_core.attacks.base import Box
from nsr_core.attacks.randomness import Randomness
from nsr_core.attacks.runs import Beginning, Climber, InRuns
from nsr_core.settings import setting

#: Shares of a search of 10,000 steps at which the segments become half as long (as the authors run it).
HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def segment_share(share: float, done: float) -> float:
    """The share of the signal that a segment covers when a share ``done`` of the search is over."""
    return share / 2 ** sum(done > at for at in HALVINGS)


class Segments:
    """One random search: a segment is set to one bound of its box; the point stays if the value rises."""

    wants_gradient = False

    def __init__(self, box: Box, chance: Tensor, moves: int, share: float) -> None:
        """``chance``: (batch, 187 + 2 moves) in [-1, 1): signs of the start's samples, then place and sign of each move."""
        self._box, self._moves, self._share, self._moved = box, moves, share, 0
        signs, places = chance.split((box.low.shape[1], 2 * moves), dim=1)
        self._places = places.view(len(chance), moves, 2)
        self._free = (box.high > box.low).sum(1, keepdim=True)
        self._at = torch.arange(box.low.shape[1], device=box.low.device)
        self.start = torch.where(signs > 0, box.high, box.low)
        self._best, self._best_value = self.start, torch.full_like(self.start[:, 0], -torch.inf)

    def move(self, x_adv: Tensor, gradient: Tensor, value: Tensor) -> Tensor:
        better = value > self._best_value
        self._best = torch.where(better[:, None], x_adv, self._best)
        self._best_value = torch.where(better, value, self._best_value)
        place, sign = self._places[:, self._moved].unsqueeze(2).unbind(1)  # (batch, 1) each
        width = (segment_share(self._share, self._moved / self._moves) * self._free).round().clamp_min(1)
        first = ((place + 1) / 2 * (self._free - width + 1)).floor()
        inside = (self._at >= first) & (self._at < first + width)
        self._moved += 1
        return torch.where(inside, torch.where(sign > 0, self._box.high, self._box.low), self._best)

    def keep(self, alive: Tensor) -> None:
        self._box = self._box.at(alive)
        for name in ("_places", "_free", "_best", "_best_value"):
            setattr(self, name, getattr(self, name)[alive])


@dataclass(frozen=True)
class Square(InRuns):
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

    steps: int = setting(1000, "How many steps the attack may take, over all its runs.", 1, 10_000)
    share: float = setting(0.8, "How much of the signal the first segments cover.", 0.01, 1.0, "of its samples")

    def climber(self, x: Tensor, randomness: Randomness, begin: Beginning) -> Climber:
        chance = randomness.uniform(x.shape[1] + 2 * begin.moves, begin.number).to(x.device)
        return Segments(begin.box, chance[begin.rows], begin.moves, self.share)
