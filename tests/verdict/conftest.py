"""Shared by the tests of the masking check."""

import pytest
from maskingtoys import COUNT

from nsr_core.verdict.masking import (
    check_masking,
    draw_beats,
)


@pytest.fixture
def some(trained, demo_beats, demo_split):
    """Forty test beats that the trained network reads correctly."""
    return draw_beats(trained.network, demo_beats, demo_split.test, COUNT // 5)


@pytest.fixture(scope="session")
def plain(trained, demo_beats, demo_split):
    """The check on the trained network."""
    return check_masking(trained, demo_beats, demo_split, per_class=6, eps=(0.05, 0.02))
