"""The beat that the lesson opens on."""

import numpy as np
import pytest
from lessontoys import rows_read_correctly

from nsr_core import lesson
from nsr_core.attacks import PGD
from nsr_core.beat.attack import attack_beat


def test_the_level_of_the_first_flip_is_that_of_the_attack_itself(trained, demo_beats):
    for row in rows_read_correctly(trained.network, demo_beats, 3):
        result = lesson.knowledge(trained.network, demo_beats, row)
        flipped = [
            attack_beat(trained, PGD(), demo_beats, row, eps, signal_only=True).flipped for eps in lesson.FLIP_LEVELS
        ]
        assert result.pgd == (
            lesson.FLIP_LEVELS[flipped.index(True)] if any(flipped) else pytest.approx(np.nan, nan_ok=True)
        )


def test_the_teaching_beat_shows_what_it_should(network, demo_beats):
    row = lesson.find_teaching_beat(network, demo_beats, np.arange(len(demo_beats)))
    assert row is not None
    assert lesson.is_read_correctly(network, demo_beats, row)
    result = lesson.climbs(network, demo_beats, row, lesson.lesson_eps(network, demo_beats, row))
    assert result.pgd_class != result.fgsm_class == "NSVFQ"[demo_beats.y[row]]
    assert lesson.find_teaching_beat(network, demo_beats, np.array([], int)) is None
