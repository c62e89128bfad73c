"""The sampling rate out of a time column."""

import numpy as np
import pytest

from nsr_core.errors import UserError


def table(times, heading="time", form="{:.10g}"):
    lines = [f"{form.format(time)},{row % 7},{row % 5}" for row, time in enumerate(times)]
    return "\n".join([f"{heading},I,II", *lines] if heading is not None else lines)


EVEN = np.arange(1000)


@pytest.mark.parametrize(
    ("heading", "times", "fs_hz"),
    [
        ("time", EVEN / 360, 360),
        ("Time (s)", EVEN / 360, 360),
        ("t", EVEN / 125, 125),
        ("seconds", EVEN / 500 + 1000, 500),
        ("elapsed", EVEN / 257.5, 257.5),
        ("time (ms)", EVEN * 4, 250),
        ("ms", EVEN * 1, 1000),
        ("time_ms", EVEN * 2, 500),
        ("t [µs]", EVEN * 2000, 500),
        ("time", EVEN * 4, 250),
        ("time", EVEN * 5000, 200),
        ("timestamp", 1_700_000_000 + EVEN / 250, 250),
        (None, EVEN / 360, 360),
        (None, EVEN * 4, 250),
        ("x", EVEN / 200, 200),
    ],
)
def test_numbers(read, heading, times, fs_hz):
    recording = read({"a.csv": table(times, heading, "{:.16g}")})
    assert [channel.fs_hz for channel in recording.channels] == pytest.approx([fs_hz, fs_hz], abs=1e-3)
    assert len(recording.channels) == 2


@pytest.mark.parametrize(
    ("start", "form"),
    [
        ("2024-01-31T23:59:59", "{0}"),
        ("2024-01-31T23:59:59", "{0}Z"),
        ("2024-01-31T23:59:59", "'{0}+01:00'"),
        ("2024-01-31T23:59:59", "{1}"),
        ("2024-01-31T10:00:00", "{1}"),
    ],
)
def test_stamps(read, start, form):
    """Dates, and times of day that may pass midnight."""
    stamps = np.datetime64(start, "ms") + 4 * EVEN.astype("timedelta64[ms]")
    lines = [form.format(str(stamp), str(stamp).split("T")[1]) + f",{row % 7}" for row, stamp in enumerate(stamps)]
    recording = read({"a.csv": "\n".join(["when,ECG", *lines])})
    assert [(channel.name, channel.fs_hz) for channel in recording.channels] == [("ECG", 250.0)]


def test_stamps_in_milliseconds_give_a_whole_rate(read):
    recording = read({"a.csv": table(EVEN / 360, form="{:.3f}")})
    assert recording.channels[0].fs_hz == 360.0
    assert recording.notes == ()


def test_jitter_is_noted(read):
    times = EVEN / 250 + np.random.default_rng(0).uniform(0, 0.0018, 1000)
    recording = read({"a.csv": table(times)})
    assert recording.channels[0].fs_hz == pytest.approx(250, rel=0.001)
    assert "ms off an even" in recording.notes[0]


@pytest.mark.parametrize("heading", ["sample #", "index", "n"])
def test_a_counter_is_no_signal_and_no_time(read, heading):
    recording = read({"a.csv": table(EVEN, heading)})
    assert [(channel.name, channel.fs_hz) for channel in recording.channels] == [("I", None), ("II", None)]


def test_a_counter_beside_a_time(read):
    lines = ["sample,time,I", *(f"{row},{row / 250},{row % 7}" for row in range(50))]
    assert [(each.name, each.fs_hz) for each in read({"a.csv": "\n".join(lines)}).channels] == [("I", 250.0)]


@pytest.mark.parametrize("heading", ["time", None])
def test_counting_from_one_to_the_next_tells_no_rate(read, heading):
    recording = read({"a.csv": table(EVEN, heading)})
    assert [channel.fs_hz for channel in recording.channels] == [None, None]
    assert "count" in " ".join(recording.notes)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.sort(np.random.default_rng(0).random(1000)), r"is uneven: its step after row"),
        (np.concatenate([EVEN, EVEN + 5000]) / 250, r"is uneven: its step after row 1,000 of the data is 16"),
        (EVEN[::-1] / 250, r"runs backwards after row 1 of the data"),
        (EVEN * 0.0, r"does not increase"),
        (np.where(EVEN % 30 == 7, np.nan, EVEN / 250), r"has no value in row 8 of the data"),
        (np.where(EVEN % 30 == 7, np.inf, EVEN / 250), r"has no value in row 8 of the data"),
        (EVEN * 1e9, r"steps by 1e\+09, which is no rate of an ECG.*Name its unit in the heading"),
    ],
)
def test_a_time_column_that_tells_no_rate(read, times, message):
    with pytest.raises(UserError, match=rf"^The time column {message}"):
        read({"a.csv": table(times)})
    recording = read({"a.csv": table(times)}, fs_hz=250)
    assert [(channel.name, channel.fs_hz) for channel in recording.channels] == [("I", 250), ("II", 250)]
    assert recording.notes[0].startswith("The time column is passed over: The time column")


@pytest.mark.parametrize(("heading", "step"), [("time (s)", 0.1), ("time (ms)", 0.001)])
def test_a_rate_that_no_ecg_has(read, heading, step):
    with pytest.raises(UserError, match=r"^The sampling rate is (10|1e\+06) Hz, expected 50 to 10000 Hz"):
        read({"a.csv": table(EVEN * step, heading)})


def test_the_rate_given_by_hand_is_used_and_a_contradiction_noted(read):
    assert read({"a.csv": "1\n2\n"}, fs_hz=360).channels[0].fs_hz == 360
    assert read({"a.csv": table(EVEN / 250)}, fs_hz=250).notes == read({"a.csv": table(EVEN / 250)}).notes
    recording = read({"a.csv": table(EVEN / 250)}, fs_hz=360)
    assert recording.channels[0].fs_hz == 360.0
    assert "The file says 250 Hz. The 360 Hz given by hand are used in its place; check them." in recording.notes


def test_a_gap_is_filled_with_missing_samples(read):
    """500 samples, 40 lost, 500 more, 2 lost, the rest."""
    times = np.delete(np.arange(1500) / 250, [*range(500, 540), 1040, 1041])
    recording = read({"a.csv": table(times)})
    missing = np.isnan(recording.channels[0].signal)
    assert recording.channels[0].fs_hz == 250
    assert np.flatnonzero(missing).tolist() == [*range(500, 540), 1040, 1041]
    assert "The time column has 2 gaps; 42 samples (0.168 s) are taken as missing." in recording.notes


@pytest.mark.parametrize("fs_hz", [0, -1, float("nan"), float("inf"), 1e9, 49.9])
def test_a_given_rate_that_cannot_be(read, fs_hz):
    with pytest.raises(UserError, match=r"^The sampling rate is .* Hz, expected 50 to 10000 Hz\. Look it up"):
        read({"a.csv": "1\n2\n"}, fs_hz=fs_hz)


@pytest.mark.parametrize("bad", ["12:00", "x", "", "2024-13-01T00:00:00", "10:00:61x"])
def test_a_bad_stamp(read, bad):
    lines = ["time,I", *(f"10:00:0{row / 250:.3f},1" for row in range(20)), f"{bad},1"]
    with pytest.raises(
        UserError, match=r"^(Line 22, column 1|The time column (has no value in row 21|runs backwards|is uneven))"
    ):
        read({"a.csv": "\n".join(lines)})


def test_a_time_column_alone(read):
    with pytest.raises(UserError, match=r"has a time column and no signal"):
        read({"a.csv": "time\n10:00:00.00\n10:00:00.01\n"})
