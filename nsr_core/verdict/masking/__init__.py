"""Whether a network hides its gradient instead of being robust: signs of gradient masking, and a check of them all."""

from nsr_core.verdict.masking.check import LEVELS, PER_CLASS, MaskingCheck, check_masking, check_network, draw_beats
from nsr_core.verdict.masking.sign import LIGHTS, Sign
from nsr_core.verdict.masking.signs import SIGNS
from nsr_core.verdict.masking.store import MASKING_FILE, MASKING_FILES, load_masking, save_masking

__all__ = [
    "LEVELS",
    "LIGHTS",
    "MASKING_FILE",
    "MASKING_FILES",
    "PER_CLASS",
    "SIGNS",
    "MaskingCheck",
    "Sign",
    "check_masking",
    "check_network",
    "draw_beats",
    "load_masking",
    "save_masking",
]
