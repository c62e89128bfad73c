"""The paper's two losses (Ma & Liang 2020, section 2.2): a term on w_y, the gradient of z_y by the beat."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from nsr_core.methods.base import Method, Recipe
from nsr_core.methods.terms import (
    correctly_classified,
    margin_loss,
    mean_over,
    squared_error,
    true_logit,
    true_logit_gradient,
)
from nsr_core.models.vjp import input_vjp
from nsr_core.settings import setting


@dataclass(frozen=True)
class Loss1(Method):
    """Squared error, margin, and R_1 of eq. 4 with gamma = 1: w_y is drawn towards x / x'x (eq. 5).

    Margin and R_1 count on the correctly classified samples only, each averaged over what it counts on.
    x'x gets 1e-8 against division by zero. The network has no bias terms (eq. 3).
    """

    name: ClassVar[str] = "loss1"
    title: ClassVar[str] = "Alignment loss"
    summary: ClassVar[str] = (
        "Makes the network's sensitivity look like the beat itself, so that noise must look like it too."
    )
    equation: ClassVar[str] = r"\mathrm{mseMargin} + \beta_1 \| w_y - x / x^T x \|_2^2"
    in_paper: ClassVar[bool] = True

    beta: float = setting(0.2, "Weight of the alignment term.", 0.0, 100.0)

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        logits, pull_back = input_vjp(network, x, differentiable=True)
        correct = correctly_classified(logits, y)
        target = x / (x.square().sum(1, keepdim=True) + 1e-8)
        misalignment = (true_logit_gradient(pull_back, logits, y, correct) - target).square().sum(1)
        base = squared_error(logits, y).mean() + margin_loss(logits, y, correct)
        return base + self.beta * mean_over(misalignment, correct)

    def recipe(self, network: str) -> Recipe:
        return Recipe(bias=False)


@dataclass(frozen=True)
class Loss2(Method):
    """Squared error, margin, and log(1 + R_2) with R_2 the noise-to-signal bound of eq. 9 (eq. 10).

    Margin and R_2 count on the correctly classified samples only, each averaged over what it counts on.
    Where eq. 9 divides by \\|z_y\\|, the authors' code divides by max(z_y, 0) + 0.01, which is followed here.
    eps_max is 1 as in the paper's text; the code ran 0.4 (MLP) and 0.3 (CNN).
    """

    name: ClassVar[str] = "loss2"
    title: ClassVar[str] = "Noise-to-signal loss"
    summary: ClassVar[str] = "Makes the largest change that noise can cause small beside the right class's output."
    equation: ClassVar[str] = r"\mathrm{mseMargin} + \beta_2 \log(1 + \| w_y \|_1 \epsilon_{\max} / |z_y|)"
    in_paper: ClassVar[bool] = True

    beta: float = setting(0.5, "Weight of the noise-to-signal term.", 0.0, 100.0)
    eps_max: float = setting(1.0, "Largest noise that the bound is taken for.", 0.0, 100.0, "of the beat's range")

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        logits, pull_back = input_vjp(network, x, differentiable=True)
        correct = correctly_classified(logits, y)
        noise = true_logit_gradient(pull_back, logits, y, correct).abs().sum(1) * self.eps_max
        signal = true_logit(logits, y).clamp_min(0) + 0.01
        base = squared_error(logits, y).mean() + margin_loss(logits, y, correct)
        return base + self.beta * mean_over(torch.log1p(noise / signal), correct)
