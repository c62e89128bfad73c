"""The attacks, by name. A new one is a file here and a line in ``ATTACKS``."""

from nsr_core.attacks.apgd import APGD, TargetedAPGD, WideAPGD
from nsr_core.attacks.base import Attack, AttackResult, Box, Trajectory
from nsr_core.attacks.margin_pgd import MarginPGD, MultiTargetPGD
from nsr_core.attacks.noise import RandomNoise
from nsr_core.attacks.pgd import FGSM, PGD
from nsr_core.attacks.randomness import BatchRandomness, BeatRandomness, Randomness
from nsr_core.attacks.smooth import Smooth
from nsr_core.attacks.spsa import SPSA
from nsr_core.attacks.square import Square
from nsr_core.attacks.worst_case import STRENGTHS, WorstCase
from nsr_core.errors import UserError
from nsr_core.settings import described_fields

ATTACKS: dict[str, Attack] = {
    "pgd": PGD(),
    "pgd-sign": PGD(move="sign"),
    "spsa": SPSA(),
    "fgsm": FGSM(),
    "pgd-margin": MarginPGD(),
    "multi-target": MultiTargetPGD(),
    "apgd": APGD(),
    "apgd-t": TargetedAPGD(),
    "apgd-wide": WideAPGD(),
    "square": Square(),
    "smooth": Smooth(),
    "noise": RandomNoise(),
}
#: Made of attacks of the table; not one of them, since it has no steps of its own to choose.
WORST_CASE = WorstCase()


def get_attack(name: str) -> Attack:
    """The attack called ``name``, with the paper's settings; or all of them in turn, ``"worst-case"``.

    Raises:
        UserError: there is no attack of that name.
    """
    known = ATTACKS | {WORST_CASE.name: WORST_CASE}
    if name not in known:
        raise UserError(f'There is no attack "{name}". Choose one of: {", ".join(known)}.')
    return known[name]


def attack_title(name: str) -> str:
    """An attack in words, by its name in ``ATTACKS``; one whose settings are not its kind's own says which.

    >>> attack_title("apgd-t"), attack_title("pgd-sign")
    ('APGD targeted', 'PGD (sign)')
    """
    attack = get_attack(name)
    own = [
        str(value)
        for field, (kind, _) in described_fields(attack).items()
        if (value := getattr(attack, field)) != kind.default
    ]
    return f"{attack.title} ({', '.join(own)})" if own else attack.title


__all__ = [
    "APGD",
    "ATTACKS",
    "FGSM",
    "PGD",
    "SPSA",
    "STRENGTHS",
    "WORST_CASE",
    "Attack",
    "AttackResult",
    "BatchRandomness",
    "BeatRandomness",
    "Box",
    "MarginPGD",
    "MultiTargetPGD",
    "RandomNoise",
    "Randomness",
    "Smooth",
    "Square",
    "TargetedAPGD",
    "Trajectory",
    "WideAPGD",
    "WorstCase",
    "attack_title",
    "get_attack",
]
