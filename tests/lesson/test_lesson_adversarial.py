"""Accuracy under attack, from no noise on."""

import pytest

from nsr_core import lesson
from nsr_core.attacks import PGD
from nsr_core.evaluation.rows import read_correctly


def test_accuracies_start_without_noise(network, demo_beats, demo_split):
    result = lesson.accuracies(network, demo_beats, demo_split.test, PGD(steps=5), (0.05, 0.3))
    share = read_correctly(network, demo_beats, demo_split.test).mean()
    assert result[0] == pytest.approx(share)  # 40 beats of each class
    assert (result[1:] <= result[0]).all()
