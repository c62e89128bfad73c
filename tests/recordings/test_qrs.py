"""QRS complexes at any rate, beside any T wave, and whatever befalls the recording a second and a half away."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.recordings import peaks, qrs
from nsr_core.recordings.files import read_path
from nsr_core.recordings.peaks import find_peaks
from tests.recordings.heart import beat_train

FS = 360
SECONDS = 60
#: As far as an artefact may reach, in samples.
REACH = 540
NEAR = 3
RATES = (25, 30, 40, 60, 90, 120, 160, 200, 240)


def heart(
    per_minute: float, t_wave: float, *, seconds: int = SECONDS, first: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """Signal and R peaks: P, QRS and a T wave that shrinks with the interval and is ``t_wave`` times as high as the R wave."""
    interval, count = FS * 60 / per_minute, seconds * FS
    at = np.arange(first, count - 30, interval).round().astype(np.int64)
    shrink = min(1.0, interval / 300)
    waves = (
        (1.0, 0, 4),
        (-0.25, 9, 5),
        (-0.15, -9, 4),
        (0.12, -55 * shrink, 10),
        (t_wave, min(90, 0.4 * interval), 25 * shrink**0.5),
    )
    time = np.arange(-FS, FS + 1)
    beat = sum(size * np.exp(-(((time - delay) / width) ** 2)) for size, delay, width in waves)
    signal = np.convolve(np.isin(np.arange(count), at), beat, mode="same")
    return signal + 0.01 * np.random.default_rng(0).standard_normal(count), at


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("t_wave", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("per_minute", RATES)
def test_every_beat_is_found_and_nothing_else(per_minute, t_wave, sign):
    signal, at = heart(per_minute, t_wave)
    found = find_peaks(sign * signal)
    assert len(found) == len(at)
    assert np.abs(found - at).max() <= NEAR


@settings(max_examples=40, deadline=None)
@given(st.floats(25, 240), st.floats(0, 0.5), st.integers(10, 200), st.sampled_from([1e-6, -0.3, 1.0, 5000.0]))
def test_so_it_is_at_any_rate_in_any_unit_from_the_first_beat_on(per_minute, t_wave, first, scale):
    signal, at = heart(per_minute, t_wave, seconds=20, first=first)
    found = find_peaks(scale * signal)
    inside = at[at > 30]  # of an earlier one half is missing
    assert (np.abs(found[:, None] - inside).min(axis=0) <= NEAR).all()
    assert len(found) - len(inside) in (0, np.sum(at <= 30))


def with_artefact(signal: np.ndarray, kind: str, at: int, length: int, size: float) -> tuple[np.ndarray, int]:
    """The signal spoilt from ``at`` on, and where that ends."""
    spoilt, end = signal.copy(), min(at + length, len(signal))
    here = slice(at, end)
    match kind:
        case "spike":
            spoilt[here] += size
        case "no value":
            spoilt[here] = size
        case "step":
            spoilt[at:] += size
            end = at + 1
        case "saturation":
            spoilt[here] = np.abs(signal).max() * np.sign(size)
        case "lead off":
            spoilt[here] = signal[at]
        case "ramp":
            spoilt[here] += size * np.linspace(0, 1, end - at)
        case "noise":
            spoilt[here] += size * np.random.default_rng(at).standard_normal(end - at)
    return spoilt, end


ARTEFACTS = {
    "kind": st.sampled_from(["spike", "no value", "step", "saturation", "lead off", "ramp", "noise"]),
    "place": st.floats(0, 1),
    "length": st.integers(4, FS),
    "size": st.one_of(st.sampled_from([-32768.0, 32767.0]), st.floats(0.3, 1e6), st.floats(-1e6, -0.3)),
}


def check_far_beats(signal: np.ndarray, kind: str, place: float, length: int, size: float) -> None:
    """No beat is lost, moved or added further than 1.5 s from the artefact."""
    at = round(place * (len(signal) - length - 1))
    spoilt, end = with_artefact(signal, kind, at, length, size)
    before, after = (
        found[(found < at - REACH) | (found >= end + REACH)] for found in (find_peaks(signal), find_peaks(spoilt))
    )
    assert len(before) == len(after)
    assert len(before) == 0 or np.abs(before - after).max() <= NEAR


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    per_minute=st.sampled_from(RATES), t_wave=st.floats(0.1, 0.5), seconds=st.sampled_from([12, 30, 60]), **ARTEFACTS
)
def test_an_artefact_costs_no_beat_further_than_a_second_and_a_half_from_it(per_minute, t_wave, seconds, **artefact):
    check_far_beats(heart(per_minute, t_wave, seconds=seconds)[0], **artefact)


@cache
def first_lead(record: Path) -> np.ndarray:
    return read_path(record).channels[0].signal


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(record=st.sampled_from(["100", "101", "119", "208", "219", "221"]), minute=st.integers(0, 28), **ARTEFACTS)
def test_so_it_is_in_real_records(mitdb_root, record, minute, **artefact):
    signal = first_lead(mitdb_root / record)
    check_far_beats(signal[minute * 60 * FS : (minute + 1) * 60 * FS], **artefact)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 19), st.floats(0.25, 0.75), st.integers(1, 4), st.floats(0.3, 1e5), st.sampled_from([1, -1]))
def test_a_spike_too_short_for_a_complex_is_none(beat, between, length, size, sign):
    signal, at = heart(60, 0.3, seconds=30)
    here = round(at[beat] + between * (at[beat + 1] - at[beat]))
    spoilt, _ = with_artefact(signal, "spike", here, length, sign * size)
    found = find_peaks(spoilt)
    assert len(found) == len(at)
    assert np.abs(found - at).max() <= peaks.FINE_REACH  # where a large one lies near, a beat is placed less exactly


@pytest.mark.parametrize("pause_s", [4, 12, 30])
def test_a_lead_that_is_off_for_long_has_no_beats_there_and_its_own_elsewhere(pause_s):
    signal, at = heart(70, 0.3)
    off = slice(20 * FS, (20 + pause_s) * FS)
    signal[off] = 1e-3 * np.random.default_rng(1).standard_normal(pause_s * FS)
    found = find_peaks(signal)
    outside = (at < off.start - 90) | (at > off.stop + 90)
    assert (np.abs(found[:, None] - at[outside]).min(axis=0) <= NEAR).all()
    assert len(found) - outside.sum() <= 3  # the edges


@pytest.mark.parametrize("gain", [3.0, 0.3])
def test_a_change_of_gain_loses_at_most_a_few_beats(gain):
    signal, at = heart(70, 0.3)
    signal[30 * FS :] *= gain
    assert len(find_peaks(signal)) == len(at)


@pytest.mark.slow
def test_a_long_recording_is_searched_in_pieces_with_the_same_result(monkeypatch):
    signal, _ = heart(80, 0.4, seconds=300)
    signal += 0.2 * np.sin(np.arange(len(signal)) / 500)
    whole, placed = qrs.find_qrs(signal), find_peaks(signal)
    for module in (qrs, peaks):
        monkeypatch.setattr(module, "AT_ONCE", 5000)
    np.testing.assert_array_equal(qrs.find_qrs(signal), whole)
    np.testing.assert_array_equal(find_peaks(signal), placed)


def test_a_weak_beat_is_found_where_the_rhythm_misses_one():
    """An interval twice as long as its neighbours' is searched for the beat it hides: one at a quarter of the usual height."""
    at = np.arange(60, SECONDS * FS - 60, 300)
    signal = beat_train(SECONDS * FS, np.delete(at, 20)) + 0.24 * beat_train(SECONDS * FS, at[20:21])
    assert find_peaks(signal + 1e-3 * np.random.default_rng(0).standard_normal(len(signal))).tolist() == at.tolist()
