"""Every cut within reach is read: which samples each takes, and that what is said of them all holds of each."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nsr_core.certificates import certify_beats
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.reading import read_recording_beats, read_with
from nsr_core.recordings.shifts import (
    REACH,
    REACH_MS,
    SHIFTS,
    read_shifted,
    shifted_beats,
    shifted_ranges,
    shifted_x,
    stands_over,
)
from nsr_core.training.checkpoint import load_checkpoint
from tests.conftest import REPOSITORY
from tests.recordings.heart import beat_train, even_beats, marks_at, recording

AT = even_beats(12)
COUNT = int(AT[-1]) + 150
HEART = beat_train(COUNT, AT) + 1e-3 * np.random.default_rng(0).standard_normal(COUNT)


@pytest.fixture(scope="module")
def cut():
    return cut_recording(recording(HEART), "II")


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(REPOSITORY / "checkpoints" / "mlp-ce")


def test_the_cuts_are_five_samples_to_each_side():
    assert list(SHIFTS) == list(range(-5, 6))
    assert abs(REACH_MS - 13.9) < 0.05


@pytest.mark.parametrize("by", SHIFTS)
def test_a_shifted_beat_opens_elsewhere_and_closes_where_it_closed(cut, by):
    beats = shifted_beats(cut, by)
    whole = HEART[AT[4] + by : AT[4] + 360 : 3]
    np.testing.assert_allclose(beats.x[4, : len(whole)], (whole - whole.min()) / np.ptp(whole), atol=1e-6)
    assert not beats.x[4, len(whole) :].any()
    assert beats.sample.tolist() == (cut.sample[cut.row] + by).tolist()
    assert shifted_ranges(cut, by)[4] == pytest.approx(np.ptp(whole))


def test_the_cut_that_is_not_shifted_is_the_beat_itself(cut):
    np.testing.assert_array_equal(shifted_beats(cut, 0).x, cut.beats.x)
    np.testing.assert_allclose(shifted_ranges(cut, 0), cut.beats.mv_range, rtol=1e-6)


def test_a_beat_at_the_very_start_opens_with_the_stretch():
    at = AT - AT[0] + 2
    early = cut_recording(recording(HEART[AT[0] - 2 :], marks=marks_at(at, ["N"] * len(at))), "II", use_marks=True)
    assert early.sample[0] == 2
    np.testing.assert_array_equal(shifted_beats(early, -5).x[0], shifted_beats(early, -2).x[0])


def test_the_own_cut_always_counts_and_all_of_them_are_eleven():
    assert stands_over(np.full((1, 11), 3)).tolist() == [11]
    assert stands_over(np.array([[0] * 5 + [1] + [0] * 5])).tolist() == [1]
    assert stands_over(np.array([[2, 2, 0, 0, 0, 2, 2, 2, 1, 1, 2]])).tolist() == [6]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("last", [None, 4])
def test_the_quick_way_cuts_the_same_beats(cut, dtype, last):
    """Also where a window is longer than a beat may be, and where it closes beyond the stretch."""
    lead = replace(cut.lead, signal=cut.lead.signal.astype(dtype))
    stop = cut.stop.copy()
    stop[cut.row[1]] += 400
    stop[cut.row[-1]] = len(lead.signal) + 90
    changed = replace(cut, lead=lead, stop=stop)
    rows = slice(None, last)
    for by in SHIFTS:
        assert shifted_x(changed, by, rows).tobytes() == shifted_beats(changed, by, rows).x.tobytes()


def test_what_is_proved_for_all_cuts_is_proved_for_each(cut, checkpoint, monkeypatch):
    """At the level in the lead's unit, so scaled by each cut's own range; and 0 wherever one cut is read otherwise."""
    monkeypatch.setattr(
        "nsr_core.recordings.reading.smallest_flips", lambda _, beats, **__: np.full(len(beats), np.nan)
    )
    result = read_with(checkpoint, cut, prove=True)
    readings = read_shifted(checkpoint.network, cut)
    np.testing.assert_array_equal(readings[:, REACH], result.label)
    np.testing.assert_array_equal(result.stands_over, stands_over(readings))
    assert not result.certified_cuts[result.stands_over < len(SHIFTS)].any()
    assert (result.certified_cuts <= result.certified).all()
    own, rows = shifted_ranges(cut, 0), np.arange(len(cut.row))
    least = [
        certify_beats(checkpoint.network, replace(shifted_beats(cut, by), y=result.label), rows, signal_only=True)[
            "certified"
        ]
        * shifted_ranges(cut, by)
        / own
        for by in SHIFTS
    ]
    np.testing.assert_allclose(result.certified_cuts, np.min(least, axis=0), rtol=1e-6)


def test_without_a_proof_nothing_is_proved_for_all_cuts(cut, checkpoint, monkeypatch):
    monkeypatch.setattr(
        "nsr_core.recordings.reading.smallest_flips", lambda _, beats, **__: np.full(len(beats), np.nan)
    )
    result = read_with(checkpoint, cut)
    assert np.isnan(result.certified_cuts).all()
    assert result.stands_over.dtype == np.int64
    assert torch.is_inference_mode_enabled() is False


def test_what_is_said_of_all_cuts_holds_for_half_of_the_beats_that_are_read_alike(checkpoint, cut):
    """Beats without a proof count as nothing proved: they may not be left out of the half."""
    reading = read_recording_beats(cut, [checkpoint])
    (name,) = reading.networks
    stands = np.zeros(len(cut.row), int)
    stands[:4] = len(SHIFTS)
    for proved, said in (([0.1, 0.1, 0.1, 0.0], True), ([0.5, 0.0, 0.0, 0.0], False)):
        levels = np.full(len(stands), np.nan)
        levels[:4] = proved
        changed = replace(reading.networks[name], stands_over=stands, certified_cuts=levels)
        words = replace(reading, networks={name: changed}).cuts_in_words(name)
        assert words.startswith(f"4 of {len(stands)} beats are read alike")
        assert ("proved" in words) == said
