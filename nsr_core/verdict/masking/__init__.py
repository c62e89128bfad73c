"""Whether a network hides its gradient instead of being robust: signs of gradient masking, and an alarm."""

from nsr_core.verdict.masking.alarm import LEVELS, PER_CLASS, Alarm, draw, examine, sound
from nsr_core.verdict.masking.judges import SIGNS
from nsr_core.verdict.masking.signs import LIGHTS, Sign
from nsr_core.verdict.masking.store import ALARM_FILE, load_alarm, save_alarm

__all__ = [
    "ALARM_FILE",
    "LEVELS",
    "LIGHTS",
    "PER_CLASS",
    "SIGNS",
    "Alarm",
    "Sign",
    "draw",
    "examine",
    "load_alarm",
    "save_alarm",
    "sound",
]
