"""What the Learn page shows: small computations on one beat and one MLP, each a step of the lesson.

Noise is kept to the signal samples and to [0, 1], as an electrode would see it.
"""

from nsr_core.evaluation.lesson.accuracy import accuracies
from nsr_core.evaluation.lesson.climbing import PGD_STEPS, STEPS_PER_BUDGET, lesson_pgd
from nsr_core.evaluation.lesson.coin_noise import AgainstChance, against_chance
from nsr_core.evaluation.lesson.known import FLIP_LEVELS, SHORT_SPSA, Knowledge, knowledge
from nsr_core.evaluation.lesson.line import LINE_EPS, StraightLine, straight_line
from nsr_core.evaluation.lesson.losses import Climbs, climbs
from nsr_core.evaluation.lesson.ratio import Ratios, median_ratio, ratios
from nsr_core.evaluation.lesson.survival import Survivors, survivors
from nsr_core.evaluation.lesson.teaching_beat import find_teaching_beat, lesson_eps
from nsr_core.evaluation.rows import is_read_correctly

__all__ = [
    "FLIP_LEVELS",
    "LINE_EPS",
    "PGD_STEPS",
    "SHORT_SPSA",
    "STEPS_PER_BUDGET",
    "AgainstChance",
    "Climbs",
    "Knowledge",
    "Ratios",
    "StraightLine",
    "Survivors",
    "accuracies",
    "against_chance",
    "climbs",
    "find_teaching_beat",
    "is_read_correctly",
    "knowledge",
    "lesson_eps",
    "lesson_pgd",
    "median_ratio",
    "ratios",
    "straight_line",
    "survivors",
]
