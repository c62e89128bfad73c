"""Shared by the tests of the lesson."""

import numpy as np
import pytest

from nsr_core.data import Beats


@pytest.fixture
def network(trained):
    return trained.network


@pytest.fixture
def middling(beats_of) -> Beats:
    """Three beats of class N between 0.3 and 0.7, all 100 signal samples free to move."""
    x = 0.3 + 0.4 * np.random.default_rng(0).random((3, 187), np.float32)
    x[:, 100:] = 0
    return beats_of(x, [0, 0, 0])
