"""Uniform random noise: no attack at all, the control that every attack must beat."""

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from nsr_core.attacks.ascent import Alive, Gradient, ascend
from nsr_core.attacks.base import Attack, AttackResult, Box
from nsr_core.attacks.objectives import margin
from nsr_core.attacks.randomness import Randomness
from nsr_core.progress import Progress
from nsr_core.settings import setting


class _Redraw:
    """Moves by forgetting: the next point is a fresh draw, handed over as if it were a gradient."""

    def move(self, x_adv: Tensor, gradient: Tensor) -> Tensor:
        return gradient

    def at(self, rows: Tensor) -> Self:
        return self


@dataclass(frozen=True)
class RandomNoise(Attack):
    """Independent uniform noise within the budget, drawn ``draws`` times; stops at the first that flips the label."""

    name: ClassVar[str] = "noise"
    title: ClassVar[str] = "Random noise"
    summary: ClassVar[str] = "Noise drawn blindly within the budget: what chance alone can do."

    draws: int = setting(1, "How often noise is drawn for each beat.", 1, 10_000)

    @torch.no_grad()
    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        def drawn(draw: int) -> Tensor:
            return box.random_point(x, randomness.uniform(x.shape[1], draw))

        rows = torch.arange(len(y), device=y.device)

        def look(x_adv: Tensor, y_alive: Tensor, step: int) -> tuple[Tensor, Gradient]:
            def redraw(alive: Alive) -> Tensor:
                nonlocal rows
                rows = rows if alive is None else rows[alive]
                return drawn(step + 1)[rows]

            return model(x_adv), redraw

        return ascend(
            drawn(0),
            y,
            box,
            steps=self.draws - 1,
            look=look,
            mover=_Redraw(),
            queries_per_step=0,
            objective=margin,
            record=record,
            progress=progress,
        )
