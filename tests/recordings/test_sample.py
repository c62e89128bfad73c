"""The recording for those who have none: always the same, read as it was made, and nobody's."""

import numpy as np
import pytest

from nsr_core.data import CLASSES
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.data.demo import load_templates
from nsr_core.evaluation.robustness import predict
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.peaks import find_peaks
from nsr_core.recordings.sample import (
    ECTOPIC,
    LEAD_NAME,
    LIMITED_S,
    LOST_S,
    SECONDS,
    SHAPES,
    _rhythm,
    sample_recording,
)
from nsr_core.training.checkpoint import load_checkpoint
from tests.conftest import REPOSITORY

DIGEST = "3f6cc28337568e6da4107d7a380633007571f581309e420f835257dc4b955001"


@pytest.fixture(scope="module")
def recording():
    return sample_recording()


@pytest.fixture(scope="module")
def cut(recording):
    return cut_recording(recording, LEAD_NAME)


@pytest.fixture(scope="module")
def put():
    """(times in seconds, classes) of the beats inside the recording, as they were put."""
    times, classes = _rhythm()
    inside = times < SECONDS - 0.1
    return times[inside], np.array(classes)[inside]


def test_it_is_always_the_same(recording):
    """Rounded to a thousandth of a mV, so that no machine's arithmetic shows."""
    assert recording.digest == DIGEST
    again = sample_recording()
    assert again.digest == DIGEST
    assert again.channels[0].signal.tobytes() == recording.channels[0].signal.tobytes()


def test_it_is_two_minutes_of_one_lead_in_mv_and_says_that_it_is_synthetic(recording):
    (channel,) = recording.channels
    assert (recording.kind, recording.marks, recording.notes) == ("sample", None, ())
    assert "synthetic" in recording.name
    assert (channel.name, channel.unit, channel.fs_hz) == ("synthetic", "mV", RECORD_FS_HZ)
    assert len(channel.signal) == 120 * 360
    assert np.isfinite(channel.signal).all()
    assert 1 < np.ptp(channel.signal) < 10


def test_its_rhythm_is_a_calm_one_with_early_beats(put):
    """A pulse between 60 and 80; the early beats are those of the table, and come early."""
    times, classes = put
    assert 60 < 60 * (len(times) - 1) / (times[-1] - times[0]) < 80
    assert {number: classes[number] for number in np.flatnonzero(classes != "N").tolist()} == ECTOPIC
    intervals = np.diff(times)
    early = np.array(list(ECTOPIC)) - 1
    assert intervals[early].max() < np.delete(intervals, early).min()


def test_its_beats_are_found_where_they_were_put_except_where_the_lead_is_lost(cut, put):
    times, _ = put
    found = find_peaks(cut.lead.signal) / RECORD_FS_HZ
    lost = (times >= LOST_S[0]) & (times < LOST_S[1])
    assert 3 <= lost.sum() <= 5
    away = np.abs(found[:, None] - times)
    assert away.min(axis=0)[~lost].max() < 0.05
    astray = found[away.min(axis=1) > 0.05]
    assert len(astray) <= 1  # where the lead comes back
    assert (np.abs(astray - LOST_S[1]) < 0.5).all()


def test_the_lost_and_the_limited_stretch_are_left_out_and_nothing_else(cut):
    """A window of a second or so, so a beat up to 1.1 s before either is spoilt."""
    assert set(cut.reason) == {"", "flat", "clipped", "end"}
    for reason, (start_s, stop_s) in (("flat", LOST_S), ("clipped", LIMITED_S)):
        times = cut.time_s[cut.reason == reason]
        assert len(times)
        assert ((times > start_s - 1.1) & (times < stop_s)).all()
        untouched = (cut.time_s + 1.1 < start_s) | (cut.time_s > stop_s)
        assert reason not in cut.reason[untouched]
    assert np.abs(cut.lead.flat.sum() / RECORD_FS_HZ - (LOST_S[1] - LOST_S[0])) < 0.02
    assert len(cut.row) > 0.9 * len(cut.sample)


def test_mlp_ce_reads_its_normal_and_ventricular_beats_as_what_they_are(cut, put):
    """An early supraventricular beat looks like a normal one, and is read as one."""
    times, classes = put
    network = load_checkpoint(REPOSITORY / "checkpoints" / "mlp-ce").network
    read = np.array(CLASSES)[predict(network, cut.beats.x)]
    own = classes[np.abs(cut.time_s[cut.row][:, None] - times).argmin(axis=1)]
    assert (own == "V").sum() >= 6
    assert (read[own == "N"] == "N").mean() > 0.97
    assert (read[own == "V"] == "V").mean() > 0.8


def test_its_shapes_are_averages_over_many_beats_of_their_class():
    templates = load_templates()
    for name, cluster in SHAPES.items():
        assert templates.count[cluster] >= 100
        assert CLASSES[templates.label[cluster]] == {"N": "N", "S": "N", "V": "V"}[name]


def test_no_real_beat_is_in_it(cut, real_beats):
    """Of all real beats with as many samples none is nearer than 0.01 on the average to any of its beats."""
    nearest = []
    for x, length in zip(cut.beats.x[::6], cut.beats.length[::6], strict=True):
        alike = real_beats.x[real_beats.length == length][:, :length]
        nearest.append(np.abs(alike - x[:length]).mean(axis=1).min())
    assert min(nearest) > 0.01
