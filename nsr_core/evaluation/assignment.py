"""What an evaluation consists of: attacks, each with its beats, its noise levels and its seed; and under which protocol."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nsr_core.attacks import PGD, SPSA, Attack, WorstCase, get_attack
from nsr_core.data.splits import which_beats
from nsr_core.settings import described_fields

#: The noise levels of the paper's tables, besides 0.
PAPER_EPS = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
#: The paper attacks the first 162 test beats of each class with SPSA (appendix C).
PAPER_SPSA_BEATS_PER_CLASS = 162
#: Strengths of the worst case that deserve the name.
SERIOUS = ("standard", "full")


@dataclass(frozen=True)
class Assignment:
    """One attack of an evaluation.

    Attributes:
        attack: with its settings.
        per_class, spread: which test beats (see ``chosen_test_beats``).
        eps_grid: noise levels.
        seed: where the attack's chance comes from.
        carry: whether a beat broken at one level is not attacked at larger ones. It saves time and hides how often the
            attack would have missed there.
        signal_only: whether the padding stays untouched.
    """

    attack: Attack
    per_class: int | None = None
    eps_grid: tuple[float, ...] = PAPER_EPS
    seed: int = 0
    carry: bool = False
    signal_only: bool = False
    spread: bool = False

    def describe(self) -> dict[str, Any]:
        """For the card: all that decides the result."""
        own = {name: getattr(self.attack, name) for name in described_fields(self.attack)}
        return {
            "attack": {"name": self.attack.name, **own},
            "beats": which_beats(self.per_class, self.spread),
            "eps": list(self.eps_grid),
            "seed": self.seed,
            "carry": self.carry,
            "signal_only": self.signal_only,
        }


#: The paper's evaluation: one run of 100 steps also gives 20-PGD, beat for beat.
PAPER_PLAN = {
    "pgd": Assignment(PGD(steps=100)),
    "spsa": Assignment(SPSA(), per_class=PAPER_SPSA_BEATS_PER_CLASS, carry=True),
}


#: Beats of each class that meet the worst case: 2,162 of the split by beat, where class F has 162.
WORST_CASE_BEATS_PER_CLASS = 500
#: What the project says beside the paper's: all attacks in turn, on the whole beat as there, and on its signal only.
WORST_CASE_PLAN = {
    "worst-case": Assignment(WorstCase(), WORST_CASE_BEATS_PER_CLASS, carry=True, spread=True),
    "worst-case-signal": Assignment(WorstCase(), WORST_CASE_BEATS_PER_CLASS, carry=True, spread=True, signal_only=True),
}
PLANS = PAPER_PLAN | WORST_CASE_PLAN


def protocol_of(name: str, task: Assignment) -> str:
    """By which protocol an assignment is.

    ``"paper"``: the paper's attack, on the paper's beats and noise levels. ``"worst-case"``: all our attacks in turn, at
    their usual strength or more, on whichever beats. Else ``"custom"``.
    """
    if isinstance(task.attack, WorstCase):
        return "worst-case" if task.attack.strength in SERIOUS else "custom"
    return "paper" if name in PAPER_PLAN and replace(task, seed=PAPER_PLAN[name].seed) == PAPER_PLAN[name] else "custom"


def assignment(name: str, **changes: Any) -> tuple[str, Assignment]:
    """The assignment of that name in ``PLANS``, or else the attack on the full test split, with ``changes``.

    Raises:
        UserError: there is no attack of that name.
    """
    base = PLANS.get(name) or Assignment(get_attack(name))
    return name, Assignment(**(vars(base) | changes))


def plan_of(names: Sequence[str], **changes: Any) -> dict[str, Assignment]:
    """The assignments of several attacks, with the same ``changes`` to each."""
    return dict(assignment(name, **changes) for name in names)
