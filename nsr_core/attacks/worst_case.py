"""Several attacks in turn, each only on what the others left standing: the strongest that is at hand."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import torch
from torch import Tensor, nn

from nsr_core.attacks.apgd import APGD, TargetedAPGD, WideAPGD
from nsr_core.attacks.base import Attack, AttackResult, Box, Trajectory
from nsr_core.attacks.margin_pgd import MarginPGD, MultiTargetPGD
from nsr_core.attacks.objectives import margin
from nsr_core.attacks.pgd import FGSM, PGD
from nsr_core.attacks.randomness import Randomness
from nsr_core.attacks.smooth import Smooth
from nsr_core.attacks.spsa import SPSA
from nsr_core.attacks.square import Square
from nsr_core.progress import Progress
from nsr_core.settings import setting

_FGSM: dict[str, Attack] = {"fgsm": FGSM()}
_PGD: dict[str, Attack] = _FGSM | {"pgd": PGD()}
_STANDARD: dict[str, Attack] = _PGD | {
    "pgd-margin": MarginPGD(),
    "apgd": APGD(),
    "apgd-t": TargetedAPGD(random_start=False),
    "apgd-wide": WideAPGD(random_start=False),
    "apgd-t, at random": TargetedAPGD(),
    "square": Square(),
}
#: Plans by name, in the order of running, cheapest first: all that a plan runs, the stronger ones run too. "pgd" holds the
#: paper's PGD and "full" its SPSA, so neither plan breaks fewer beats than the published attack. Runs from the beat itself
#: and from outside go first among the targeted ones: adversarial training has seen the random starts, and ``loss2`` is
#: flat around its beats.
STRENGTHS: dict[str, dict[str, Attack]] = {
    "fgsm": _FGSM,
    "pgd": _PGD,
    "standard": _STANDARD,
    "full": _STANDARD
    | {
        "smooth": Smooth(),
        "multi-target": MultiTargetPGD(random_start=False),
        "apgd, 5 starts": APGD(steps=500, restarts=5, random_start=False),
        "apgd-t, 5 starts": TargetedAPGD(steps=2000, restarts=5),
        "apgd-wide, 5 starts": WideAPGD(steps=2000, restarts=5),
        "square, 5000 steps": Square(steps=5000),
        "spsa": SPSA(),
    },
}
#: What a beat is said to be broken by that was not.
NOTHING = ""


class Some:
    """The chance of some of the beats: for each what it would be in the whole batch."""

    def __init__(self, whole: Randomness, rows: Tensor) -> None:
        self._whole, self._rows = whole, rows

    def uniform(self, width: int, draw: int) -> Tensor:
        drawn = self._whole.uniform(width, draw)
        return drawn[self._rows.to(drawn.device)]

    def signs(self, count: int, width: int, draw: int) -> Tensor:
        return self._whole.signs(count, width, draw)


@dataclass(frozen=True)
class WorstCase(Attack):
    """The attacks of a plan in order of cost, each on the beats that withstood all before it.

    As Carlini et al. (2019) and Croce & Hein (2020) advise: of several different attacks, the one that succeeds counts.
    Each meets the chance that it would meet alone. Steps go on counting from one attack to the next, so that a step tells
    which of them it belongs to (``broken_by``). A beat that withstands all ends where the last one left it.
    """

    name: ClassVar[str] = "worst-case"
    title: ClassVar[str] = "Worst case"
    summary: ClassVar[str] = "All attacks at hand, one after another, each on the beats that withstood the ones before."

    strength: str = setting("standard", "Which attacks take their turn.", choices=tuple(STRENGTHS))

    def run(
        self, model: nn.Module, x: Tensor, y: Tensor, box: Box, randomness: Randomness, record: bool, progress: Progress
    ) -> AttackResult:
        plan, firsts = STRENGTHS[self.strength], first_steps(self.strength)
        x_adv, step, queries = x.clone(), torch.full_like(y, -1), torch.zeros_like(y)
        alive = torch.arange(len(y), device=y.device)
        told: list[Trajectory] = []
        for (name, attack), first in zip(plan.items(), firsts[:-1], strict=True):

            def report(done: int, total: int, what: str, name: str = name, first: int = first) -> None:
                progress(first + done, firsts[-1] - 1, f"{name}, {what}")

            chance = Some(randomness, alive)
            result = attack.run(model, x[alive], y[alive], box.at(alive), chance, record, report)
            broken = result.step >= 0
            x_adv[alive], step[alive] = result.x_adv, torch.where(broken, first + result.step, -1)
            queries[alive] += result.queries
            if result.trajectory is not None:
                told.append(_of_all(result.trajectory, alive, y, told))
            alive = alive[~broken]
            if not len(alive):
                break
        return AttackResult(x_adv, step, queries, _joined(told) if record else None)


def looks(attack: Attack) -> int:
    """How often an attack looks at the network at most, gradients aside: its steps and its start."""
    return getattr(attack, "steps", 1) + 1


def first_steps(strength: str) -> list[int]:
    """The step at which each attack of a plan begins, and at last the number of all steps."""
    return [0, *accumulate(looks(attack) for attack in STRENGTHS[strength].values())]


def broken_by(strength: str, step: int) -> str:
    """Which attack of a plan a step of first success belongs to; ``NOTHING`` for a step below 0."""
    if step < 0:
        return NOTHING
    return list(STRENGTHS[strength])[bisect_right(first_steps(strength), step) - 1]


def _of_all(part: Trajectory, alive: Tensor, y: Tensor, before: list[Trajectory]) -> Trajectory:
    """One attack's points for all beats: those not alive stay at their last point. The loss is the margin throughout."""
    x_adv, logits = part.x_adv, part.logits
    if before:
        points = len(part.loss)
        x_adv, logits = (last[-1].repeat(points, 1, 1) for last in (before[-1].x_adv, before[-1].logits))
        x_adv[:, alive], logits[:, alive] = part.x_adv, part.logits
    return Trajectory(x_adv, logits, torch.stack([margin(at, y) for at in logits]))


def _joined(parts: list[Trajectory]) -> Trajectory:
    return Trajectory(*(torch.cat([getattr(part, name) for part in parts]) for name in ("x_adv", "logits", "loss")))
