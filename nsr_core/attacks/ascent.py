"""One loop for all attacks that go step by step: evaluate, drop the broken, move the rest, stay in the box."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from nsr_core.attacks.base import AttackResult, Box, Trajectory
from nsr_core.attacks.objectives import Objective, slope
from nsr_core.attacks.per_beat import PerBeat
from nsr_core.models.vjp import PullBack, input_vjp
from nsr_core.progress import Progress, no_progress

#: Places of the evaluated beats that are still classified correctly, or None where all are.
Alive = Tensor | None
#: ``gradient(objective, y, alive)``: the direction of ascent of those beats.
Gradient = Callable[[Objective, Tensor, Alive], Tensor]
#: ``look(x_adv, step)``: the logits there, and a way to ask for the gradient if it is needed at all.
Look = Callable[[Tensor, int], tuple[Tensor, Gradient]]


def evaluate_with_gradient(model: nn.Module) -> Look:
    """A look whose gradient is the true one: it comes with the same forward pass."""

    def look(x_adv: Tensor, step: int) -> tuple[Tensor, Gradient]:
        logits, pull_back = input_vjp(model, x_adv)
        return logits, partial(_gradient, logits, pull_back)

    return look


def _gradient(logits: Tensor, pull_back: PullBack, objective: Objective, y: Tensor, alive: Alive) -> Tensor:
    return _of(alive, pull_back(slope(objective, logits, y)))


def evaluate(model: nn.Module) -> Look:
    """A look for step rules that never ask for a gradient."""

    @torch.no_grad()
    def look(x_adv: Tensor, step: int) -> tuple[Tensor, Gradient]:
        return model(x_adv), _no_gradient

    return look


def _no_gradient(objective: Objective, y: Tensor, alive: Alive) -> Tensor:
    raise NotImplementedError("This attack evaluates the network without gradients.")


def _of(alive: Alive, values: Tensor) -> Tensor:
    return values if alive is None else values.index_select(0, alive)


class StepRule(PerBeat):
    """How an attack gets from one point to the next; a dataclass, which may remember."""

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        """The next points, in a new tensor.

        Args:
            x_adv: (beats, 187) where they are.
            gradient, value: give the objective's gradient, (beats, 187), and its value, (beats,), there; what a rule does
                not ask for is not computed.
        """
        raise NotImplementedError


@dataclass
class SignStep(StepRule):
    """Eq. 12 as written: step_size times the sign of the gradient."""

    step_size: float

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        return torch.add(x_adv, gradient().sign(), alpha=self.step_size)


@dataclass
class SignAdamax(StepRule):
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

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        sign = gradient().sign()
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


STEP_RULES: dict[str, Callable[[float], StepRule]] = {"adamax": SignAdamax, "sign": SignStep}


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
        box, rule: theirs.
        x_adv: (alive, 187) where they are.
        best: the best point so far, where it is asked for.
        objective: what is maximised.
    """

    rows: Tensor
    y: Tensor
    box: Box
    rule: StepRule
    x_adv: Tensor
    best: Point | None
    objective: Objective


@dataclass(frozen=True)
class Ascent(AttackResult):
    """A result with what another restart goes on from.

    Attributes:
        best: the best points of the beats that withstood, in their order.
    """

    best: Point | None = None


def always(objective: Objective) -> Callable[[Tensor, Tensor], Objective]:
    """The same objective, whatever the logits at the start."""
    return lambda logits, y: objective


def ascend(
    start: Tensor,
    y: Tensor,
    box: Box,
    *,
    steps: int,
    look: Look,
    rule: StepRule,
    objective: Callable[[Tensor, Tensor], Objective],
    best_by: Objective,
    queries_per_step: int = 0,
    keep_best: bool = False,
    best: Point | None = None,
    roam: bool = False,
    record: bool = False,
    progress: Progress = no_progress,
) -> Ascent:
    """Maximise from ``start`` in at most ``steps`` moves; each beat stops where it is first misclassified.

    Only the survivors are evaluated again. The network is evaluated ``steps + 1`` times: at the start and after every
    move, so that a beat broken by k moves or fewer has the same result in every run of k steps or more.

    Args:
        start: (batch, 187) first points, inside the box.
        y: (batch,) true classes.
        steps: number of moves.
        look: evaluates the network.
        rule: how to move.
        objective: what is maximised, given logits and classes at the start.
        best_by: by which a point is better than another; also for the record.
        queries_per_step: how many further evaluations a gradient costs (0 where it comes with the look).
        keep_best: whether a beat that withstands ends at the point where ``best_by`` was largest, not at the last one; the
            record then holds, at every look, the best point so far.
        best: the best points so far, of an earlier restart.
        roam: whether points may leave the box and are not clipped to it. What is found outside is never a success and
            never kept, but the start is; it takes ``keep_best``.
        progress: called at every look.
    """
    x_final = start.clone()
    first_success = torch.full_like(y, -1)
    points: list[tuple[Tensor, Tensor]] = []
    rows = torch.arange(len(y), device=y.device)
    alive = Survivors(rows, y, box, rule, start, best, best_by)
    for step in range(steps + 1):
        progress(step, steps, f"step {step} of {steps}")
        logits, gradient = look(alive.x_adv, step)
        if step == 0:
            alive.objective = objective(logits, y)
        right = logits.argmax(1) == alive.y
        inside = alive.box.holds(alive.x_adv) if roam else None
        if inside is not None:
            right |= ~inside
        if keep_best:
            value = torch.where(right, best_by(logits, alive.y), torch.inf)
            alive.best = _better(alive.best, Point(alive.x_adv, logits, value), inside)
        end, end_logits = (alive.x_adv, logits) if alive.best is None else (alive.best.x_adv, alive.best.logits)
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
        ascent = partial(gradient, alive.objective, alive.y, survivors)
        objective_now = partial(_value, alive.objective, logits, alive.y, survivors)
        if survivors is not None:
            alive = alive.at(survivors)
        moved = alive.rule.move(alive.x_adv, ascent, objective_now)
        alive.x_adv = moved if roam else alive.box.clip_(moved)
    x_final[alive.rows] = end
    moves = torch.where(first_success < 0, steps, first_success)
    queries = moves + 1 + moves * queries_per_step
    trajectory = _trajectory(points, y, steps, best_by) if record else None
    stood = (first_success[alive.rows] < 0).nonzero()[:, 0]
    left = alive.best.at(stood) if alive.best is not None and len(stood) else None
    return Ascent(x_final, first_success, queries, trajectory, left)


def _value(objective: Objective, logits: Tensor, y: Tensor, alive: Alive) -> Tensor:
    return _of(alive, objective(logits, y))


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
