"""The attacks, by name. A new one is a file here and a line in ``ATTACKS``."""

from nsr_core.attacks.base import Attack, AttackResult, Box, Trajectory
from nsr_core.attacks.noise import RandomNoise
from nsr_core.attacks.pgd import FGSM, PGD
from nsr_core.attacks.randomness import BatchRandomness, BeatRandomness, Randomness
from nsr_core.attacks.spsa import SPSA
from nsr_core.errors import UserError

ATTACKS: dict[str, Attack] = {
    "pgd": PGD(),
    "pgd-sign": PGD(move="sign"),
    "spsa": SPSA(),
    "fgsm": FGSM(),
    "noise": RandomNoise(),
}


def get_attack(name: str) -> Attack:
    """The attack called ``name``, with the paper's settings.

    Raises:
        UserError: there is no attack of that name.
    """
    if name not in ATTACKS:
        raise UserError(f'There is no attack "{name}". Choose one of: {", ".join(ATTACKS)}.')
    return ATTACKS[name]


__all__ = [
    "ATTACKS",
    "FGSM",
    "PGD",
    "SPSA",
    "Attack",
    "AttackResult",
    "BatchRandomness",
    "BeatRandomness",
    "Box",
    "RandomNoise",
    "Randomness",
    "Trajectory",
    "get_attack",
]
