"""The shape that all attacks share: the budget, the call, the result."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from nsr_core.attacks.per_beat import PerBeat
from nsr_core.attacks.randomness import BeatRandomness, Randomness
from nsr_core.data.beats import CLASSES
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress
from nsr_core.settings import Settings


@dataclass(frozen=True)
class Box(PerBeat):
    """The budget: each sample of an attacked beat lies between ``low`` and ``high``.

    One box says all that limits the noise: epsilon around the beat, the range [0, 1], and samples that
    must stay (there low = high = x).

    Attributes:
        low, high: (batch, 187) bounds, inclusive.
        eps: (batch, 1) or (1, 1), the epsilon that made them.
    """

    low: Tensor
    high: Tensor
    eps: Tensor

    @classmethod
    def around(cls, x: Tensor, eps: float | Tensor, length: Tensor | None = None) -> "Box":
        """The box of half-width epsilon around the beats, within [0, 1].

        Its bounds are rounded inwards, so that a beat inside it differs from ``x`` by at most ``eps``
        exactly, not only up to rounding.

        Args:
            x: (batch, 187) beats in [0, 1].
            eps: half-width, one number or (batch,).
            length: (batch,) number of signal samples; given, the padding after them must stay.
        """
        exact = x.double()
        if isinstance(eps, Tensor):
            width = eps.to(x.device, torch.float64).reshape(-1, 1)
        else:  # made on the device: a copy from the host would make it wait
            width = torch.full((1, 1), eps, dtype=torch.float64, device=x.device)
        low, high = (exact - width).clamp_min(0), (exact + width).clamp_max(1)
        if length is not None:
            padding = torch.arange(x.shape[1], device=x.device) >= length.to(x.device)[:, None]
            low, high = torch.where(padding, exact, low), torch.where(padding, exact, high)
        low, high = (_rounded(bound, exact, width, x.dtype, up) for bound, up in ((low, 1), (high, -1)))
        return cls(low, high, width.to(x.dtype))

    def clip(self, x_adv: Tensor) -> Tensor:
        """The nearest point of the box, sample by sample."""
        return torch.clamp(x_adv, self.low, self.high)

    def clip_(self, x_adv: Tensor) -> Tensor:
        """``clip`` in place."""
        return x_adv.clamp_(self.low, self.high)

    def holds(self, x_adv: Tensor) -> Tensor:
        """(batch,) whether each beat is inside."""
        return ((x_adv >= self.low) & (x_adv <= self.high)).all(1)

    def widened(self, x: Tensor, factor: float) -> "Box":
        """The box of ``factor`` times the half-width around the beats ``x``; what must stay, stays."""
        free = self.high > self.low
        low, high = (x - factor * self.eps).clamp_min(0), (x + factor * self.eps).clamp_max(1)
        return Box(torch.where(free, low, self.low), torch.where(free, high, self.high), factor * self.eps)

    def random_point(self, x: Tensor, uniform: Tensor) -> Tensor:
        """A point drawn evenly within epsilon of each beat, then clipped to the box.

        Args:
            x: (batch, 187) the beats that the box is around.
            uniform: (batch, 187) in [-1, 1).

        Clipping to [0, 1] comes after drawing, as in the authors' code: near 0 and 1 some mass sits on the bound.
        """
        return self.clip(x + self.eps * uniform.to(x))


#: Integers by their width in bytes.
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def _rounded(bound: Tensor, x: Tensor, width: Tensor, dtype: torch.dtype, up: int) -> Tensor:
    """The float64 ``bound`` as ``dtype``, one number further ``up`` (-1: down) where it lies more than ``width`` from ``x``.

    A number of 0 or more and the next one differ by 1 when read as integers; torch.nextafter takes five times as long.
    """
    rounded = bound.to(dtype)
    too_far = (rounded.double() - x).abs_() > width
    rounded.view(_INTEGERS[dtype.itemsize]).add_(too_far, alpha=up)
    return rounded


@dataclass(frozen=True)
class Trajectory:
    """What an attack saw at each of its points, the start first; a beat that stopped repeats its last point.

    Attributes:
        x_adv: (points, batch, 187) attacked beats.
        logits: (points, batch, classes).
        loss: (points, batch) the objective, which the attack makes larger.
    """

    x_adv: Tensor
    logits: Tensor
    loss: Tensor


@dataclass(frozen=True)
class AttackResult:
    """What an attack proposes; whether it holds is for the evaluation to judge.

    Attributes:
        x_adv: (batch, 187) attacked beats, inside the budget.
        step: (batch,) int64, the step at whose point the beat was first misclassified (0: the start);
            -1 where it never was.
        queries: (batch,) int64, how often the network was evaluated on this beat's behalf; a gradient
            comes with the evaluation that it belongs to.
        trajectory: all points, where they were asked for.
    """

    x_adv: Tensor
    step: Tensor
    queries: Tensor
    trajectory: Trajectory | None = None


@dataclass(frozen=True)
class Attack(Settings, ABC):
    """An attack is its settings; calling it attacks a batch.

    A subclass names itself, declares its settings and writes ``run``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]

    def __call__(
        self,
        model: nn.Module,
        x: Tensor,
        y: Tensor,
        eps: float | Tensor,
        *,
        length: Tensor | None = None,
        randomness: Randomness | None = None,
        record: bool = False,
        progress: Progress = no_progress,
    ) -> AttackResult:
        """Look for noise of at most ``eps`` on each sample that makes ``model`` misclassify each beat.

        Args:
            model: (batch, 187) to (batch, classes) logits, in eval mode.
            x: (batch, 187) beats in [0, 1].
            y: (batch,) int64 true classes.
            eps: largest absolute noise per sample, in units of the beat's range [0, 1]; one number or (batch,).
            length: (batch,) number of signal samples. Given, only those are attacked; the padding stays 0.
            randomness: where chance comes from; by default seed 0 with the beats numbered 0, 1, ...
            record: whether to keep the trajectory (memory: one batch per step).
            progress: called at every step; raising from it stops the attack.

        Raises:
            UserError: shapes or number formats that do not fit, classes that there are not, an epsilon below 0 or not
                finite, beats outside [0, 1], or a model in training mode. It is a ValueError.

        Example:
            >>> import torch
            >>> from nsr_core.attacks import PGD
            >>> model = torch.nn.Linear(187, 5).eval()
            >>> x = torch.rand(8, 187)
            >>> y = model(x).argmax(1)
            >>> result = PGD(steps=20)(model, x, y, eps=0.1)
            >>> result.x_adv.shape, float((result.x_adv - x).abs().max()) < 0.1001
            (torch.Size([8, 187]), True)
        """
        _check(model, x, y, eps, length)
        randomness = randomness or BeatRandomness(0, np.arange(len(x)))
        return self.run(model, x, y, Box.around(x, eps, length), randomness, record, progress)

    @abstractmethod
    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        """The attack itself, on arguments that were checked."""


def _check(model: nn.Module, x: Tensor, y: Tensor, eps: float | Tensor, length: Tensor | None) -> None:
    if model.training:
        raise UserError("The model is in training mode; call model.eval() first, or the attack fights its noise.")
    if x.dim() != 2 or y.shape != x.shape[:1]:
        raise UserError(f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; expected (batch, samples) and (batch,).")
    if not x.is_floating_point():
        raise UserError(
            f"x is of {x.dtype}; expected beats as floating-point numbers in [0, 1]. Convert with x.float()."
        )
    if y.dtype != torch.int64:
        raise UserError(f"y is of {y.dtype}; expected classes as torch.int64. Convert with y.long().")
    if y.numel() and not (int(y.min()) >= 0 and int(y.max()) < len(CLASSES)):
        raise UserError(
            f"y spans [{int(y.min())}, {int(y.max())}]; expected classes from 0 to {len(CLASSES) - 1} "
            f"({', '.join(CLASSES)})."
        )
    if length is not None and length.shape != y.shape:
        raise UserError(f"length has shape {tuple(length.shape)}; expected one number per beat, {tuple(y.shape)}.")
    if length is not None and (length.is_floating_point() or length.dtype == torch.bool):
        raise UserError(f"length is of {length.dtype}; expected whole numbers of samples. Convert with length.long().")
    width = torch.as_tensor(eps)
    if width.dim() > 1 or (width.dim() == 1 and width.shape != y.shape):
        raise UserError(f"eps has shape {tuple(width.shape)}; expected one number or one per beat, {tuple(y.shape)}.")
    if not bool(((width >= 0) & torch.isfinite(width)).all()):
        raise UserError("eps must be 0 or more and finite, for every beat.")
    if x.numel() and not (float(x.min()) >= 0 and float(x.max()) <= 1):
        raise UserError(f"x spans [{float(x.min()):g}, {float(x.max()):g}]; beats are scaled to [0, 1].")
