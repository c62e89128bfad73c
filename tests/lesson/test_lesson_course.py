"""The beat that the lesson opens on."""

import numpy as np

from nsr_core import lesson


def test_the_teaching_beat_shows_what_it_should(network, demo_beats):
    row = lesson.find_teaching_beat(network, demo_beats, np.arange(len(demo_beats)))
    assert row is not None
    assert lesson.is_read_correctly(network, demo_beats, row)
    result = lesson.climbs(network, demo_beats, row, lesson.lesson_eps(network, demo_beats, row))
    assert result.pgd_class != result.fgsm_class == "NSVFQ"[demo_beats.y[row]]
    assert lesson.find_teaching_beat(network, demo_beats, np.array([], int)) is None
