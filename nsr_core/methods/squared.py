"""The squared-error methods without a gradient term: the ablations of loss1 and loss2."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from nsr_core.methods.base import Method
from nsr_core.methods.terms import correctly_classified, margin_loss, squared_error


@dataclass(frozen=True)
class SquaredError(Method):
    """Mean over the batch of the squared distance between logits and one-hot label."""

    name: ClassVar[str] = "mse"
    title: ClassVar[str] = "Squared error"
    summary: ClassVar[str] = "Pulls the right class's output to 1 and the others to 0."
    equation: ClassVar[str] = r"(z_y - 1)^2 + \sum_{i \neq y} z_i^2"
    in_paper: ClassVar[bool] = True

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return squared_error(network(x), y).mean()


@dataclass(frozen=True)
class SquaredErrorMargin(Method):
    """Squared error plus a margin term on the correctly classified samples (eq. 5 and 10 without their last term)."""

    name: ClassVar[str] = "mseMargin"
    title: ClassVar[str] = "Squared error with margin"
    summary: ClassVar[str] = "Squared error, and a push that keeps the right class ahead by 1."
    equation: ClassVar[str] = (
        r"\begin{aligned}& (z_y - 1)^2 + \sum_{i \neq y} z_i^2 \\ & + \sum_{i \neq y} \max(0, 1 - z_y + z_i)\end{aligned}"
    )
    in_paper: ClassVar[bool] = True

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        logits = network(x)
        return squared_error(logits, y).mean() + margin_loss(logits, y, correctly_classified(logits, y))
