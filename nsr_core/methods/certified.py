"""Certified training: a loss that asks for what can be proved, not only for what an attack does not find."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.attacks.objectives import cross_entropy, slope
from nsr_core.methods.base import Recipe
from nsr_core.methods.full_budget import FullBudget
from nsr_core.models.intervals import worst_logits
from nsr_core.settings import setting


@dataclass(frozen=True)
class MtlIbp(FullBudget):
    """MTL-IBP (De Palma et al. 2024): cross-entropy on attacked beats, and a share alpha on interval bounds.

    The bounds are of the differences to the true logit over the whole box, clipped to [0, 1], through the merged linear layers
    after the last ReLU. They overestimate what noise can do, the attack underestimates it: a small alpha keeps the network
    accurate and yet regular enough for a tighter bound (CROWN) to prove it afterwards.

    With ``bounded`` below 1 the bounds are those of a smaller box about the attacked copy (SABR, Müller et al. 2023).

    Deviations: neither the initialisation nor the regularisation of Shi et al. (2021), which the authors train with.
    """

    name: ClassVar[str] = "mtl-ibp"
    title: ClassVar[str] = "Certified training"
    summary: ClassVar[str] = (
        "Trains on attacked beats and on bounds of what any noise can do, so that the result can be proved."
    )
    equation: ClassVar[str] = (
        r"\begin{aligned}& (1 - \alpha) \max_{\|\delta\|_\infty \le \epsilon} L_{CE}(x + \delta, y) \\ & + \alpha \, "
        r"L_{CE}(\overline{z - z_y}, y)\end{aligned}"
    )

    steps: int = setting(4, "Steps of the attack trained against.", 1, 1000)
    ramp: float = setting(0.4, "Share of the training over which eps grows from 0.", 0.0, 1.0, "of all steps")
    alpha: float = setting(0.1, "Weight of the interval bounds.", 0.0, 1.0, "of the loss")
    bounded: float = setting(1.0, "Half-width of the box that is bounded.", 0.0, 1.0, "noise levels")

    def loss_around(self, network: nn.Module, x: Tensor, y: Tensor, uniform: Tensor) -> Tensor:
        x_adv = self.attack(network, x, lambda logits: slope(cross_entropy, logits, y), uniform)
        attacked = functional.cross_entropy(network(x_adv), y)
        bounded = functional.cross_entropy(worst_logits(network, *self.bounded_box(x, x_adv), y), y)
        return (1 - self.alpha) * attacked + self.alpha * bounded

    def bounded_box(self, x: Tensor, x_adv: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 187) each, the ends of the box that is bounded: within eps of the beat, and as near to the attacked copy as
        its half-width allows."""
        half, room = self.bounded * self.eps, (1 - self.bounded) * self.eps
        centre = torch.maximum(torch.minimum(x_adv, x + room), x - room)
        return (centre - half).clamp_min(0), (centre + half).clamp_max(1)

    def recipe(self, network: str) -> Recipe:
        """Adam on large batches, its gradient clipped: bounds over many units make now and then a very large one.

        The learning rate stays while eps grows and falls to 0 in the second half. Kernels are left free: at unit norm no
        bound could become small, and a unit that is off for good costs a bound nothing.
        """
        epochs = 100 if self.alpha <= 0.1 else 60  # as they were tried: more of the bounds no longer
        return Recipe(
            normalise_kernels=False,
            learning_rate=0.003,
            schedule="late-cosine",
            optimiser="adam",
            gradient_clip=10.0,
            batch_size=512 if network == "mlp" else 256,
            epochs=epochs if network == "mlp" else 30,
            restart_dead_kernels=False,
        )
