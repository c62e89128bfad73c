"""Several runs in one attack: each begins anew, from another start or towards another class, with what is still alive.

One count of steps goes through all runs, so that ``steps`` is what an attack may spend, however it spends it.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from nsr_core.attacks.ascent import Alive, Gradient, ascend
from nsr_core.attacks.base import Attack, AttackResult, Box
from nsr_core.attacks.objectives import Objective, margin, rivals, slope
from nsr_core.attacks.randomness import Randomness
from nsr_core.models.vjp import input_vjp
from nsr_core.progress import Progress
from nsr_core.settings import setting

#: ``goal(logits, y, rivals)``: (batch,) what one run makes larger; ``rivals``: (batch, classes - 1), see ``objectives``.
Goal = Callable[[Tensor, Tensor, Tensor], Tensor]
Targeted = Callable[[Tensor, Tensor, Tensor], Tensor]


class Climber(Protocol):
    """How one run moves; it may remember.

    Attributes:
        start: (batch, 187) where it begins.
        wants_gradient: whether it needs the gradient; without, it is given the point itself in its place.
    """

    start: Tensor
    wants_gradient: bool

    def move(self, x_adv: Tensor, gradient: Tensor, value: Tensor) -> Tensor:
        """The next points, given the gradient of the goal and its value (batch,) at these."""
        ...

    def keep(self, alive: Tensor) -> None: ...


@dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Attributes:
        number: of the run, from 0.
        rows: (alive,) places in the batch of the beats that are still alive.
        box: theirs.
        moves: how often the run may move.
    """

    number: int
    rows: Tensor
    box: Box
    moves: int


def untargeted(objective: Objective) -> Goal:
    """The same objective for every beat."""
    return lambda logits, y, others: objective(logits, y)


def towards(targeted: Targeted, rank: int) -> Goal:
    """An objective with each beat's own target: its rival of that rank at the attack's first point."""
    return lambda logits, y, others: targeted(logits, y, others[:, rank])


class Runs:
    """Look and mover for ``ascend``: shares the looks 0..steps evenly among the runs, in order.

    Args:
        model: (batch, 187) to (batch, classes) logits.
        box: of all beats.
        steps: as ``ascend`` is told.
        goals: of the runs, one each.
        begin: makes a run's climber.
    """

    def __init__(
        self, model: nn.Module, box: Box, steps: int, goals: Sequence[Goal], begin: Callable[[Beginning], Climber]
    ) -> None:
        self._model, self._box, self._goals, self._begin = model, box, goals, begin
        looks = steps + 1
        self._firsts = [-(-number * looks // len(goals)) for number in range(len(goals) + 1)]  # rounded up
        self._rows = torch.arange(len(box.low), device=box.low.device)
        self._rivals = self._value = torch.empty(0)
        self._climber = self._at(0, self._rows, box)
        self._next: Climber | None = None
        self.start = self._climber.start

    def look(self, x_adv: Tensor, y: Tensor, step: int) -> tuple[Tensor, Gradient]:
        if self._climber.wants_gradient:
            logits, pull_back = input_vjp(self._model, x_adv)
        else:
            with torch.no_grad():
                logits, pull_back = self._model(x_adv), None
        if step == 0:
            self._rivals = rivals(logits, y)
        run, following, others = self._run(step), self._run(step + 1), self._rivals

        def goal(logits: Tensor, y: Tensor) -> Tensor:
            return self._goals[run](logits, y, others)

        def gradient(alive: Alive) -> Tensor:
            kept = slice(None) if alive is None else alive
            if following != run:
                self._next = self._at(following, self._rows[kept], self._box if alive is None else self._box.at(alive))
                return self._next.start
            self._value = goal(logits, y)[kept]
            return (x_adv if pull_back is None else pull_back(slope(goal, logits, y)))[kept]

        return logits, gradient

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor:
        if self._next is None:
            return self._climber.move(x_adv, gradient, self._value)
        self._climber, self._next = self._next, None
        return gradient  # the start of the next run, wherever the last one ended

    def at(self, alive: Tensor) -> Self:
        self._rows, self._rivals, self._box = self._rows[alive], self._rivals[alive], self._box.at(alive)
        self._climber.keep(alive)
        return self

    def _run(self, step: int) -> int:
        """Which run the look of that step belongs to."""
        return bisect_right(self._firsts, step) - 1

    def _at(self, number: int, rows: Tensor, box: Box) -> Climber:
        return self._begin(Beginning(number, rows, box, self._firsts[number + 1] - self._firsts[number] - 1))


@dataclass(frozen=True)
class InRuns(Attack):
    """An attack of one or more runs. A subclass names the goals of one round and how a run climbs.

    A beat that withstands ends at the best point of all runs.
    """

    #: Whether a climber may leave the box on its way.
    roams: ClassVar[bool] = False

    steps: int = setting(100, "How many steps the attack may take, over all its runs.", 1, 10_000)
    restarts: int = setting(1, "How many times it starts; the steps are shared among the starts.", 1, 100)

    def objective(self) -> Objective:
        """By which the best point is told, and what the record shows."""
        return margin

    def goals(self) -> list[Goal]:
        """What the runs of one round, from one start to the next, make larger, one each."""
        return [untargeted(self.objective())]

    def climber(self, x: Tensor, randomness: Randomness, begin: Beginning) -> Climber:
        """One run. ``x``: (batch, 187) all beats; draws of chance numbered ``begin.number`` are its own."""
        raise NotImplementedError

    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        goals = self.goals() * self.restarts
        runs = Runs(model, box, self.steps, goals, lambda begin: self.climber(x, randomness, begin))
        return ascend(
            runs.start,
            y,
            box,
            steps=self.steps,
            look=runs.look,
            mover=runs,
            queries_per_step=0,
            objective=self.objective(),
            keep_best=True,
            roam=self.roams,
            record=record,
            progress=progress,
        )


@dataclass(frozen=True)
class FromNearby(InRuns):
    """Runs that start in the box: the later rounds always at random."""

    random_start: bool = setting(True, "Start at random within the budget, not at the beat itself.")

    def start(self, x: Tensor, randomness: Randomness, begin: Beginning) -> Tensor:
        """(alive, 187) a point drawn evenly within each box, that of run 0 being PGD's; or, in the first round, the beat."""
        if not self.random_start and begin.number < len(self.goals()):
            return x[begin.rows]
        uniform = randomness.uniform(x.shape[1], begin.number)
        return begin.box.random_point(x[begin.rows], uniform.to(x)[begin.rows])
