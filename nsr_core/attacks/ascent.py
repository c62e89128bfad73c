"""One loop for all attacks that climb step by step: look, drop the broken, move the rest, stay in the box."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from nsr_core.attacks.base import AttackResult, Box, Trajectory
from nsr_core.attacks.objectives import Objective
from nsr_core.attacks.per_beat import PerBeat
from nsr_core.progress import Progress, no_progress

#: Places of the beats looked at that are still classified correctly, or None where all are.
Alive = Tensor | None
#: The ascent direction of the beats that are alive.
Gradient = Callable[[Alive], Tensor]
#: ``look(x_adv, y, step)``: the logits there, and a way to ask for the gradient if it is needed at all.
Look = Callable[[Tensor, Tensor, int], tuple[Tensor, Gradient]]


class Mover(Protocol):
    """How a gradient becomes a move; it may remember."""

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor:
        """The next points, in a new tensor."""
        ...

    def at(self, rows: Tensor) -> Self:
        """The mover of some of the beats."""
        ...


@dataclass
class SignStep(PerBeat):
    """Eq. 12 as written: step_size times the sign of the gradient."""

    step_size: float

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor:
        return torch.add(x_adv, gradient.sign(), alpha=self.step_size)


@dataclass
class SignAdamax(PerBeat):
    """Adamax (Kingma & Ba 2015, algorithm 2) fed with the sign of the gradient: momentum over signs.

    What the authors' code moves the noise with. The size of a step is at most ``learning_rate``.

    Attributes:
        mean: (batch, 187) running mean of the signs; None before the first step.
        largest: (batch, 187) running maximum of their absolute values; as long as no sign was 0, all of it is 1 + EPSILON,
            and () will do.
    """

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    learning_rate: float
    steps: int = 0
    mean: Tensor | None = None
    largest: Tensor | None = None

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor:
        sign = gradient.sign()
        if self.mean is None:
            self.mean = torch.zeros_like(sign)
        self.steps += 1
        self.mean.lerp_(sign, 1 - self.BETAS[0])
        self.largest = self._largest(sign)
        rate = self.learning_rate / (1 - self.BETAS[0] ** self.steps)
        return torch.addcdiv(x_adv, self.mean, self.largest, value=rate)

    def _largest(self, sign: Tensor) -> Tensor:
        largest = sign.new_zeros(()) if self.largest is None else self.largest
        if largest.dim() == 0:
            if sign.prod() != 0:  # none of them is 0
                return largest if self.steps > 1 else largest + 1 + self.EPSILON
            largest = largest.expand_as(sign).clone()
        return torch.maximum(largest.mul_(self.BETAS[1]), sign.abs_().add_(self.EPSILON), out=largest)


MOVERS: dict[str, Callable[[float], Mover]] = {"adamax": SignAdamax, "sign": SignStep}


@dataclass
class Point(PerBeat):
    """Where beats would end: (beats, 187), the logits there, (beats, classes), and the objective (beats,)."""

    x_adv: Tensor
    logits: Tensor
    value: Tensor


@dataclass
class Survivors(PerBeat):
    """The beats that are still classified correctly.

    Attributes:
        rows: (alive,) their places in the batch.
        y: (alive,) their classes.
        box, mover: theirs.
        x_adv: (alive, 187) where they are.
        best: the best point so far, where it is asked for.
    """

    rows: Tensor
    y: Tensor
    box: Box
    mover: Mover
    x_adv: Tensor
    best: Point | None = None


def ascend(
    start: Tensor,
    y: Tensor,
    box: Box,
    *,
    steps: int,
    look: Look,
    mover: Mover,
    queries_per_step: int,
    objective: Objective,
    keep_best: bool = False,
    roam: bool = False,
    record: bool = False,
    progress: Progress = no_progress,
) -> AttackResult:
    """Climb from ``start`` for at most ``steps`` moves; each beat stops where it is first misclassified.

    Only the survivors are evaluated again. The network is looked at ``steps + 1`` times: at the start and after every
    move, so that a beat broken by k moves or fewer has the same result in every run of k steps or more.

    Args:
        start: (batch, 187) first points, inside the box.
        y: (batch,) true classes.
        steps: number of moves.
        queries_per_step: how many further evaluations a gradient costs (0 where it comes with the look).
        objective: what is climbed; here for the record and to tell which point is best.
        keep_best: whether a beat that withstands ends at the point where the objective was largest, not at the last one;
            the record then holds, at every look, the best point so far.
        roam: whether the mover may look outside the box, and is not clipped to it. What it finds there is never a success
            and never kept, but the start is; it takes ``keep_best``.
        progress: told at every look.
    """
    x_final = start.clone()
    first_success = torch.full_like(y, -1)
    points: list[tuple[Tensor, Tensor]] = []
    alive = Survivors(torch.arange(len(y), device=y.device), y, box, mover, start)
    for step in range(steps + 1):
        progress(step, steps, f"step {step} of {steps}")
        logits, gradient = look(alive.x_adv, alive.y, step)
        right = logits.argmax(1) == alive.y
        inside = alive.box.holds(alive.x_adv) if roam else None
        if inside is not None:
            right |= ~inside
        if keep_best:
            value = torch.where(right, objective(logits, alive.y), torch.inf)
            alive.best = _better(alive.best, Point(alive.x_adv, logits, value), inside)
        end, end_logits = (alive.best.x_adv, alive.best.logits) if alive.best else (alive.x_adv, logits)
        if record:
            points.append(_extend(points, alive.rows, end, end_logits))
        all_right = bool(right.all())
        if not all_right:
            broken = (~right).nonzero()[:, 0]
            rows = alive.rows[broken]
            first_success[rows], x_final[rows] = step, end[broken]
        if step == steps or not bool(right.any()):
            break
        survivors = None if all_right else right.nonzero()[:, 0]
        ascent = gradient(survivors)
        if survivors is not None:
            alive = alive.at(survivors)
        moved = alive.mover.move(alive.x_adv, ascent)
        alive.x_adv = moved if roam else alive.box.clip_(moved)
    x_final[alive.rows] = end
    moves = torch.where(first_success < 0, steps, first_success)
    queries = moves + 1 + moves * queries_per_step
    return AttackResult(x_final, first_success, queries, _trajectory(points, y, steps, objective) if record else None)


def _better(best: Point | None, now: Point, inside: Tensor | None) -> Point:
    """For each beat the point with the larger value, the later of two alike; ``inside``: which may be taken, if not all."""
    if best is None:
        return now
    better = now.value >= best.value
    if inside is not None:
        better &= inside
    if bool(better.all()):
        return now
    column = better[:, None]
    return Point(
        torch.where(column, now.x_adv, best.x_adv),
        torch.where(column, now.logits, best.logits),
        torch.where(better, now.value, best.value),
    )


def _extend(points: list[tuple[Tensor, Tensor]], rows: Tensor, x_adv: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """The next point of all beats and its logits: new ones for ``rows``, the last ones for the beats that stopped."""
    if not points:
        return x_adv.clone(), logits.clone()
    all_x_adv, all_logits = (last.clone() for last in points[-1])
    all_x_adv[rows], all_logits[rows] = x_adv, logits
    return all_x_adv, all_logits


def _trajectory(points: list[tuple[Tensor, Tensor]], y: Tensor, steps: int, objective: Objective) -> Trajectory:
    points += [points[-1]] * (steps + 1 - len(points))
    logits = torch.stack([point[1] for point in points])
    loss = torch.stack([objective(at, y) for at in logits])
    return Trajectory(torch.stack([point[0] for point in points]), logits, loss)
