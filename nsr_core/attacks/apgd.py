"""Auto-PGD (Croce & Hein 2020, "Reliable evaluation of adversarial robustness", algorithm 1): PGD that sets its own steps."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import ClassVar

import torch
from torch import Tensor

from nsr_core.attacks.base import Box
from nsr_core.attacks.margin_pgd import RIVALS
from nsr_core.attacks.objectives import Objective, cross_entropy, targeted_dlr
from nsr_core.attacks.randomness import Randomness
from nsr_core.attacks.runs import Beginning, Climber, FromNearby, Goal, towards
from nsr_core.settings import setting

#: alpha: how much of a step is the new one; the rest is the last one again.
NEW = 0.75
#: rho: a step size stays while at least this share of the moves was uphill.
UPHILL = 0.75
#: The step size at the beginning, in epsilons.
FIRST_STEP = 2.0
#: Shares of a run in the wide, the middle and the true box.
PHASES = (0.3, 0.3, 0.4)


def checkpoints(moves: int) -> list[int]:
    """After which moves the step size is reconsidered (section 3.1): at 22 % of them, then at intervals that shrink by 3
    points down to 6."""
    shares = [0.0, 0.22]
    while shares[-1] <= 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return [ceil(round(share * moves, 6)) for share in shares[1:-1]]


class Adaptive:
    """One run of algorithm 1, up the value that it is told."""

    wants_gradient = True

    def __init__(self, start: Tensor, box: Box, moves: int) -> None:
        self.start = self.best = self._before = start
        self._box = box
        self._checkpoints = set(checkpoints(moves))
        self._moved = self._checked = 0
        self._size = FIRST_STEP * box.eps.expand(len(start), 1)
        self._best_gradient = torch.zeros_like(start)
        self._last_value = self._best_value = self._checked_value = torch.full_like(start[:, 0], -torch.inf)
        self._uphill = torch.zeros_like(self._last_value)
        self._halved = torch.zeros_like(self._last_value, dtype=torch.bool)

    def move(self, x_adv: Tensor, gradient: Tensor, value: Tensor) -> Tensor:
        self.see(x_adv, gradient, value)
        if self._moved == 0:
            self._begin()
        elif self._moved in self._checkpoints:
            x_adv, gradient = self._reconsider(x_adv, gradient)
        target = self._box.clip(x_adv + self._size * gradient.sign())
        if self._moved:
            target = x_adv + NEW * (target - x_adv) + (1 - NEW) * (x_adv - self._before)
        self._before = x_adv
        self._moved += 1
        return self._box.clip(target)

    def see(self, x_adv: Tensor, gradient: Tensor, value: Tensor) -> None:
        """Take note of a point."""
        self._uphill = self._uphill + (value > self._last_value)
        self._last_value = value
        better = value > self._best_value
        self._best_value = torch.where(better, value, self._best_value)
        self.best = torch.where(better[:, None], x_adv, self.best)
        self._best_gradient = torch.where(better[:, None], gradient, self._best_gradient)

    def _begin(self) -> None:
        self._checked_value, self._uphill = self._best_value, torch.zeros_like(self._uphill)

    def _reconsider(self, x_adv: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Halve the step size and go back to the best point where the climb goes badly (conditions 1 and 2)."""
        seldom = self._uphill < UPHILL * (self._moved - self._checked)
        stuck = ~self._halved & (self._best_value <= self._checked_value)
        self._halved = seldom | stuck
        back = self._halved[:, None]
        self._size = torch.where(back, self._size / 2, self._size)
        self._last_value = torch.where(self._halved, self._best_value, self._last_value)
        self._checked, self._checked_value = self._moved, self._best_value
        self._uphill = torch.zeros_like(self._uphill)
        return torch.where(back, self.best, x_adv), torch.where(back, self._best_gradient, gradient)

    def keep(self, alive: Tensor) -> None:
        self._box = self._box.at(alive)
        for name in (
            "_before", "_size", "best", "_best_gradient", "_last_value", "_best_value", "_checked_value", "_uphill",
            "_halved",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[alive])


class Narrowing:
    """One run in boxes that shrink to the true one: in each algorithm 1, from the last one's best point brought inside."""

    wants_gradient = True

    def __init__(self, start: Tensor, boxes: Sequence[Box], moves: int) -> None:
        self.start, self._boxes, self._moved = start, boxes, 0
        self._firsts = [round(share * (moves + 1)) for share in accumulate((0.0, *PHASES))]
        self._phase = self._phase_now()
        self._climb = self._begin(start)

    def move(self, x_adv: Tensor, gradient: Tensor, value: Tensor) -> Tensor:
        self._moved += 1
        if self._phase_now() == self._phase:
            return self._climb.move(x_adv, gradient, value)
        self._phase = self._phase_now()
        self._climb.see(x_adv, gradient, value)
        self._climb = self._begin(self._boxes[self._phase].clip(self._climb.best))
        return self._climb.start

    def keep(self, alive: Tensor) -> None:
        self._boxes = [box.at(alive) for box in self._boxes]
        self._climb.keep(alive)

    def _phase_now(self) -> int:
        return min(bisect_right(self._firsts, self._moved), len(PHASES)) - 1

    def _begin(self, start: Tensor) -> Adaptive:
        moves = self._firsts[self._phase + 1] - self._firsts[self._phase] - 1
        return Adaptive(start, self._boxes[self._phase], moves)


@dataclass(frozen=True)
class APGD(FromNearby):
    """Auto-PGD on the cross-entropy: steps from 2 epsilon, halved by the attack's own rule, with momentum 0.75.

    Deviations: the random start is even in the box and not pushed out to its surface; a beat stops at its first success.
    """

    name: ClassVar[str] = "apgd"
    title: ClassVar[str] = "APGD"
    summary: ClassVar[str] = (
        "Climbs the loss in large steps first and halves them by its own rule where that stops helping."
    )

    def objective(self) -> Objective:
        return cross_entropy

    def climber(self, x: Tensor, randomness: Randomness, begin: Beginning) -> Climber:
        return Adaptive(self.start(x, randomness, begin), begin.box, begin.moves)


@dataclass(frozen=True)
class TargetedAPGD(FromNearby):
    """Auto-PGD towards each wrong class on the targeted DLR loss (Croce & Hein 2020), the nearest class first.

    With five classes there are four targets, where the paper takes the nine nearest.

    Deviations: those of ``APGD``; the classes are ranked at the first starting point, not at the beat itself.
    """

    name: ClassVar[str] = "apgd-t"
    title: ClassVar[str] = "APGD targeted"
    summary: ClassVar[str] = (
        "Auto-PGD towards each wrong class in turn, on a loss that no rescaling of the network changes."
    )

    steps: int = setting(400, "How many steps the attack may take, over all its runs.", 1, 10_000)

    def goals(self) -> list[Goal]:
        return [towards(targeted_dlr, rank) for rank in range(RIVALS)]

    def climber(self, x: Tensor, randomness: Randomness, begin: Beginning) -> Climber:
        return Adaptive(self.start(x, randomness, begin), begin.box, begin.moves)


@dataclass(frozen=True)
class WideAPGD(TargetedAPGD):
    """Targeted Auto-PGD from outside: first with a wider budget, then with what is left of that noise in the true one.

    For networks that are flat around a beat and fall off beyond: inside the budget the gradient says nothing of the edge.
    After the multi-epsilon APGD of Croce & Hein (2021, "Mind the box"): 30 % of a run in the widest box, 30 % half way,
    40 % in the true one. Only what is inside the true one counts.

    Deviations: made for the L1 norm there; the widest box is 2 epsilon, not 3.
    """

    name: ClassVar[str] = "apgd-wide"
    title: ClassVar[str] = "APGD from outside"
    summary: ClassVar[str] = "Looks for a flip with too much noise first, then brings the noise back into the budget."
    roams: ClassVar[bool] = True

    widest: float = setting(2.0, "How wide the budget is at first.", 1.0, 10.0, "noise levels")

    def climber(self, x: Tensor, randomness: Randomness, begin: Beginning) -> Climber:
        kept = x[begin.rows]
        wide, middle = (begin.box.widened(kept, factor) for factor in (self.widest, (1 + self.widest) / 2))
        return Narrowing(self.start(x, randomness, begin), (wide, middle, begin.box), begin.moves)
