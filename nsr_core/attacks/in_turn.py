"""Attacks one after another, each on the beats that withstood all before it."""

import torch
from torch import Tensor

from nsr_core.attacks.base import AttackResult, Box, Trajectory
from nsr_core.attacks.objectives import Objective
from nsr_core.attacks.randomness import Randomness


class RandomnessOf:
    """The chance of some of the beats: for each what it would be in the whole batch."""

    def __init__(self, whole: Randomness, rows: Tensor) -> None:
        self._whole, self._rows = whole, rows

    def uniform(self, width: int, draw: int) -> Tensor:
        drawn = self._whole.uniform(width, draw)
        return drawn[self._rows.to(drawn.device)]

    def signs(self, count: int, width: int, draw: int) -> Tensor:
        return self._whole.signs(count, width, draw)


class InTurn:
    """Results put together.

    Args:
        x: (batch, 187) beats.
        y: (batch,) true classes.
        box: theirs.
        randomness: theirs.
        objective: what the record shows.

    Attributes:
        alive: (beats,) int64, places of those that withstood all so far.
    """

    def __init__(self, x: Tensor, y: Tensor, box: Box, randomness: Randomness, objective: Objective) -> None:
        self._x, self._y, self._box, self._randomness, self._objective = x, y, box, randomness, objective
        self._x_adv, self._step, self._queries = x.clone(), torch.full_like(y, -1), torch.zeros_like(y)
        self._trajectories: list[Trajectory] = []
        self.alive = torch.arange(len(y), device=y.device)

    def left(self) -> tuple[Tensor, Box, Randomness]:
        """The beats that withstood all so far, with their box and their chance."""
        if len(self.alive) == len(self._x):
            return self._x, self._box, self._randomness
        return self._x[self.alive], self._box.at(self.alive), RandomnessOf(self._randomness, self.alive)

    def add(self, result: AttackResult, first: int) -> Tensor:
        """Put in what the next attack did to ``left()``; its steps count from ``first``.

        Returns:
            (beats,) int64, places in ``left()`` of those that withstood this one too.
        """
        broken = result.step >= 0
        self._x_adv[self.alive] = result.x_adv
        self._step[self.alive] = torch.where(broken, first + result.step, -1)
        self._queries[self.alive] += result.queries
        if result.trajectory is not None:
            self._trajectories.append(self._of_all(result.trajectory))
        stood = (~broken).nonzero()[:, 0]
        self.alive = self.alive[stood]
        return stood

    def result(self, points: int = 0) -> AttackResult:
        """All of it; with at least ``points`` in the record, if there is one: the last one again and again."""
        if not self._trajectories:
            return AttackResult(self._x_adv, self._step, self._queries)
        parts = [
            torch.cat([getattr(part, name) for part in self._trajectories]) for name in ("x_adv", "logits", "loss")
        ]
        missing = max(0, points - len(parts[0]))
        parts = [torch.cat((part, part[-1:].repeat(missing, *[1] * (part.dim() - 1)))) for part in parts]
        return AttackResult(self._x_adv, self._step, self._queries, Trajectory(*parts))

    def _of_all(self, part: Trajectory) -> Trajectory:
        """One attack's points for all beats: those not alive stay at their last point."""
        x_adv, logits = part.x_adv, part.logits
        if self._trajectories:
            last, points = self._trajectories[-1], len(part.loss)
            x_adv, logits = (whole[-1].repeat(points, 1, 1) for whole in (last.x_adv, last.logits))
            x_adv[:, self.alive], logits[:, self.alive] = part.x_adv, part.logits
        return Trajectory(x_adv, logits, torch.stack([self._objective(at, self._y) for at in logits]))
