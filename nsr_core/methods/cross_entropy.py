"""The baseline: cross-entropy."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.methods.base import Method, Recipe


@dataclass(frozen=True)
class CrossEntropy(Method):
    """Mean cross-entropy. Recipe: weight decay on both networks, no kernel normalisation on the MLP."""

    name: ClassVar[str] = "ce"
    title: ClassVar[str] = "Cross-entropy"
    summary: ClassVar[str] = "The usual way to train a classifier, with nothing against noise."
    equation: ClassVar[str] = r"L_{CE}(x, y)"
    in_paper: ClassVar[bool] = True

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return functional.cross_entropy(network(x), y)

    def recipe(self, network: str) -> Recipe:
        return Recipe(normalise_kernels=network != "mlp", weight_decay=0.01)
