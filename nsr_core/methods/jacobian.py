"""Jacobian regularisation (after Jakubovitz & Giryes 2018), in the L1 form of the authors' code."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.methods.base import Method, Recipe
from nsr_core.models.vjp import input_vjp
from nsr_core.settings import setting

PAPER_BETA = {"mlp": 0.9, "cnn": 0.7}


@dataclass(frozen=True)
class Jacobian(Method):
    """Cross-entropy plus beta times the mean absolute entry of the input-output Jacobian, summed over classes.

    Jakubovitz & Giryes penalise the Frobenius norm; the authors' code takes the L1 norm of each row, on all
    samples, divided by batch * 187. beta is 0.9 for the MLP and 0.7 for the CNN.
    """

    name: ClassVar[str] = "jacob"
    title: ClassVar[str] = "Jacobian regularisation"
    summary: ClassVar[str] = "Cross-entropy, and a penalty on how fast any output changes with the signal."
    equation: ClassVar[str] = r"L_{CE} + \beta \sum_k \| \partial z_k / \partial x \|_1 / 187"
    in_paper: ClassVar[bool] = True

    beta: float = setting(0.9, "Weight of the Jacobian term.", 0.0, 1000.0)

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        logits, pull_back = input_vjp(network, x, differentiable=True)
        # One gradient per class, all pulled back through the one forward pass together.
        classes = torch.eye(logits.shape[1], dtype=x.dtype, device=x.device)
        jacobian = pull_back(classes[:, None, :].expand(-1, *logits.shape))  # (classes, batch, 187)
        return functional.cross_entropy(logits, y) + self.beta * jacobian.abs().sum() / x.numel()

    def recipe(self, network: str) -> Recipe:
        return Recipe(weight_decay=0.01)

    def for_network(self, network: str) -> Self:
        return replace(self, beta=PAPER_BETA.get(network, self.beta))
