"""The lesson's two attacks as ways to walk: FGSM's one big step, PGD's many small ones.

Those of ``nsr_core.attacks`` stop a beat at its first misreading. Here the loss is followed beyond it, on beats that are
misread from the start too, and each row of a batch has a step of its own.
"""

import torch
from torch import Tensor, nn

from nsr_core.attacks import PGD, Box
from nsr_core.attacks.ascent import evaluate_with_gradient
from nsr_core.attacks.objectives import cross_entropy

#: The lesson's PGD: eq. 12 from the beat itself, steps of a tenth of the budget.
PGD_STEPS = 20
STEPS_PER_BUDGET = 10


def lesson_pgd(eps: float) -> PGD:
    """The lesson's PGD as an attack, which stops where the reading flips."""
    return PGD(steps=PGD_STEPS, step_size=eps / STEPS_PER_BUDGET, move="sign", random_start=False)


def climb(network: nn.Module, x: Tensor, y: Tensor, box: Box) -> Tensor:
    """(21, batch, 187) the points of the lesson's PGD, which here goes on after the reading has flipped."""
    return _walk(network, x, y, box, PGD_STEPS, box.eps / STEPS_PER_BUDGET)


def fgsm_point(network: nn.Module, x: Tensor, y: Tensor, box: Box) -> Tensor:
    """(batch, 187) where FGSM ends: every sample moved by all of eps along the sign of the loss's gradient."""
    return _walk(network, x, y, box, 1, box.eps)[-1]


def _walk(network: nn.Module, x: Tensor, y: Tensor, box: Box, steps: int, step_size: Tensor) -> Tensor:
    """(steps + 1, batch, 187) the points of eq. 12 from the beat itself."""
    look = evaluate_with_gradient(network)
    points = [x]
    for step in range(steps):
        _, gradient = look(points[-1], step)
        points.append(box.clip(points[-1] + step_size * gradient(cross_entropy, y, None).sign()))
    return torch.stack(points)
