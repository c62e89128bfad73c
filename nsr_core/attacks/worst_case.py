"""Several attacks in turn, each only on what the others left standing: the strongest that is at hand."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from torch import Tensor, nn

from nsr_core.attacks.apgd import APGD, TargetedAPGD, WideAPGD
from nsr_core.attacks.base import Attack, AttackResult, Box
from nsr_core.attacks.in_turn import InTurn
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
        turns = InTurn(x, y, box, randomness, margin)
        for (name, attack), first in zip(plan.items(), firsts[:-1], strict=True):

            def report(done: int, total: int, what: str, name: str = name, first: int = first) -> None:
                progress(first + done, firsts[-1] - 1, f"{name}, {what}")

            beats, budget, chance = turns.left()
            turns.add(attack.run(model, beats, y[turns.alive], budget, chance, record, report), first)
            if not len(turns.alive):
                break
        return turns.result()


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
