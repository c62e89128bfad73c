"""Adversarial training as the paper runs it (eq. 11)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.attacks import BatchRandomness
from nsr_core.attacks.objectives import cross_entropy, slope
from nsr_core.methods.base import Method, Recipe
from nsr_core.methods.sign_steps import sign_steps
from nsr_core.models.vjp import PRECISIONS
from nsr_core.settings import setting


@dataclass(frozen=True)
class Adversarial(Method):
    """Half cross-entropy on the beats, half on their attacked copies: 10 sign steps of 0.01 from a random start.

    Ten steps of 0.01 travel 0.1 at most, whatever eps is: at eps 0.2 and 0.3 the attack cannot use its budget,
    one of the reasons why those two look weak in the paper. No beat stops early. With precision ``bfloat16`` the attack's
    gradients, not those of the weights, are computed in it: a deviation, for processors on which it is faster (measure before use).
    """

    name: ClassVar[str] = "adv"
    title: ClassVar[str] = "Adversarial training"
    summary: ClassVar[str] = "Trains on the beats and on attacked copies of them, made anew at every step."
    equation: ClassVar[str] = r"\frac{1}{2} L_{CE}(x, y) + \frac{1}{2} L_{CE}(x_\epsilon, y)"
    in_paper: ClassVar[bool] = True
    adversarial: ClassVar[bool] = True

    eps: float = setting(0.1, "Largest noise of the attack trained against.", 0.0, 1.0, "of the beat's range")
    steps: int = setting(10, "Steps of the attack trained against.", 1, 1000)
    step_size: float = setting(0.01, "How far one step moves each sample.", 1e-6, 1.0, "of the beat's range")
    precision: str = setting("float32", "Number format of the attack's gradients.", choices=tuple(PRECISIONS))

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        x_adv = self.attack(network, x, y, BatchRandomness(generator, len(x)).uniform(x.shape[1]))
        # One forward pass for both halves: the mean over 2 * batch is half of each mean.
        return functional.cross_entropy(network(torch.cat((x, x_adv))), torch.cat((y, y)))

    def attack(self, network: nn.Module, x: Tensor, y: Tensor, uniform: Tensor) -> Tensor:
        """The attacked copies, (batch, 187).

        Args:
            uniform: (batch, 187) in [-1, 1), where the attack starts, in units of eps.
        """

        def push(logits: Tensor) -> Tensor:
            return slope(cross_entropy, logits, y)

        return sign_steps(
            network,
            x,
            push,
            uniform,
            eps=self.eps,
            steps=self.steps,
            step_size=self.step_size,
            precision=self.precision,
        )

    def recipe(self, network: str) -> Recipe:
        if network == "mlp":
            return Recipe(normalise_kernels=False)
        return Recipe(weight_decay=0.01)
