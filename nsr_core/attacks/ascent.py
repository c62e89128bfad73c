"""One loop for all attacks that climb step by step: look, drop the broken, move the rest, stay in the box."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from nsr_core.attacks.base import AttackResult, Box, Trajectory
from nsr_core.attacks.objectives import Objective
from nsr_core.progress import Progress, no_progress

#: Which of the beats looked at are still classified correctly: a mask, or None where all are.
Alive = Tensor | None
#: The ascent direction of the beats that are alive.
Gradient = Callable[[Alive], Tensor]
#: ``look(x_adv, y, step)``: the logits there, and a way to ask for the gradient if it is needed at all.
Look = Callable[[Tensor, Tensor, int], tuple[Tensor, Gradient]]


class Mover(Protocol):
    """How a gradient becomes a move; it may remember."""

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor: ...

    def keep(self, alive: Tensor) -> None: ...


class SignStep:
    """Eq. 12 as written: step_size times the sign of the gradient."""

    def __init__(self, step_size: float) -> None:
        self._step_size = step_size

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor:
        return torch.add(x_adv, gradient.sign(), alpha=self._step_size)

    def keep(self, alive: Tensor) -> None:
        pass


class SignAdamax:
    """Adamax (Kingma & Ba 2015, algorithm 2) fed with the sign of the gradient: momentum over signs.

    What the authors' code moves the noise with. The size of a step is at most ``learning_rate``.
    """

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, learning_rate: float) -> None:
        self._learning_rate = learning_rate
        self._steps = 0
        self._mean: Tensor | None = None
        self._largest: Tensor | None = None

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor:
        sign = gradient.sign()
        if self._mean is None or self._largest is None:
            self._mean, self._largest = torch.zeros_like(sign), torch.zeros_like(sign)
        self._steps += 1
        self._mean.lerp_(sign, 1 - self.BETAS[0])
        self._largest = torch.maximum(self._largest.mul_(self.BETAS[1]), sign.abs_().add_(self.EPSILON))
        rate = self._learning_rate / (1 - self.BETAS[0] ** self._steps)
        return torch.addcdiv(x_adv, self._mean, self._largest, value=rate)

    def keep(self, alive: Tensor) -> None:
        if self._mean is not None and self._largest is not None:
            self._mean, self._largest = self._mean[alive], self._largest[alive]


MOVERS: dict[str, Callable[[float], Mover]] = {"adamax": SignAdamax, "sign": SignStep}


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
    queries = torch.zeros_like(y)
    best = torch.full_like(x_final[:, 0], -torch.inf)
    points: list[tuple[Tensor, Tensor]] = []
    rows, x_adv, y_alive = torch.arange(len(y), device=y.device), start, y
    for step in range(steps + 1):
        progress(step, steps, f"step {step} of {steps}")
        logits, gradient = look(x_adv, y_alive, step)
        alive_mask = logits.argmax(1) == y_alive
        kept: slice | Tensor = slice(None)
        if roam:
            inside = box.holds(x_adv)
            alive_mask |= ~inside
        if keep_best:
            value = torch.where(alive_mask, objective(logits, y_alive), torch.inf)
            kept = value >= best[rows]
            if roam:
                kept &= inside
            best[rows[kept]] = value[kept]
        x_final[rows[kept]] = x_adv[kept]
        queries[rows] += 1
        if record:
            points.append(_extend(points, rows[kept], x_final, logits[kept]))
        all_alive = bool(alive_mask.all())
        if not all_alive:
            first_success[rows[~alive_mask]] = step
        if step == steps or not bool(alive_mask.any()):
            break
        ascent = gradient(None if all_alive else alive_mask)
        if not all_alive:
            rows, x_adv, y_alive, box = rows[alive_mask], x_adv[alive_mask], y_alive[alive_mask], box.at(alive_mask)
            mover.keep(alive_mask)
        queries[rows] += queries_per_step
        moved = mover.move(x_adv, ascent)
        x_adv = moved if roam else box.clip(moved)
    return AttackResult(x_final, first_success, queries, _trajectory(points, y, steps, objective) if record else None)


def _extend(points: list[tuple[Tensor, Tensor]], rows: Tensor, x_adv: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """The next point of all beats: new logits for ``rows``, the last ones for the beats that stopped."""
    if not points:
        return x_adv.clone(), logits.clone()
    all_logits = points[-1][1].clone()
    all_logits[rows] = logits
    return x_adv.clone(), all_logits


def _trajectory(points: list[tuple[Tensor, Tensor]], y: Tensor, steps: int, objective: Objective) -> Trajectory:
    points += [points[-1]] * (steps + 1 - len(points))
    logits = torch.stack([point[1] for point in points])
    loss = torch.stack([objective(at, y) for at in logits])
    return Trajectory(torch.stack([point[0] for point in points]), logits, loss)
