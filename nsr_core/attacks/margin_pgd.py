"""PGD on the margin, against the nearest other class or against each of them in turn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nsr_core.attacks.ascent import StepRule
from nsr_core.attacks.objectives import targeted_margin
from nsr_core.attacks.restarts import FromNearby, ObjectiveOf, Restart, towards
from nsr_core.data import CLASSES
from nsr_core.settings import setting

#: Classes that a beat can be mistaken for.
RIVALS = len(CLASSES) - 1


@dataclass
class EpsSteps(StepRule):
    """Sign steps in proportion to each beat's epsilon. ``size``: (beats, 1) or (1, 1)."""

    size: Tensor

    @classmethod
    def reaching(cls, reach: float, restart: Restart) -> "EpsSteps":
        """Steps that together travel ``reach`` times as far as epsilon."""
        return cls(reach * restart.box.eps / max(restart.moves, 1))

    def move(self, x_adv: Tensor, gradient: Callable[[], Tensor], value: Callable[[], Tensor]) -> Tensor:
        return torch.addcmul(x_adv, self.size, gradient().sign())


@dataclass(frozen=True)
class MarginPGD(FromNearby):
    """PGD with plain sign steps on the margin, the loss of Carlini & Wagner (2017), maximised as by Madry et al. (2017).

    Where a network is very sure, the cross-entropy's gradient vanishes in floating point; the margin's does not. Step
    sizes follow epsilon, so that the whole budget is in reach at every noise level and within it no less finely stepped.

    Deviation: the margin is not capped at a confidence; a beat stops at its first success anyway.
    """

    name: ClassVar[str] = "pgd-margin"
    title: ClassVar[str] = "PGD on the margin"
    summary: ClassVar[str] = (
        "Climbs the gap between the nearest wrong class and the right one, in steps fit to the budget."
    )

    reach: float = setting(2.5, "How far the steps of one run travel together.", 0.1, 100.0, "noise levels")

    def begin(self, restart: Restart) -> tuple[Tensor, StepRule]:
        return self.start(restart), EpsSteps.reaching(self.reach, restart)


@dataclass(frozen=True)
class MultiTargetPGD(MarginPGD):
    """Multi-targeted PGD (Gowal et al. 2019): a run towards each wrong class, on that class's margin over the right one.

    One round takes four runs, the nearest class first.

    Deviations: the classes are ranked once, at the first starting point; plain sign steps of one size; the next class is
    tried only on beats that the last one left standing.
    """

    name: ClassVar[str] = "multi-target"
    title: ClassVar[str] = "Multi-target PGD"
    summary: ClassVar[str] = "One climb towards each wrong class in turn, so that none is overlooked."

    steps: int = setting(400, "How many steps the attack may take, over all its runs.", 1, 10_000)

    def objectives(self) -> list[ObjectiveOf]:
        return [towards(targeted_margin, rank) for rank in range(RIVALS)]
