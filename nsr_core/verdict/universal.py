"""One noise for all beats: how far a network can be misled by noise that does not look at the beat."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nsr_core.attacks.objectives import margin, slope
from nsr_core.data import Beats
from nsr_core.errors import UserError
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.metrics import accuracy, confusion
from nsr_core.evaluation.rows import as_tensors
from nsr_core.models.vjp import input_vjp
from nsr_core.progress import Progress, no_progress


@dataclass(frozen=True)
class Universal:
    """One noise for all beats.

    Attributes:
        noise: (187,) float32, of at most ``eps``.
        eps: the noise level.
        accuracy_before, accuracy_after: at equal priors, on the beats that it was not made on, without and with it.
        beats: how many those are.
        shifts: by how many samples it was shifted, each beat by each of them; the accuracy is the mean over them.
    """

    noise: np.ndarray
    eps: float
    accuracy_before: float
    accuracy_after: float
    beats: int
    shifts: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"noise": self.noise.tolist(), "shifts": list(self.shifts)}


def universal_noise(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    eps: float,
    *,
    shifts: Sequence[int] = (0,),
    epochs: int = 20,
    batch: int = 128,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Tensor:
    """(187,) one noise that makes the network misread as many of the beats as it can (Moosavi-Dezfooli et al. 2017).

    Sign steps on the mean margin, capped at 0 beat by beat, of random batches, each beat's noise shifted in a circle by one of
    ``shifts`` at random: with all 187 of them it needs no knowledge of where the beat begins (Shafahi et al. 2020, algorithm 2).

    Args:
        network: in eval mode.
        x: (beats, 187) in [0, 1].
        y: (beats,) int64 true classes.
        eps: largest absolute noise.
        shifts: in samples.
        epochs: how often each beat takes part; the step falls from a quarter of eps to 0.
        batch: beats in a step.
        seed: of the order and the shifts.
        progress: called with the number of epochs; raising from it stops the work.
    """
    generator = torch.Generator().manual_seed(seed)
    moved = torch.stack(
        [torch.arange(x.shape[1]).roll(shift) for shift in shifts]
    )  # (shifts, 187): whose noise a sample gets
    noise = torch.zeros(x.shape[1], dtype=x.dtype)
    steps = epochs * -(-len(x) // batch)
    for epoch in range(epochs):
        progress(epoch, epochs, f"epoch {epoch + 1}/{epochs}")
        for number, rows in enumerate(torch.randperm(len(x), generator=generator).split(batch)):
            places = moved[torch.randint(len(shifts), (len(rows),), generator=generator)]
            logits, pull_back = input_vjp(network, (x[rows] + noise[places]).clamp(0, 1))
            cotangent = slope(margin, logits, y[rows]) * (margin(logits, y[rows]) < 0)[:, None]
            gradient = torch.zeros_like(noise).index_add_(0, places.flatten(), pull_back(cotangent).flatten())
            done = (epoch * -(-len(x) // batch) + number) / steps
            noise = (noise + eps / 4 * (1 - done) * gradient.sign()).clamp(-eps, eps)
    progress(epochs, epochs, "universal noise made")
    return noise


def attack_universally(
    network: nn.Module,
    beats: Beats,
    known: np.ndarray,
    rows: np.ndarray,
    eps: float,
    *,
    shifts: Sequence[int] = (0,),
    seed: int = 0,
    progress: Progress = no_progress,
) -> Universal:
    """Make one noise on the beats ``known`` and measure it on those of ``rows``.

    Raises:
        UserError: no beat to make it on or to measure it on, or a noise level that is not above 0.
    """
    if not len(known) or not len(rows):
        raise UserError(
            f"The noise would be made on {len(known)} beats and measured on {len(rows)}; expected at least one of each."
        )
    if not 0 < eps <= 1:
        raise UserError(f"The noise level is {eps:g}; expected one above 0 and up to 1.")
    x, y, _ = as_tensors(beats, known)
    noise = universal_noise(network, x, y, eps, shifts=shifts, seed=seed, progress=progress)
    x, y, _ = as_tensors(beats, rows)
    after = [judge(network, x, y, eps, None, x + noise.roll(shift)).pred for shift in shifts]
    before = judge(network, x, y, 0.0, None, x).pred
    return Universal(
        noise.numpy(),
        eps,
        _accuracy(y, before),
        float(np.mean([_accuracy(y, pred) for pred in after])),
        len(y),
        tuple(shifts),
    )


def _accuracy(y: Tensor, pred: Tensor) -> float:
    return float(accuracy(confusion(y.numpy(), pred.numpy())))
