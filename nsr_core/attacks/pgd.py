"""Projected gradient descent (Madry et al. 2017) and its one-step ancestor FGSM (Goodfellow et al. 2015)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from nsr_core.attacks.ascent import STEP_RULES, StepRule, always, ascend, evaluate_with_gradient
from nsr_core.attacks.base import Attack, AttackResult, Box
from nsr_core.attacks.objectives import cross_entropy
from nsr_core.attacks.randomness import Randomness
from nsr_core.progress import Progress
from nsr_core.settings import setting


@dataclass(frozen=True)
class PGD(Attack):
    """PGD on the cross-entropy, untargeted, in the infinity norm.

    ``move="adamax"`` is the paper's attack as its code runs it: the sign of the gradient goes through
    Adamax at learning rate 0.01. ``move="sign"`` is eq. 12 as the paper prints it.

    A step is at most ``step_size`` long, so ``steps * step_size`` is as far as the noise can travel.
    """

    name: ClassVar[str] = "pgd"
    title: ClassVar[str] = "PGD"
    summary: ClassVar[str] = "Climbs the loss along its gradient, many small steps within the noise budget."

    steps: int = setting(100, "How many steps the attack may take.", 1, 10_000)
    step_size: float = setting(0.01, "How far one step moves each sample.", 1e-6, 1.0, "of the beat's range")
    move: str = setting(
        "adamax", "Adamax over signs (as published) or plain signs (eq. 12).", choices=tuple(STEP_RULES)
    )
    random_start: bool = setting(True, "Start at random within the budget, not at the beat itself.")

    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        return ascend(
            box.random_point(x, randomness.uniform(x.shape[1], 0)) if self.random_start else x,
            y,
            box,
            steps=self.steps,
            look=evaluate_with_gradient(model),
            rule=STEP_RULES[self.move](self.step_size),
            objective=always(cross_entropy),
            best_by=cross_entropy,
            record=record,
            progress=progress,
        )


@dataclass
class WholeBudget(StepRule):
    """One move to the corner of the box that the gradient points to."""

    box: Box

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        uphill = gradient()
        corner = torch.where(uphill > 0, self.box.high, self.box.low)
        return torch.where(uphill == 0, x_adv, corner)


@dataclass(frozen=True)
class FGSM(Attack):
    """The fast gradient sign method: the whole budget in one step along the sign of the gradient."""

    name: ClassVar[str] = "fgsm"
    title: ClassVar[str] = "FGSM"
    summary: ClassVar[str] = "One step along the sign of the loss's gradient, as long as the budget allows."

    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        return ascend(
            x,
            y,
            box,
            steps=1,
            look=evaluate_with_gradient(model),
            rule=WholeBudget(box),
            objective=always(cross_entropy),
            best_by=cross_entropy,
            record=record,
            progress=progress,
        )
