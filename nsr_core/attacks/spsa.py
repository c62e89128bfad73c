"""SPSA (Uesato et al. 2018): maximises the loss without gradients, by evaluating the network at many points around the beat."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from nsr_core.attacks.ascent import STEP_RULES, Alive, Gradient, Look, always, ascend
from nsr_core.attacks.base import Attack, AttackResult, Box
from nsr_core.attacks.objectives import Objective, margin
from nsr_core.attacks.randomness import Randomness
from nsr_core.errors import UserError
from nsr_core.models.around import logits_around
from nsr_core.progress import Progress
from nsr_core.settings import setting

#: Directions evaluated together: twice as many rows of activations stay in a core's cache.
CHUNK = 256
#: The same on a CUDA device, and how many rows fill it.
CHUNK_ON_CUDA, ROWS_ON_CUDA = 1024, 65_536


@dataclass(frozen=True)
class SPSA(Attack):
    """The paper's black-box attack (appendix C): 2048 evaluations estimate the gradient of the margin, 100 times.

    The evaluations are 1024 random sign vectors, each added and subtracted at ``delta``; the sign of the mean
    difference goes through Adamax at learning rate 0.01. A beat stops when its label changes. The sign vectors of one
    iteration are shared by all beats: each beat's estimate has the same distribution as with its own.

    The points of the estimate may leave [0, 1]; the attacked beat never does.
    """

    name: ClassVar[str] = "spsa"
    title: ClassVar[str] = "SPSA"
    summary: ClassVar[str] = "Climbs without gradients: tries thousands of nearby signals and follows the trend."

    steps: int = setting(100, "How many steps the attack may take.", 1, 10_000)
    samples: int = setting(2048, "Evaluations of the network for each step, an even number.", 2, 65_536)
    delta: float = setting(0.01, "How far from the beat the network is tried.", 1e-6, 1.0, "of the beat's range")
    step_size: float = setting(0.01, "Learning rate of Adamax over signs.", 1e-6, 1.0, "of the beat's range")
    random_start: bool = setting(True, "Start at random within the budget, not at the beat itself.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.samples % 2:
            raise UserError(f"samples is {self.samples}; it must be even, the evaluations come in pairs.")

    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        with torch.no_grad():
            return ascend(
                box.random_point(x, randomness.uniform(x.shape[1], 0)) if self.random_start else x,
                y,
                box,
                steps=self.steps,
                look=self._look(model, randomness, free=_common_free_samples(box)),
                rule=STEP_RULES["adamax"](self.step_size),
                objective=always(margin),
                best_by=margin,
                queries_per_step=self.samples,
                record=record,
                progress=progress,
            )

    def _look(self, model: nn.Module, randomness: Randomness, free: Tensor) -> Look:
        def look(x_adv: Tensor, step: int) -> tuple[Tensor, Gradient]:
            def gradient(objective: Objective, y: Tensor, alive: Alive) -> Tensor:
                kept, labels = (x_adv, y) if alive is None else (x_adv[alive], y[alive])
                signs = randomness.signs(self.samples // 2, x_adv.shape[1], step).to(x_adv) * free
                return estimate_gradient(model, kept, labels, signs, self.delta)

            return model(x_adv), gradient

        return look


def _common_free_samples(box: Box) -> Tensor:
    """(187,) 1.0 where any beat's sample may move: no evaluation is spent on what no beat can use."""
    return (box.high > box.low).any(0).to(box.low.dtype)


def estimate_gradient(model: nn.Module, x: Tensor, y: Tensor, signs: Tensor, delta: float) -> Tensor:
    """The simultaneous-perturbation estimate of the margin's gradient at each beat.

    Args:
        x: (batch, 187) points.
        y: (batch,) true classes.
        signs: (directions, 187) of -1 and 1.
        delta: distance of the evaluations from ``x``.

    Returns:
        (batch, 187), the mean over directions d of d * (margin(x + delta d) - margin(x - delta d)) / (2 delta).
    """
    total = torch.zeros_like(x)
    for chunk in signs.split(CHUNK_ON_CUDA if x.is_cuda else CHUNK):
        logits = _logits_around_all(model, x, torch.cat((delta * chunk, -delta * chunk)))  # (batch * 2 chunk, classes)
        margins = margin(logits, y.repeat_interleave(2 * len(chunk))).view(len(x), -1)
        plus, minus = margins.chunk(2, dim=1)  # (batch, chunk) each
        total += (plus - minus) @ chunk
    return total / (2 * delta * len(signs))


def _logits_around_all(model: nn.Module, x: Tensor, offsets: Tensor) -> Tensor:
    """(batch * offsets, classes) logits at each beat plus each offset, beat by beat."""
    if x.is_cuda:  # one beat's offsets alone would not fill the device
        parts = x.split(max(1, ROWS_ON_CUDA // len(offsets)))
        return torch.cat([model((part[:, None] + offsets).flatten(0, 1)) for part in parts])
    evaluate = logits_around(model, offsets)
    return torch.cat([evaluate(at) for at in x])
