"""Auto-PGD (Croce & Hein 2020, "Reliable evaluation of adversarial robustness", algorithm 1): PGD that sets its own steps."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import ClassVar, Self

import torch
from torch import Tensor

from nsr_core.attacks.ascent import StepRule
from nsr_core.attacks.base import Box
from nsr_core.attacks.margin_pgd import RIVALS
from nsr_core.attacks.objectives import Objective, cross_entropy, targeted_dlr
from nsr_core.attacks.restarts import FromNearby, ObjectiveOf, Restart, towards
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


@dataclass
class Adaptive(StepRule):
    """Algorithm 1, from ``Adaptive.at_start``.

    Attributes:
        box: of the beats.
        checkpoints: after which moves the step size is reconsidered.
        size: (beats, 1) the step size.
        before: (beats, 187) the last point but one.
        best, best_gradient, best_value: (beats, 187) twice and (beats,), where the objective was largest.
        last_value: (beats,) at the last point.
        checked_value: (beats,) the best at the last checkpoint.
        uphill: (beats,) how many moves since then were.
        halved: (beats,) whether the step size was halved there.
        moved, checked: how many moves there were, and up to the last checkpoint.
    """

    box: Box
    checkpoints: frozenset[int]
    size: Tensor
    before: Tensor
    best: Tensor
    best_gradient: Tensor
    best_value: Tensor
    last_value: Tensor
    checked_value: Tensor
    uphill: Tensor
    halved: Tensor
    moved: int = 0
    checked: int = 0

    @classmethod
    def at_start(cls, start: Tensor, box: Box, moves: int) -> Self:
        lowest = torch.full_like(start[:, 0], -torch.inf)
        return cls(
            box,
            frozenset(checkpoints(moves)),
            size=FIRST_STEP * box.eps.expand(len(start), 1),
            before=start,
            best=start,
            best_gradient=torch.zeros_like(start),
            best_value=lowest,
            last_value=lowest,
            checked_value=lowest,
            uphill=torch.zeros_like(lowest),
            halved=torch.zeros_like(lowest, dtype=torch.bool),
        )

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        direction, here = self.see(x_adv, gradient, value), x_adv
        if self.moved == 0:
            self.checked_value, self.uphill = self.best_value, torch.zeros_like(self.uphill)
        elif self.moved in self.checkpoints:
            here, direction = self._reconsider(x_adv, direction)
        target = self.box.clip(here + self.size * direction.sign())
        if self.moved:
            target = here + NEW * (target - here) + (1 - NEW) * (here - self.before)
        self.before = here
        self.moved += 1
        return self.box.clip(target)

    def see(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        """Take note of a point; returns its gradient."""
        direction, now = gradient(), value()
        self.uphill = self.uphill + (now > self.last_value)
        self.last_value = now
        better = now > self.best_value
        self.best_value = torch.where(better, now, self.best_value)
        self.best = torch.where(better[:, None], x_adv, self.best)
        self.best_gradient = torch.where(better[:, None], direction, self.best_gradient)
        return direction

    def _reconsider(self, x_adv: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Halve the step size and go back to the best point where it goes badly (conditions 1 and 2)."""
        seldom = self.uphill < UPHILL * (self.moved - self.checked)
        stuck = ~self.halved & (self.best_value <= self.checked_value)
        self.halved = seldom | stuck
        back = self.halved[:, None]
        self.size = torch.where(back, self.size / 2, self.size)
        self.last_value = torch.where(self.halved, self.best_value, self.last_value)
        self.checked, self.checked_value = self.moved, self.best_value
        self.uphill = torch.zeros_like(self.uphill)
        return torch.where(back, self.best, x_adv), torch.where(back, self.best_gradient, gradient)


@dataclass
class Narrowing(StepRule):
    """Algorithm 1 in boxes that shrink to the true one: in each from the last one's best point, brought inside.

    Attributes:
        wide, middle, true: the boxes.
        firsts: the move with which each phase begins, and the number of all points at last.
        rule: algorithm 1 in this phase's box.
        moved: how often it has moved.
    """

    wide: Box
    middle: Box
    true: Box
    firsts: tuple[int, ...]
    rule: Adaptive
    moved: int = 0

    @classmethod
    def at_start(cls, start: Tensor, wide: Box, middle: Box, true: Box, moves: int) -> Self:
        firsts = tuple(round(share * (moves + 1)) for share in accumulate((0.0, *PHASES)))
        phase = _phase(firsts, 0)
        first_box = (wide, middle, true)[phase]
        return cls(wide, middle, true, firsts, Adaptive.at_start(start, first_box, _moves(firsts, phase)))

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        before, phase = _phase(self.firsts, self.moved), _phase(self.firsts, self.moved + 1)
        self.moved += 1
        if phase == before:
            return self.rule.move(x_adv, gradient, value)
        self.rule.see(x_adv, gradient, value)
        box = (self.wide, self.middle, self.true)[phase]
        start = box.clip(self.rule.best)
        self.rule = Adaptive.at_start(start, box, _moves(self.firsts, phase))
        return start


def _phase(firsts: Sequence[int], moved: int) -> int:
    return min(bisect_right(firsts, moved), len(PHASES)) - 1


def _moves(firsts: Sequence[int], phase: int) -> int:
    return firsts[phase + 1] - firsts[phase] - 1


def _adaptive(start: Tensor, restart: Restart) -> tuple[Tensor, StepRule]:
    return start, Adaptive.at_start(start, restart.box, restart.moves)


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

    def begin(self, restart: Restart) -> tuple[Tensor, StepRule]:
        return _adaptive(self.start(restart), restart)


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

    def objectives(self) -> list[ObjectiveOf]:
        return [towards(targeted_dlr, rank) for rank in range(RIVALS)]

    def begin(self, restart: Restart) -> tuple[Tensor, StepRule]:
        return _adaptive(self.start(restart), restart)


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

    def begin(self, restart: Restart) -> tuple[Tensor, StepRule]:
        start, box = self.start(restart), restart.box
        wide, middle = (box.widened(restart.x, factor) for factor in (self.widest, (1 + self.widest) / 2))
        return start, Narrowing.at_start(start, wide, middle, box, restart.moves)
