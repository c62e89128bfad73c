"""Attacks that begin anew, from another start or towards another class, with the beats that are still classified correctly.

One count of steps goes through all restarts, so that ``steps`` is what an attack may spend, however it spends it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from nsr_core.attacks.ascent import Point, StepRule, ascend, evaluate, evaluate_with_gradient
from nsr_core.attacks.base import Attack, AttackResult, Box
from nsr_core.attacks.in_turn import InTurn
from nsr_core.attacks.objectives import Objective, Targeted, TargetedObjective, margin, rivals
from nsr_core.attacks.randomness import Randomness
from nsr_core.progress import Progress
from nsr_core.settings import setting

#: The loss of one restart, given each beat's rivals, (batch, classes - 1) (see ``objectives.rivals``).
ObjectiveOf = Callable[[Tensor], Objective]


@dataclass(frozen=True)
class Restart:
    """What one restart begins with.

    Attributes:
        number: from 0; draws of chance with this number are its own.
        moves: how often it may move.
        x: (alive, 187) the beats that are still classified correctly.
        box: theirs.
        randomness: theirs.
    """

    number: int
    moves: int
    x: Tensor
    box: Box
    randomness: Randomness

    def uniform(self, width: int) -> Tensor:
        """(alive, width) in [-1, 1), like ``x``."""
        return self.randomness.uniform(width, self.number).to(self.x)


def untargeted(loss: Objective) -> ObjectiveOf:
    """The same loss for every beat."""
    return lambda others: loss


def towards(loss: TargetedObjective, rank: int) -> ObjectiveOf:
    """A loss with each beat's own target: its rival of that rank at the attack's first point."""
    return lambda others: Targeted(loss, others[:, rank])


@dataclass(frozen=True)
class WithRestarts(Attack):
    """An attack of one or more restarts. A subclass says how one begins and, where it matters, what it maximises.

    A beat that withstands ends at the best point of all restarts.
    """

    #: Whether points may leave the box on the way.
    roams: ClassVar[bool] = False
    needs_gradient: ClassVar[bool] = True

    steps: int = setting(100, "How many steps the attack may take, over all its runs.", 1, 10_000)
    restarts: int = setting(1, "How many times it starts; the steps are shared among the starts.", 1, 100)

    def objective(self) -> Objective:
        """By which the best point is chosen, and what the record shows."""
        return margin

    def objectives(self) -> list[ObjectiveOf]:
        """What is maximised from one random start: one after another, each with a restart of its own."""
        return [untargeted(self.objective())]

    def begin(self, restart: Restart) -> tuple[Tensor, StepRule]:
        """Where a restart starts, (alive, 187), and how it moves."""
        raise NotImplementedError

    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        objectives = self.objectives() * self.restarts
        looks = self.steps + 1
        firsts = [
            -(-number * looks // len(objectives)) for number in range(len(objectives) + 1)
        ]  # even shares, rounded up
        look = (evaluate_with_gradient if self.needs_gradient else evaluate)(model)
        turns = InTurn(x, y, box, randomness, self.objective())
        others: Tensor | None = None
        best: Point | None = None
        for number, (first, end) in enumerate(pairwise(firsts)):
            if first == end or not len(turns.alive):
                continue

            def at_start(logits: Tensor, y: Tensor, objective_of: ObjectiveOf = objectives[number]) -> Objective:
                nonlocal others
                others = rivals(logits, y) if others is None else others
                return objective_of(others)

            def report(done: int, total: int, what: str, first: int = first) -> None:
                progress(first + done, self.steps, f"step {first + done} of {self.steps}")

            restart = Restart(number, end - first - 1, *turns.left())
            start, rule = self.begin(restart)
            result = ascend(
                start,
                y[turns.alive],
                restart.box,
                steps=restart.moves,
                look=look,
                rule=rule,
                objective=at_start,
                best_by=self.objective(),
                keep_best=True,
                best=best,
                roam=self.roams,
                record=record,
                progress=report,
            )
            stood = turns.add(result, first)
            others, best = None if others is None else others.index_select(0, stood), result.best
        return turns.result(looks if record else 0)


@dataclass(frozen=True)
class FromNearby(WithRestarts):
    """Restarts in the box: at random, or the first round of them at the beat itself."""

    random_start: bool = setting(True, "Start at random within the budget, not at the beat itself.")

    def start(self, restart: Restart) -> Tensor:
        """(alive, 187) a point drawn evenly within each box, that of restart 0 being PGD's; or, in the first round, the beat."""
        if not self.random_start and restart.number < len(self.objectives()):
            return restart.x
        return restart.box.random_point(restart.x, restart.uniform(restart.x.shape[1]))
