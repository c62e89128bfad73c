"""A beat among its neighbours: two on either side where they are near, the intervals, and the window that was cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsr_core.beat.context import LEAD_IN_S, LEAD_OUT_S, REACH_S, around, record_context

BEATS = [1.0, 2.0, 2.6, 4.0, 5.0, 6.0, 7.0]


def at(place, beat_s=BEATS, stop_s=None):
    time_s = np.arange(0, 60, 1 / 360)
    beat_s = np.array(beat_s)
    stop_s = beat_s[place] + 0.7 if stop_s is None else stop_s
    return around("II", True, time_s, np.sin(time_s), beat_s, ["N"] * len(beat_s), place, stop_s)


def test_two_beats_on_either_side_and_the_intervals_by_hand():
    """The third beat comes 0.6 s after the second and 1.4 s before the fourth; four intervals in 4 s are 60 a minute."""
    found = at(2)
    assert found.beat_s.tolist() == [1, 2, 2.6, 4, 5]
    assert (found.at, found.start_s, found.stop_s) == (2, 2.6, pytest.approx(3.3))
    assert (found.rr_before_s, found.rr_after_s) == (pytest.approx(0.6), pytest.approx(1.4))
    assert found.rate_bpm == pytest.approx(60)
    assert found.time_s[[0, -1]] == pytest.approx([1 - LEAD_IN_S, 5 + LEAD_OUT_S], abs=1 / 360)
    assert found.signal == pytest.approx(np.sin(found.time_s))


def test_the_first_beat_has_none_before_and_a_single_one_no_rate():
    first = at(0)
    assert np.isnan(first.rr_before_s)
    assert (first.rr_after_s, first.at, len(first.beat_s)) == (1, 0, 3)
    last = at(len(BEATS) - 1)
    assert np.isnan(last.rr_after_s)
    alone = at(0, [10.0])
    assert np.isnan(alone.rate_bpm)
    assert np.isnan(alone.rr_before_s)
    assert np.isnan(alone.rr_after_s)


@given(st.lists(st.floats(0.2, 9), min_size=1, max_size=12), st.data())
def test_what_is_shown_is_near_and_holds_the_beat_and_its_window(intervals, data):
    beat_s = np.cumsum(intervals)
    place = data.draw(st.integers(0, len(beat_s) - 1))
    found = at(place, beat_s)
    assert found.start_s == beat_s[place]
    assert len(found.beat_s) <= 5
    assert np.abs(found.beat_s - found.start_s).max() <= REACH_S
    if found.stop_s < 59:
        assert found.time_s[0] <= found.start_s < found.stop_s <= found.time_s[-1] + LEAD_OUT_S


def test_a_beat_of_the_records_is_found_among_the_cardiologists_marks(mitdb_root, real_beats):
    row = 1000
    found = record_context(mitdb_root, str(real_beats.record[row]), int(real_beats.sample[row]))
    assert found.lead == real_beats.lead[row]
    assert found.start_s == pytest.approx(real_beats.sample[row] / 360)
    here = np.flatnonzero(real_beats.record == real_beats.record[row])
    before = real_beats.sample[here][real_beats.sample[here] < real_beats.sample[row]].max()
    assert found.rr_before_s == pytest.approx((real_beats.sample[row] - before) / 360)
    assert all(symbol.strip() for symbol in found.symbols)
    cut = found.signal[np.searchsorted(found.time_s, found.start_s - 1e-9) :][: 3 * int(real_beats.length[row]) : 3]
    mv = real_beats.mv_min[row] + real_beats.mv_range[row] * real_beats.x[row, : len(cut)]
    np.testing.assert_allclose(cut, mv, atol=1e-5)
