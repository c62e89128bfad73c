"""A whole recording in few numbers: the envelope holds every extreme, and one of each part's marks is kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.recordings.grid import Lead
from nsr_core.recordings.overview import envelope, first_of_each


def lead_of(signal, missing=None):
    nothing = np.zeros(len(signal), bool)
    return Lead("II", True, 360.0, 5.0, signal, nothing if missing is None else missing, nothing, nothing)


@settings(deadline=None)
@given(count=st.integers(1, 500), parts=st.integers(1, 80), seed=st.integers(0, 9))
def test_the_envelope_holds_every_sample(count, parts, seed):
    signal = np.random.default_rng(seed).normal(size=count)
    whole = envelope(lead_of(signal), parts)
    assert len(whole.time_s) == len(whole.low) == len(whole.high) <= parts
    assert (whole.low.min(), whole.high.max()) == (signal.min(), signal.max())
    assert (whole.low <= whole.high).all()
    assert (np.diff(whole.time_s) > 0).all()
    assert 5.0 < whole.time_s[0] <= whole.time_s[-1] < 5.0 + count / 360


def test_a_part_without_any_sample_is_left_open():
    missing = np.repeat([False, True, False], 100)
    whole = envelope(lead_of(np.ones(300), missing), 3)
    assert np.isnan(whole.low).tolist() == np.isnan(whole.high).tolist() == [False, True, False]


@settings(deadline=None)
@given(times=st.lists(st.floats(0, 99.9), max_size=60), parts=st.integers(1, 30))
def test_of_each_part_one_is_kept_the_first(times, parts):
    time_s = np.array(times)
    part = np.floor(time_s / 100 * parts)
    kept = first_of_each(time_s, 0.0, 100.0, parts)
    assert sorted(part[kept].tolist()) == sorted(set(part.tolist()))
    for row in kept.tolist():
        assert part[:row].tolist().count(part[row]) == 0


def test_without_marks_none_is_kept():
    assert first_of_each(np.empty(0), 0.0, 10.0, 5).tolist() == []


@pytest.mark.parametrize("seconds", [0.0, 1e-12])
def test_no_time_at_all_is_one_part(seconds):
    assert first_of_each(np.zeros(3), 0.0, seconds, 5).tolist() == [0]
