"""Uniform random noise: no attack at all, the control that every attack must beat."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from nsr_core.attacks.ascent import StepRule, always, ascend, evaluate
from nsr_core.attacks.base import Attack, AttackResult, Box
from nsr_core.attacks.objectives import margin
from nsr_core.attacks.randomness import Randomness
from nsr_core.progress import Progress
from nsr_core.settings import setting


@dataclass
class _Redraw(StepRule):
    """The next point is a fresh draw around the beat.

    Attributes:
        x: (beats, 187) the beats.
        rows: (beats,) their places in the batch that the chance is of.
    """

    x: Tensor
    box: Box
    rows: Tensor
    randomness: Randomness
    draw: int = 0

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        self.draw += 1
        return self.drawn()

    def drawn(self) -> Tensor:
        uniform = self.randomness.uniform(self.x.shape[1], self.draw)
        return self.box.random_point(self.x, uniform[self.rows.to(uniform.device)])


@dataclass(frozen=True)
class RandomNoise(Attack):
    """Independent uniform noise within the budget, drawn ``draws`` times; stops at the first that flips the label."""

    name: ClassVar[str] = "noise"
    title: ClassVar[str] = "Random noise"
    summary: ClassVar[str] = "Noise drawn blindly within the budget: what chance alone can do."

    draws: int = setting(1, "How often noise is drawn for each beat.", 1, 10_000)

    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        rule = _Redraw(x, box, torch.arange(len(y), device=y.device), randomness)
        return ascend(
            rule.drawn(),
            y,
            box,
            steps=self.draws - 1,
            look=evaluate(model),
            rule=rule,
            objective=always(margin),
            best_by=margin,
            record=record,
            progress=progress,
        )
