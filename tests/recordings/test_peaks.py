"""Beats are found where they were put, whatever the lead looks like; on real records nearly all of them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.detection import Reference, score
from nsr_core.data.beats import CLASSES
from nsr_core.evaluation.robustness import predict
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.files import read_path
from nsr_core.recordings.peaks import find_peaks
from nsr_core.training.checkpoint import load_checkpoint
from tests.conftest import REPOSITORY
from tests.recordings.heart import beat_train

pytestmark = pytest.mark.slow

#: 50 ms at 360 Hz.
NEAR = 18
V = CLASSES.index("V")
AT = np.cumsum([120, *[300, 280, 310, 290, 250, 340] * 5])
COUNT = int(AT[-1]) + 200
HEART = beat_train(COUNT, AT)
TIME_S = np.arange(COUNT) / 360
#: By record the fewest annotated beats found and the fewest detections that are beats, within 150 ms, and the least agreement of
#: mlp-ce between the beat cut at what was found and the beat cut at the mark. Measured: all and all but in 108 0.997 and 0.982,
#: in 203 0.995 and 0.992, in 208 0.997 and 0.999; agreement as below and at most 0.005 above.
RECORDS = {
    "100": (1.0, 1.0, 0.985),
    "108": (0.995, 0.98, 0.87),
    "119": (1.0, 0.999, 0.98),
    "203": (0.993, 0.99, 0.945),
    "207": (0.998, 0.994, 0.97),
    "208": (0.996, 0.998, 0.95),
    "221": (0.998, 0.999, 0.97),
    "228": (0.997, 0.98, 0.965),
}


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(HEART, id="upright"),
        pytest.param(-HEART, id="inverted"),
        pytest.param(HEART + 1000, id="offset"),
        pytest.param(-2e6 * HEART - 7, id="nanovolts"),
        pytest.param(1e-9 * HEART, id="megavolts"),
        pytest.param(HEART + 0.5 * np.sin(2 * np.pi * 0.25 * TIME_S), id="wander"),
        pytest.param(-HEART + 0.5 * np.sin(2 * np.pi * 0.25 * TIME_S + 1), id="inverted, wander"),
        pytest.param(HEART - 0.2 * TIME_S, id="drift"),
    ],
)
def test_every_beat_is_found_to_the_sample_whatever_the_lead_and_the_unit(seen):
    assert find_peaks(seen).tolist() == AT.tolist()


def test_muscle_noise_moves_no_beat_by_more_than_a_hundredth_of_a_second():
    noise = 0.05 * np.random.default_rng(0).standard_normal(COUNT)
    found = find_peaks(HEART + noise)
    assert len(found) == len(AT)
    assert np.abs(found - AT).max() <= 3


def test_the_same_signal_gives_the_same_beats_and_is_left_as_it_was():
    before = HEART.copy()
    assert find_peaks(HEART).tobytes() == find_peaks(HEART).tobytes()
    np.testing.assert_array_equal(HEART, before)
    assert find_peaks(HEART[:1500]).dtype == np.int64


@pytest.mark.parametrize("edge", [0, 1, 5, 15, 30, 60])
def test_a_beat_at_the_very_start_or_end_does_not_disturb_the_others(edge):
    """It is found where it is, or, where half of it is lost, near there or not at all."""
    at = np.array([edge, 300, 600, 900, 1200, 1499 - edge])
    found = find_peaks(beat_train(1500, at))
    assert found[(found > 100) & (found < 1400)].tolist() == [300, 600, 900, 1200]
    others = np.setdiff1d(found, at)
    assert (np.abs(others[:, None] - at).min(axis=1) <= NEAR).all()
    if edge >= 15:
        assert found.tolist() == at.tolist()


@pytest.mark.parametrize("inverted", [1, -1])
def test_beats_after_a_long_flat_beginning_are_found(inverted):
    late = np.concatenate([np.zeros(2000), inverted * HEART])
    assert find_peaks(late).tolist() == (AT + 2000).tolist()


@pytest.mark.parametrize("level", [0.0, -3.5, 1e9])
@pytest.mark.parametrize("moving", [0, 1, 2, 15, 16, 29])
def test_a_lead_that_does_not_move_has_no_beats(level, moving):
    signal = np.full(1080, level)
    signal[1080 - moving :] = level + 1
    assert find_peaks(signal).tolist() == []


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1.0, 1e12, 1e308])
def test_noise_alone_ends_in_some_beats_or_none(scale):
    with np.errstate(over="ignore", invalid="ignore"):
        check(find_peaks(scale * np.random.default_rng(1).uniform(-1, 1, 3600)), 3600)


def check(found, count):
    assert found.dtype == np.int64
    assert (np.diff(found) > 0).all()
    assert ((found >= 0) & (found < count)).all()


SIGNALS = st.integers(1080, 1500).flatmap(
    lambda count: arrays(
        np.float64,
        count,
        elements=st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
        fill=st.floats(-1, 1, allow_subnormal=False),
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(SIGNALS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_signal_has_beats_that_are_positions_in_it_in_order(signal):
    check(find_peaks(signal), len(signal))


# The real records


@pytest.fixture(scope="module")
def mlp():
    return load_checkpoint(REPOSITORY / "checkpoints" / "mlp-ce").network


@pytest.mark.parametrize("name", RECORDS)
def test_the_beats_of_a_real_record_are_found_and_read_alike(mitdb_root, mlp, name):
    least_found, least_true, least_agreement = RECORDS[name]
    recording = read_path(mitdb_root / name)
    reference = Reference.of(recording.marks)
    result = score(name, recording.channels[0].signal[:], reference)
    assert sum(result.found) >= least_found * len(reference.sample)
    assert sum(result.found) >= least_true * result.detections
    assert result.found[V] >= 0.98 * result.beats[V]
    found, marked = (cut_recording(recording, recording.channels[0].name, use_marks=use) for use in (False, True))
    nearest = np.abs(found.beats.sample - marked.beats.sample[:, None])
    both, partner = nearest.min(axis=1) <= NEAR, nearest.argmin(axis=1)
    read_found, read_marked = predict(mlp, found.beats.x), predict(mlp, marked.beats.x)
    assert (read_found[partner] == read_marked)[both].mean() >= least_agreement
