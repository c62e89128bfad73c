"""Networks and beats whose answers are known, for all tests (``import toys``)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from nsr_core.attacks import Attack
from nsr_core.data import Beats
from nsr_core.evaluation import robustness
from nsr_core.evaluation.assignment import PAPER_EPS, Assignment
from nsr_core.models import Network, make_network
from nsr_core.models.kernels import kernel_layers

CLASSES = 5
WIDTH = 187
#: Cheap settings for contract tests, where an attack has a setting of that name.
SHORT = {"steps": 3, "samples": 8, "draws": 3}


class Linear(nn.Module):
    """logits = W x + b."""

    name = "mlp"

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(len(weight), dtype=weight.dtype) if bias is None else bias)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T + self.bias


def two_class(difference: Tensor, offset: float = 0.0) -> Linear:
    """z_0 = offset, z_1 = difference . x, and three more classes that never come near.

    A beat of class 0 has the margin difference . x - offset, positive where it is misclassified.
    """
    weight = torch.zeros(CLASSES, WIDTH, dtype=difference.dtype)
    weight[1] = difference
    bias = torch.tensor([offset, 0, -1e4, -1e4, -1e4], dtype=difference.dtype)
    return Linear(weight, bias)


def random_linear(seed: int = 0, dtype: torch.dtype = torch.float64) -> Linear:
    """Five classes, weights and biases drawn from a normal distribution."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(CLASSES, WIDTH, generator=generator, dtype=dtype)
    return Linear(weight, torch.randn(CLASSES, generator=generator, dtype=dtype))


def fresh(network: str, bias: bool = True, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A network as PyTorch initialises it, weights doubled so that its logits differ, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make_network(network, bias)
    with torch.no_grad():
        for layer in kernel_layers(model):
            layer.weight.mul_(2)
    return model.to(dtype).eval()


def random_beats(count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """(count, 187) beats evenly in [0, 1] up to their length and faint after it, and (count,) lengths.

    Faint and not 0: on flat padding the CNN's max-pooling ties, and rounding decides its gradient.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(count, WIDTH, generator=generator, dtype=dtype)
    length = torch.randint(60, WIDTH + 1, (count,), generator=generator)
    return torch.where(torch.arange(WIDTH) < length[:, None], x, 0.01 * x), length


def predicted(model: nn.Module, x: Tensor) -> Tensor:
    """(batch,) the network's classes, taken as the labels by tests that want all beats right."""
    with torch.no_grad():
        return model(x).argmax(1)


def short(attack: Attack) -> Attack:
    """The attack with fewer steps and evaluations."""
    return replace(attack, **{name: value for name, value in SHORT.items() if hasattr(attack, name)})


@contextmanager
def rows_forwarded(network: nn.Module, layer: int = -1) -> Iterator[list[int]]:
    """Collects the number of rows of each pass through one of the network's layers, by whatever way it gets there."""
    seen: list[int] = []
    hook = kernel_layers(network)[layer].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    try:
        yield seen
    finally:
        hook.remove()


def attack_beats(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    attack: Attack,
    name: str,
    eps_grid: Sequence[float] = PAPER_EPS,
    *,
    seed: int = 0,
    carry: bool = False,
    signal_only: bool = False,
    **how: Any,
) -> pd.DataFrame:
    """``nsr_core.evaluation.robustness.attack_beats`` with the assignment written out."""
    assignment = Assignment(attack, eps_grid=tuple(eps_grid), seed=seed, carry=carry, signal_only=signal_only)
    return robustness.attack_beats(network, beats, rows, name, assignment, **how)


def mean_absolute_difference(compared: pd.DataFrame) -> dict[str, float]:
    """The mean absolute difference to each of the paper's tables, over its seven noise levels, by table number."""
    means = compared["difference"].abs().groupby(compared["table"]).mean()
    return {str(table): round(float(value), 4) for table, value in means.items()}
