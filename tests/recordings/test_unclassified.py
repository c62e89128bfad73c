"""Large deflections that no beat accounts for are found; what belongs to a beat is none."""

import numpy as np
import pytest

from nsr_core.recordings import pieces
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.files import read_path
from nsr_core.recordings.unclassified import unclassified
from tests.recordings.heart import beat_train, even_beats, marks_at, recording

AT = even_beats(20, interval=360)
COUNT = int(AT[-1]) + 200
HEART = beat_train(COUNT, AT) + 1e-3 * np.random.default_rng(0).standard_normal(COUNT)


@pytest.mark.parametrize("scale", [1.0, -1.0, 1e3])
def test_p_qrs_and_t_waves_are_their_beats(scale):
    assert unclassified(scale * HEART + 5 * scale, AT).tolist() == []


@pytest.mark.parametrize("missed", [0, 7, 19])
def test_a_beat_that_is_not_marked_is_told(missed):
    result = unclassified(HEART, np.delete(AT, missed))
    assert len(result) == 1
    assert abs(result[0] - AT[missed]) <= 5


def test_a_long_signal_in_pieces_tells_the_same(monkeypatch):
    few = np.delete(AT, [0, 4, 7, 11, 19])
    whole = unclassified(HEART, few)
    monkeypatch.setattr(pieces, "WHOLE_SECONDS", 4.0)
    for seconds in (5.0, 5.5, 7.3):
        monkeypatch.setattr(pieces, "PIECE_SECONDS", seconds)
        assert unclassified(HEART.astype(np.float32), few).tolist() == whole.tolist()
    assert len(whole) == 5


def test_a_small_or_slow_wave_is_not_told():
    time = np.arange(COUNT)
    wander = 2 * np.sin(2 * np.pi * 0.05 * time / 360)
    small = 0.4 * np.exp(-(((time - AT[5] - 250) / 8) ** 2))
    assert unclassified(HEART + wander + small, AT).tolist() == []


def test_without_beats_nothing_is_told():
    assert unclassified(HEART, np.empty(0, np.int64)).tolist() == []


def test_a_recording_tells_what_its_own_marks_leave_out():
    """Beats 4 and 11 are not marked; the last one is, though it has no window."""
    kept = np.delete(AT, [4, 11])
    cut = cut_recording(recording(HEART, marks=marks_at(kept, ["N"] * 18)), "II", start_s=0.5, use_marks=True)
    np.testing.assert_allclose(cut.unclassified_s, AT[[4, 11]] / 360, atol=0.02)
    assert len(cut_recording(recording(HEART), "II").unclassified) == 0


def test_flutter_is_told_where_the_marks_of_a_record_are_taken(mitdb_root):
    made = read_path(mitdb_root / "207")
    cut = cut_recording(made, "MLII", use_marks=True)
    place = {
        which: [time for time, symbol in zip(made.marks.time_s, made.marks.symbols, strict=True) if symbol == which]
        for which in "[]"
    }
    episodes = zip(place["["], place["]"], strict=True)
    inside = sum(((cut.unclassified_s > first) & (cut.unclassified_s < last)).sum() for first, last in episodes)
    assert inside > 100
