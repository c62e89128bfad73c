"""Smooth noise (Han et al. 2020): adversarial noise without the jagged steps that no body would make."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from nsr_core.attacks.ascent import StepRule
from nsr_core.attacks.margin_pgd import EpsSteps
from nsr_core.attacks.restarts import Restart, WithRestarts
from nsr_core.data import FS_HZ
from nsr_core.errors import UserError
from nsr_core.settings import setting

KERNELS = 5
#: Where a kernel ends, in its standard deviations.
ENDS = 3.0


@cache
def smoothing(samples: int, narrowest_ms: float, widest_ms: float) -> tuple[Tensor, int]:
    """The mean of Gaussian convolutions as a matrix, symmetric, and how far it reaches.

    Args:
        samples: of a beat.
        narrowest_ms, widest_ms: standard deviations of the first and the last of the kernels, the others evenly between.

    Returns:
        (samples, samples) float64, and the number of samples on each side that a sample is mixed with. A row sums to 1,
        or less at the ends, where what is beyond counts as 0.
    """
    deviations = torch.linspace(narrowest_ms, widest_ms, KERNELS, dtype=torch.float64) * FS_HZ / 1000
    radius = ceil(ENDS * float(deviations[-1]))
    offset = torch.arange(-radius, radius + 1, dtype=torch.float64)
    kernels = torch.exp(-0.5 * (offset / deviations[:, None]) ** 2) * (offset.abs() <= ENDS * deviations[:, None])
    kernel = (kernels / kernels.sum(1, keepdim=True)).mean(0)
    apart = torch.arange(samples)[:, None] - torch.arange(samples)
    inside = apart.abs() <= radius
    return torch.where(inside, kernel[apart.clamp(-radius, radius) + radius], 0.0), radius


@dataclass
class Smoothed(StepRule):
    """Sign steps on raw noise; the beat gets its convolution.

    The raw noise at a sample is held to the room, up and down, that every sample within the kernel's reach has. So the
    convolution fits into the box everywhere, without a clip that would put edges into it.

    Attributes:
        x: (beats, 187) the beats.
        matrix: applies the convolution (see ``smoothing``).
        up, down: (beats, 187) the room.
        raw: (beats, 187) the noise before its convolution.
        steps: how the raw noise moves.
    """

    x: Tensor
    matrix: Callable[[Tensor], Tensor]
    up: Tensor
    down: Tensor
    raw: Tensor
    steps: EpsSteps

    def beat(self) -> Tensor:
        return self.x + self.matrix(self.raw)

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        moved = self.steps.move(self.raw, lambda: self.matrix(gradient()), value)  # the matrix is its own transpose
        self.raw = torch.clamp(moved, -self.down, self.up)
        return self.beat()


@dataclass(frozen=True)
class Smooth(WithRestarts):
    """Smooth adversarial perturbations (Han et al. 2020, Nature Medicine 26): raw noise, convolved with Gaussians.

    The noise is the mean of the convolutions; the gradient is taken through them. The widths are standard deviations in
    ms: 10 to 33 ms are the paper's 3 to 10 samples at 300 Hz.

    Deviations: one kernel for each of five widths, out to three standard deviations, where the paper ends each width after
    5 to 19 samples in turn; its narrowest (3 ms, less than half a sample here) is left out, since it lets every frequency
    pass; the margin is maximised, not the cross-entropy; the start is random, not PGD's result; the beat stays in [0, 1]
    and the padding, where it must, stays, by less noise nearby.
    """

    name: ClassVar[str] = "smooth"
    title: ClassVar[str] = "Smooth noise"
    summary: ClassVar[str] = "Only noise without fast wiggles, so that the beat still looks like an ECG."

    reach: float = setting(2.5, "How far the steps of one run travel together.", 0.1, 100.0, "noise levels")
    narrowest_ms: float = setting(10.0, "Standard deviation of the narrowest smoothing kernel.", 4.0, 200.0, "ms")
    widest_ms: float = setting(33.0, "Standard deviation of the widest smoothing kernel.", 4.0, 200.0, "ms")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.widest_ms < self.narrowest_ms:
            raise UserError(
                f"widest_ms is {self.widest_ms:g}; it must be narrowest_ms, {self.narrowest_ms:g}, or more."
            )

    def begin(self, restart: Restart) -> tuple[Tensor, StepRule]:
        x, box = restart.x, restart.box
        matrix, radius = smoothing(x.shape[1], self.narrowest_ms, self.widest_ms)
        uniform, on_device = restart.uniform(x.shape[1]), matrix.to(x)
        up, down = (
            -functional.max_pool1d(-room[:, None], 2 * radius + 1, 1, radius)[:, 0]
            for room in (box.high - x, x - box.low)
        )
        raw = torch.where(uniform > 0, uniform * up, uniform * down)
        rule = Smoothed(x, lambda noise: noise @ on_device, up, down, raw, EpsSteps.reaching(self.reach, restart))
        return box.clip(rule.beat()), rule
