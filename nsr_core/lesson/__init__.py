"""What the Learn page shows: small computations on one beat and one MLP, each a step of the lesson.

Noise is kept to the signal samples and to [0, 1], as an electrode would see it.
"""

from nsr_core.evaluation.rows import is_read_correctly
from nsr_core.lesson.adversarial import accuracies
from nsr_core.lesson.bounds import BOUNDS_EPS, BOUNDS_POINTS, LeadWithin, lead_within
from nsr_core.lesson.chance import AgainstChance, against_chance
from nsr_core.lesson.climbing import PGD_STEPS, STEPS_PER_BUDGET, lesson_pgd
from nsr_core.lesson.course import find_teaching_beat, lesson_eps
from nsr_core.lesson.drawing import SHAPES, UnderNoise, noise_from, under_noise
from nsr_core.lesson.line import LINE_EPS, StraightLine, straight_line
from nsr_core.lesson.proof import Survivors, survivors
from nsr_core.lesson.ratio import Ratios, median_ratio, ratios
from nsr_core.lesson.steps_of_pgd import Climbs, climbs

__all__ = [
    "BOUNDS_EPS",
    "BOUNDS_POINTS",
    "LINE_EPS",
    "PGD_STEPS",
    "SHAPES",
    "STEPS_PER_BUDGET",
    "AgainstChance",
    "Climbs",
    "LeadWithin",
    "Ratios",
    "StraightLine",
    "Survivors",
    "UnderNoise",
    "accuracies",
    "against_chance",
    "climbs",
    "find_teaching_beat",
    "is_read_correctly",
    "lead_within",
    "lesson_eps",
    "lesson_pgd",
    "median_ratio",
    "noise_from",
    "ratios",
    "straight_line",
    "survivors",
    "under_noise",
]
