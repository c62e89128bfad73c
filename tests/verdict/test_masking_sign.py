"""When a light of the masking check changes: at its share and its number of beats together, never at one alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsr_core.verdict.masking.sign import LIGHTS, light_of, light_of_beats, of_beats, worst


@pytest.mark.parametrize(
    ("count", "beats", "light"),
    [
        (0, 10, "green"),
        (2, 10, "green"),  # a fifth of the beats, but two of them
        (3, 10, "amber"),
        (4, 10, "amber"),  # more than red's share, but fewer than its five beats
        (5, 10, "red"),
        (4, 100, "green"),  # more than amber's three beats, but fewer than its share
        (5, 100, "amber"),
        (14, 100, "amber"),
        (15, 100, "red"),
    ],
)
def test_a_light_of_beats_needs_the_share_and_the_number(count, beats, light):
    assert light_of_beats(count, beats) == light


@given(st.integers(1, 500).flatmap(lambda beats: st.tuples(st.integers(0, beats - 1), st.just(beats))))
def test_one_beat_more_never_makes_a_light_better(case):
    count, beats = case
    assert LIGHTS.index(light_of_beats(count + 1, beats)) >= LIGHTS.index(light_of_beats(count, beats))


@pytest.mark.parametrize(("value", "light"), [(0.0, "green"), (0.05, "amber"), (0.199, "amber"), (0.2, "red")])
def test_a_light_of_a_number_changes_at_its_limits(value, light):
    assert light_of(value, 0.05, 0.2) == light


def test_the_worst_light_counts_and_none_is_green():
    assert worst(["green", "red", "amber"]) == "red"
    assert worst([]) == "green"


def test_a_count_is_said_with_its_share():
    assert of_beats(3, 100) == "3 of 100 beats (3 %)"
