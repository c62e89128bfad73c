"""Any channel at 360 Hz: the same signal, what cannot be trusted marked where it is, and a clear end where it cannot be."""

from dataclasses import replace

import numpy as np
import pytest

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.errors import UserError
from nsr_core.recordings import grid, pieces
from nsr_core.recordings.grid import to_grid
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.recording import Channel
from tests.recordings.heart import beat_train

RATES = (100.0, 128.0, 250.0, 257.0, 500.0, 1000.0, 499.87)
#: In Hz, all below 0.7 times half of the lowest rate, where the filter passes everything.
TONES = (0.7, 3.1, 9.3, 21.7)
#: The filter's ripple (a Kaiser window of shape 5: -50 dB, a factor of 0.003) on four tones of amplitude 1.
RIPPLE = 0.015
NAN, INF = float("nan"), float("inf")


def channel(signal, fs_hz=360.0, unit="mV"):
    return Channel("II", unit, fs_hz, np.asarray(signal, np.float64))


def tones(time_s):
    return sum(np.sin(2 * np.pi * hz * time_s + hz) for hz in TONES)


def restless(fs_hz, seconds=8.0, seed=0):
    """Noise: no two neighbours are equal, and none reaches 9."""
    return np.random.default_rng(seed).uniform(-1, 1, round(fs_hz * seconds))


def between(fs_hz, start_s, stop_s):
    return slice(round(start_s * fs_hz), round(stop_s * fs_hz))


def span(mask):
    """The first and the last marked sample in seconds; all between them must be marked too."""
    marked = np.flatnonzero(mask)
    assert len(marked) == marked[-1] - marked[0] + 1
    return marked[0] / RECORD_FS_HZ, marked[-1] / RECORD_FS_HZ


# The signal


def test_a_channel_at_360_hz_keeps_its_samples_to_the_bit():
    signal = restless(360.0)
    lead = to_grid(channel(signal))
    assert lead.signal.tobytes() == signal.tobytes()
    assert (lead.name, lead.in_mv, lead.fs_hz, lead.start_s, lead.seconds) == ("II", True, 360.0, 0.0, 8.0)
    assert not (lead.missing | lead.flat | lead.clipped).any()


@pytest.mark.parametrize("fs_hz", RATES)
@pytest.mark.parametrize("seconds", [7.0, 11.013])
def test_any_other_rate_gives_the_same_signal_at_360_hz(fs_hz, seconds):
    """n samples at f Hz last n / f seconds, in which ceil(360 n / f) samples at 360 Hz begin."""
    count = round(fs_hz * seconds)
    lead = to_grid(channel(tones(np.arange(count) / fs_hz), fs_hz))
    assert len(lead.signal) == np.ceil(round(count * 360 / fs_hz, 9))
    inner = slice(180, -180)
    expected = tones(np.arange(len(lead.signal)) / 360)
    np.testing.assert_allclose(lead.signal[inner], expected[inner], atol=RIPPLE)
    assert lead.missing.shape == lead.flat.shape == lead.clipped.shape == lead.signal.shape


@pytest.mark.parametrize("fs_hz", [499.87, 360.1, 250.05, 127.99])
def test_a_rate_that_is_no_simple_fraction_of_360_hz_does_not_drift(fs_hz):
    """After ten minutes a rate taken for 0.03 % another one would be 60 samples off; a slow tone tells."""
    count = round(fs_hz * 600)
    lead = to_grid(channel(np.sin(2 * np.pi * np.arange(count) / fs_hz), fs_hz))
    last = slice(-720, -360)
    expected = np.sin(2 * np.pi * np.arange(len(lead.signal)) / 360)
    np.testing.assert_allclose(lead.signal[last], expected[last], atol=0.005)


def test_what_is_faster_than_half_of_360_hz_is_kept_out():
    """Sampled as it is, 340 Hz at 1000 Hz would come out as 20 Hz."""
    lead = to_grid(channel(np.sin(2 * np.pi * 340 * np.arange(8000) / 1000), 1000.0))
    assert np.abs(lead.signal[180:-180]).max() < 0.005


@pytest.mark.parametrize("fs_hz", RATES)
def test_an_offset_stays_an_offset_and_leaves_no_trace(fs_hz):
    """Through the filter alone 300 mV, as an electrode may have, came out with a ripple of 0.2 mV at 250 Hz."""
    signal = tones(np.arange(round(5 * fs_hz)) / fs_hz)
    lead, lifted = to_grid(channel(signal, fs_hz)), to_grid(channel(signal + 300, fs_hz))
    np.testing.assert_allclose(lifted.signal, lead.signal + 300, atol=1e-9)


@pytest.mark.parametrize("fs_hz", RATES)
def test_a_slope_goes_on_to_both_ends(fs_hz):
    """The ends do not bend: 4 mV after five seconds, the filter's ripple of a ten-thousandth apart."""
    time_s = np.arange(round(5 * fs_hz)) / fs_hz
    lead = to_grid(channel(0.8 * time_s, fs_hz))
    np.testing.assert_allclose(lead.signal, 0.8 * np.arange(len(lead.signal)) / 360, atol=0.002)


@pytest.mark.parametrize(
    ("unit", "worth"), [("mV", 1.0), ("uV", 0.001), ("V", 1000.0), ("nV", 1e-6), ("", None), ("mmHg", None)]
)
@pytest.mark.parametrize("given", [True, False])
def test_units_that_are_known_become_mv(unit, worth, given):
    signal = restless(360.0)
    lead = to_grid(channel(signal, unit="V"), unit=unit) if given else to_grid(channel(signal, unit=unit))
    assert lead.in_mv is (worth is not None)
    np.testing.assert_allclose(lead.signal, signal * (worth or 1.0), rtol=1e-12)


def test_the_rate_given_counts_and_not_the_file_s():
    signal = tones(np.arange(1800) / 180)
    lead = to_grid(channel(signal, 360.0), fs_hz=180.0)
    assert (lead.fs_hz, lead.seconds) == (180.0, 10.0)
    np.testing.assert_allclose(lead.signal[180:-180], tones(np.arange(3600) / 360)[180:-180], atol=RIPPLE)


# What is marked


def test_missing_samples_are_bridged_by_a_line_and_marked():
    signal = np.arange(1800.0) % 7
    signal[100:103], signal[500], signal[-2:], signal[0] = NAN, INF, NAN, -INF
    before = signal.copy()
    lead = to_grid(channel(signal))
    assert np.flatnonzero(lead.missing).tolist() == [0, 100, 101, 102, 500, 1798, 1799]
    assert lead.signal[99:104].tolist() == pytest.approx(np.linspace(99 % 7, 103 % 7, 5))
    assert lead.signal[500] == pytest.approx((499 % 7 + 501 % 7) / 2)
    assert lead.signal[[0, -2, -1]].tolist() == [1.0, 1797 % 7, 1797 % 7]
    untouched = ~lead.missing
    assert lead.signal[untouched].tobytes() == before[untouched].tobytes()
    np.testing.assert_array_equal(signal, before)


@pytest.mark.parametrize("fs_hz", [360.0, *RATES])
def test_gaps_flat_lines_and_clipping_are_marked_where_they_are_at_any_rate(fs_hz):
    """To within a sample of either rate; the noise around them is not marked."""
    signal = restless(fs_hz)
    signal[between(fs_hz, 1.0, 1.5)] = NAN
    signal[between(fs_hz, 3.0, 3.6)] = 0.25
    signal[between(fs_hz, 5.0, 5.1)] = 9.0
    signal[between(fs_hz, 6.0, 6.2)] = -9.0
    lead = to_grid(channel(signal, fs_hz))
    late = np.arange(len(lead.signal)) >= 5.5 * 360
    near = 1 / fs_hz + 1 / 360
    assert span(lead.missing) == pytest.approx((1.0, 1.5), abs=near)
    assert span(lead.flat) == pytest.approx((3.0, 3.6), abs=near)
    assert span(lead.clipped & ~late) == pytest.approx((5.0, 5.1), abs=near)
    assert span(lead.clipped & late) == pytest.approx((6.0, 6.2), abs=near)


@pytest.mark.parametrize("at", range(2000, 2012))
def test_a_single_missing_sample_is_not_lost_between_two_of_360_hz(at):
    signal = restless(1000.0)
    signal[at] = NAN
    assert np.flatnonzero(to_grid(channel(signal, 1000.0)).missing).tolist() == [round(at * 0.36)]


def test_a_single_missing_sample_marks_all_that_it_would_have_given():
    """Sample 200 at 100 Hz stands from 1.995 to 2.005 s, where samples 719 (1.997 s) to 721 (2.003 s) lie."""
    signal = restless(100.0)
    signal[200] = NAN
    assert np.flatnonzero(to_grid(channel(signal, 100.0)).missing).tolist() == [719, 720, 721]


@pytest.mark.parametrize(("fs_hz", "least"), [(360.0, 144), (250.0, 100), (100.0, 40), (499.87, 200), (1000.0, 400)])
def test_a_line_is_flat_from_04_s_on(fs_hz, least):
    """0.4 s are 144 samples at 360 Hz; 199.9 at 499.87 Hz, so 200."""
    for length, flat in ((least - 1, False), (least, True)):
        signal = restless(fs_hz)
        signal[50 : 50 + length] = 0.5
        lead = to_grid(channel(signal, fs_hz))
        assert lead.flat.any() == flat
        assert not lead.clipped.any()


@pytest.mark.parametrize(("fs_hz", "least"), [(360.0, 5), (100.0, 3), (250.0, 3), (500.0, 6), (1000.0, 12)])
@pytest.mark.parametrize("limit", [9.0, -9.0])
def test_a_line_at_its_limit_is_clipped_from_12_ms_and_three_samples_on(fs_hz, least, limit):
    """12 ms are 4.3 samples at 360 Hz, so 5; 1.2 at 100 Hz, where three are asked for."""
    for length, clipped in ((least - 1, False), (least, True)):
        signal = restless(fs_hz)
        signal[100 : 100 + length] = limit
        signal[300 : 300 + least] = 0.5  # as long, but nowhere near the limits
        lead = to_grid(channel(signal, fs_hz))
        assert lead.clipped.any() == clipped
        if clipped:
            assert span(lead.clipped) == pytest.approx((100 / fs_hz, (99 + length) / fs_hz), abs=1 / fs_hz + 1 / 360)


@pytest.mark.parametrize("per_minute", [40, 52, 75, 110])
@pytest.mark.parametrize("step_mv", [0.005, 0.0385, 0.1, 0.15])
@pytest.mark.parametrize(("sign", "rest_mv"), [(1, 0.0), (-1, 0.0), (1, 0.3)])
def test_the_rest_between_beats_of_a_coarse_recorder_is_neither_flat_nor_clipped(per_minute, step_mv, sign, rest_mv):
    """Its line stands still in every interval, in some leads at the lowest value that there is."""
    count, interval = 60 * 360, 360 * 60 / per_minute
    heart = np.maximum(beat_train(count, np.arange(-300, count + 300, interval).round()), 0)
    lead = to_grid(channel(np.round((sign * heart + rest_mv) / step_mv) * step_mv))
    assert not lead.flat.any()
    assert not lead.clipped.any()


def test_a_lead_that_falls_off_a_coarse_recorder_is_flat_all_the_same():
    count = 60 * 360
    coarse = np.round(beat_train(count, np.arange(200, count - 200, 400)) / 0.0385) * 0.0385
    coarse[between(360.0, 30.0, 33.0)] = 0.0
    assert span(to_grid(channel(coarse)).flat) == pytest.approx((30.0, 33.0), abs=0.6)


def test_a_line_that_stays_at_its_limit_is_flat_and_not_clipped():
    signal = restless(360.0)
    signal[100:400] = 9.0
    lead = to_grid(channel(signal))
    assert np.flatnonzero(lead.flat).tolist() == list(range(100, 400))
    assert not lead.clipped.any()


def test_what_bridges_a_gap_is_missing_and_nothing_else():
    """Its line is flat, and at the highest value."""
    signal = restless(360.0)
    signal[199] = signal[500] = 9.0
    signal[200:500] = NAN
    lead = to_grid(channel(signal))
    assert np.flatnonzero(lead.missing).tolist() == list(range(200, 500))
    assert not (lead.missing & (lead.flat | lead.clipped)).any()


def test_a_channel_that_never_moves_is_flat_throughout():
    lead = to_grid(channel(np.full(1800, 3.0)))
    assert lead.flat.all()
    assert not lead.clipped.any()


# The stretch


def test_a_stretch_is_what_lies_between_two_times():
    signal = restless(360.0, 20.0)
    lead = to_grid(channel(signal), start_s=5.0, stop_s=9.0)
    assert (lead.start_s, lead.seconds) == (5.0, 4.0)
    assert lead.signal.tobytes() == signal[1800:3240].tobytes()


def test_a_stretch_is_filtered_and_marked_as_if_there_were_no_more():
    fs_hz = 250.0
    signal = restless(fs_hz, 20.0)
    signal[between(fs_hz, 1.0, 2.0)] = NAN
    signal[between(fs_hz, 7.0, 8.0)] = 0.0
    part = to_grid(channel(signal, fs_hz), start_s=5.0, stop_s=10.0)
    alone = to_grid(channel(signal[1250:2500], fs_hz))
    assert part.signal.tobytes() == alone.signal.tobytes()
    assert not part.missing.any()
    assert span(part.flat) == pytest.approx((2.0, 3.0), abs=0.007)


@pytest.mark.parametrize(("fs_hz", "start_s", "first"), [(100.0, 2.004, 200), (100.0, 2.006, 201), (250.0, 1.0, 250)])
def test_a_stretch_says_where_its_first_sample_stands(fs_hz, start_s, first):
    """Of 100 samples a second, 2.004 s is nearest to the one at 2.00 s: marks are counted from there."""
    signal = restless(fs_hz)
    lead = to_grid(channel(signal, fs_hz), start_s=start_s)
    assert lead.start_s == first / fs_hz
    assert lead.signal.tobytes() == to_grid(channel(signal[first:], fs_hz)).signal.tobytes()


def test_a_stop_after_the_end_is_the_end():
    signal = restless(360.0)
    for stop_s in (None, 8.0, 8.1, 1e300, INF):
        assert to_grid(channel(signal), start_s=4.0, stop_s=stop_s).seconds == 4.0


@pytest.mark.parametrize("start_s", np.arange(0, 5, 0.1).round(1).tolist())
def test_three_seconds_are_enough_wherever_they_begin(start_s):
    """4.1 - 1.1 is below 3 by rounding."""
    assert to_grid(channel(restless(360.0)), start_s=start_s, stop_s=start_s + 3).seconds == 3.0


@pytest.mark.parametrize("start_s", [0.0, 0.1, 59.9, 99.7])
def test_so_long_a_stretch_as_the_limit_is_read_at_once_and_no_longer_one(start_s, monkeypatch):
    monkeypatch.setattr(grid, "LIMITS", replace(LIMITS, at_once_hours=0.1))
    long = channel(restless(50.0, 360 + 100), 50.0)
    for stop_s in (None, start_s + 360):
        assert to_grid(long, start_s=start_s, stop_s=stop_s).seconds == 360
    with pytest.raises(UserError, match="The stretch lasts 6 min, at most 6 min are read at once"):
        to_grid(long, start_s=start_s, stop_s=start_s + 360.3)


@pytest.mark.parametrize("fs_hz", [50.0, 128.0, 250.0, 360.0, 499.87, 1000.0])
def test_a_long_stretch_in_pieces_is_the_same_as_in_one(monkeypatch, fs_hz):
    """Missing samples, a standstill and a limit at the seams as well; single precision, and the slope of the padding."""
    signal = restless(fs_hz, 130)
    seam, second = int(60 * fs_hz), int(fs_hz)
    signal[seam - second : seam + second] = signal[seam - second]
    signal[2 * seam - 9 : 2 * seam + 9] = NAN
    signal[40 * second : 41 * second] = 9.0
    long = channel(signal, fs_hz)
    whole = to_grid(long)
    monkeypatch.setattr(pieces, "WHOLE_SECONDS", 59.0)
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 60.0)
    parts = to_grid(long)
    assert parts.signal.dtype == np.float32
    np.testing.assert_allclose(parts.signal, whole.signal, atol=1e-3)
    for mask in ("missing", "flat"):
        np.testing.assert_array_equal(getattr(parts, mask), getattr(whole, mask))
    assert parts.flat.any()
    assert parts.missing.any()


def test_a_piece_without_any_sample_is_missing_and_the_rest_is_read(monkeypatch):
    signal = restless(250.0, 200)
    signal[55 * 250 : 135 * 250] = NAN
    monkeypatch.setattr(pieces, "WHOLE_SECONDS", 59.0)
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 60.0)
    lead = to_grid(channel(signal, 250.0))
    assert np.isfinite(lead.signal).all()
    assert lead.missing.mean() == pytest.approx(80 / 200, abs=1e-3)
    with pytest.raises(UserError, match="has no samples from 0 s on"):
        to_grid(channel(np.full(200 * 250, NAN), 250.0))


# What cannot be done


@pytest.mark.parametrize("rate", [0.0, -360.0, 49.9, 10_001.0, NAN, INF, -INF])
@pytest.mark.parametrize("given", [True, False])
def test_a_rate_that_no_ecg_has_is_refused(rate, given):
    signal = restless(360.0)
    with pytest.raises(UserError, match=r"sampling rate is .* Hz, expected 50 to 10000 Hz"):
        to_grid(channel(signal), fs_hz=rate) if given else to_grid(channel(signal, rate))


def test_without_a_rate_one_is_asked_for():
    with pytest.raises(UserError, match=r"how many samples a second II has\. Give the sampling rate"):
        to_grid(channel(restless(360.0), None))
    assert to_grid(channel(restless(360.0), None), fs_hz=360.0).seconds == 8.0


@pytest.mark.parametrize(
    ("start_s", "stop_s"),
    [
        (5.1, None),
        (8.0, None),
        (9.0, 20.0),
        (-0.1, None),
        (-9.0, -5.0),
        (NAN, None),
        (INF, None),
        (-INF, None),
        (0.0, 2.9),
        (5.0, 5.0),
        (6.0, 2.0),
        (0.0, -4.0),
        (0.0, NAN),
        (NAN, NAN),
        (0.0, -INF),
        (INF, INF),
    ],
)
def test_a_stretch_that_is_outside_or_too_short_is_refused(start_s, stop_s):
    with pytest.raises(UserError, match=r"must lie in the recording, which has 8 s, and have at least 3 s\. Choose"):
        to_grid(channel(restless(360.0)), start_s=start_s, stop_s=stop_s)


@pytest.mark.parametrize("count", [0, 1, 2, 1070])
def test_a_recording_that_is_too_short_is_refused(count):
    with pytest.raises(UserError, match="at least 3 s"):
        to_grid(channel(np.arange(count)))


def test_a_stretch_of_nothing_but_gaps_is_refused():
    signal = restless(360.0)
    signal[:1500] = NAN
    with pytest.raises(UserError, match=r"II has no samples from 0 s on\. Choose another lead"):
        to_grid(channel(signal), stop_s=4.0)
    assert to_grid(channel(signal), stop_s=5.0).missing.sum() == 1500
