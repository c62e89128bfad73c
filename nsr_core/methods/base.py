"""What a training method is: a loss, and what the paper protocol does beside it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from nsr_core.settings import Settings


@dataclass(frozen=True)
class Recipe:
    """What is done beside the loss, by method and network: for the paper's methods what the authors' code does.

    Attributes:
        normalise_kernels: whether kernels are scaled to unit norm before each training step.
        weight_decay: strength of the elastic decay (see ``nsr_core.training.decay``).
        bias: whether the network has bias terms.
        learning_rate: of the optimiser.
        schedule: how the learning rate goes over time (see ``nsr_core.training.schedule``).
        optimiser: its name (see ``nsr_core.training.optimisers``).
        gradient_clip: largest L2 norm of the gradient of all parameters together; 0 for no limit.
        batch_size: beats in a step.
        epochs: how often every training beat is seen.
        restart_dead_kernels: whether kernels without a gradient in a whole epoch are drawn anew.
    """

    normalise_kernels: bool = True
    weight_decay: float = 0.0
    bias: bool = True
    learning_rate: float = 0.001
    schedule: str = "constant"
    optimiser: str = "adamax"
    gradient_clip: float = 0.0
    batch_size: int = 128
    epochs: int = 50
    restart_dead_kernels: bool = True


@dataclass(frozen=True)
class Method(Settings, ABC):
    """A training method is its settings; ``loss`` turns a batch into the number to descend."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    #: Whether it is one of the paper's nine; else no run of it is by the paper protocol.
    in_paper: ClassVar[bool] = False
    #: Whether it attacks each batch that it trains on, which takes several times as long.
    adversarial: ClassVar[bool] = False

    @abstractmethod
    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """The training loss of a batch, a scalar whose graph leads to the network's parameters.

        Args:
            network: (batch, 187) to (batch, 5) logits.
            x: (batch, 187) beats in [0, 1].
            y: (batch,) int64 true classes.
            generator: where chance comes from, on the device of ``x``.
        """

    def scheduled(self, done: float) -> Self:
        """The method as it is when a share ``done`` of all training steps, from 0 to below 1, lies behind."""
        return self

    def recipe(self, network: str) -> Recipe:
        """The paper protocol beside the loss for the network of that name."""
        return Recipe()

    def for_network(self, network: str) -> Self:
        """The method with the paper's settings for the network of that name."""
        return self
