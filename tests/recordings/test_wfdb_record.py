"""WFDB records: written by wfdb in every format, real ones, and headers that lie."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
import wfdb

from nsr_core.errors import UserError
from nsr_core.recordings.files import read_path
from nsr_core.recordings.formats import wfdb_record
from nsr_core.recordings.formats.wfdb_header import FORMATS, PACKED
from nsr_core.recordings.limits import LIMITS
from tests.recordings.good import signals, wfdb_files
from tests.recordings.valid import check_recording


def but(place, word):
    """The good record with one word of its header's first signal, or of its first line, changed."""
    files = wfdb_files()
    good = {"first": "r1 2 250 2500", "file": "r1.dat 16", "layout": " 16 ", "gain": "200(0)/mV"}[place]
    files["r1.hea"] = files["r1.hea"].decode().replace(good, word, 2 if place == "layout" else 1).encode()
    return files


def test_a_record_is_read_in_physical_units(read):
    recording = read(wfdb_files())
    assert recording.kind == "wfdb"
    assert recording.name == "r1"
    assert recording.notes == ()
    assert [(channel.name, channel.unit, channel.fs_hz) for channel in recording.channels] == [
        ("MLII", "mV", 250.0),
        ("V5", "mV", 250.0),
    ]
    np.testing.assert_allclose([channel.signal for channel in recording.channels], signals(), atol=1 / 400)
    assert recording.marks.time_s.tolist() == [0.5 + beat for beat in range(10)]
    assert recording.marks.symbols == ("N",) * 10


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt not in ("8", "61", "160", "310", "311")])
@pytest.mark.parametrize("count", [999, 1000])
def test_formats_that_wfdb_writes(tmp_path, fmt, count):
    x = signals(count).T * 0.2
    wfdb.wrsamp("r", 250, ["mV"] * 2, ["I", "II"], p_signal=x, fmt=[fmt] * 2, write_dir=str(tmp_path))
    expected = wfdb.rdrecord(str(tmp_path / "r")).p_signal
    recording = read_path(tmp_path / "r.hea")
    check_recording(recording)
    np.testing.assert_array_equal(np.stack([channel.signal for channel in recording.channels], axis=1), expected)


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt not in PACKED])
@pytest.mark.parametrize("frames", [300, 301])
def test_every_format_is_read_as_wfdb_reads_it(tmp_path, fmt, frames):
    """Random bytes are samples in every format; some of them are its mark for a missing sample."""
    (tmp_path / "r.hea").write_text(f"r 2 250 {frames}\nr.dat {fmt} 100(3)/uV\nr.dat {fmt} 50/mV\n")
    (tmp_path / "r.dat").write_bytes(np.random.default_rng(0).bytes(4 * 2 * 304))
    expected = wfdb.rdrecord(str(tmp_path / "r")).p_signal
    recording = read_path(tmp_path / "r")
    np.testing.assert_array_equal(np.stack([channel.signal for channel in recording.channels], axis=1), expected)
    assert [channel.unit for channel in recording.channels] == ["uV", "mV"]


def test_signals_with_several_samples_a_frame_and_their_own_files(read):
    digital = np.arange(300, dtype="<i2")
    header = "r 3 100 100\na.dat 16x2 1/mV\na.dat 16 1/mV\nb.dat 16 1/mV\n"
    frames = np.column_stack([digital[:200].reshape(100, 2), digital[200:]])
    recording = read({"r.hea": header, "a.dat": frames.tobytes(), "b.dat": digital[:100].tobytes()})
    assert [channel.fs_hz for channel in recording.channels] == [200.0, 100.0, 100.0]
    assert [channel.signal[:].tolist() for channel in recording.channels] == [
        list(range(200)),
        list(range(200, 300)),
        list(range(100)),
    ]
    assert [channel.name for channel in recording.channels] == ["channel 1", "channel 2", "channel 3"]


def test_skewed_signals_are_put_side_by_side(read):
    digital = np.column_stack([np.arange(100), np.arange(100), np.arange(100)]).astype("<i2")
    header = "r 3 100 100\nr.dat 16 1/mV\nr.dat 16:3 1/mV\nr.dat 16:5 1/mV\n"
    first, second, third = read({"r.hea": header, "r.dat": digital.tobytes()}).channels
    assert first.signal[:1] == 0
    assert second.signal[:1] == 3
    assert third.signal[:1] == 5
    assert [int(np.isnan(channel.signal[:]).sum()) for channel in (first, second, third)] == [0, 3, 5]


def test_missing_samples_are_nan(read):
    files = wfdb_files()
    digital = np.frombuffer(files["r1.dat"], "<i2").copy()
    digital[20] = -32768
    assert np.flatnonzero(np.isnan(read(files | {"r1.dat": digital.tobytes()}).channels[0].signal)).tolist() == [10]


@pytest.mark.parametrize("gain", ["0", "0(5)/mV", ""])
def test_a_signal_without_gain_has_no_unit(read, gain):
    recording = read(but("gain", gain) if gain else {**wfdb_files(), "r1.hea": b"r1 2 250\nr1.dat 16\nr1.dat 16\n"})
    assert recording.channels[0].unit == ""
    assert recording.notes[0].startswith("A signal has no gain in the header")


def test_the_length_may_be_left_to_the_file(read):
    assert len(read(but("first", "r1 2 250")).channels[0].signal) == 2500
    assert len(read(but("first", "r1 2 250 0")).channels[0].signal) == 2500


def test_the_rate_may_be_left_to_wfdbs_default(read):
    assert read(but("first", "r1 2")).channels[0].fs_hz == 250.0


def test_a_longer_file_is_noted(read):
    recording = read(but("first", "r1 2 250 1000"))
    assert len(recording.channels[0].signal) == 1000
    assert recording.notes == (
        "A signal file is longer than the header says; the rest is not read.",
        "6 annotations lie outside the signal and are left out.",
    )


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..", "http://example.org/r1.dat", "s3://b/r1.dat", "C:\\r1.dat", "a/b.dat"],
)
def test_a_header_cannot_reach_beyond_its_files(read, name):
    with pytest.raises(UserError, match=r'it names ".*", expected the plain name of a file beside it, not a path'):
        read(but("file", f"{name} 16"))


@pytest.mark.parametrize("name", ["other.dat", "~", "r1", "passwd"])
def test_a_file_that_was_not_given(read, name):
    with pytest.raises(UserError, match=r'^"r1\.hea" (names "|cannot be read as a WFDB header: it names "~)'):
        read(but("file", f"{name} 16"))


@pytest.mark.parametrize(
    ("place", "word", "message"),
    [
        ("first", "r1 2 -250 2500", r'its sampling rate is "-250", expected a number above 0'),
        ("first", "r1 2 nan 2500", r'its sampling rate is "nan"'),
        ("first", "r1 2 0 2500", r'its sampling rate is "0"'),
        ("first", "r1 2 250 -5", r'its number of samples is "-5", expected a whole number'),
        ("first", "r1 2 250 2501", r'"r1\.dat" holds 2,500 samples of each signal, but "r1\.hea" announces 2,501'),
        ("first", "r1 2 250 " + "9" * 50, r"announces more than 10\^15"),
        ("first", "r1 3 250 2500", r"it announces 3 signals and describes 2"),
        ("first", "r1 0 250 2500", r"it has no signals"),
        ("first", "r1/2 2 250 2500", r"does not name a segment and its length"),
        ("first", "r1 2 1000000 2500", r"^No signal can be used: MLII \(1e\+06 Hz"),
        ("first", "../r1 2 250 2500", r'its first line is "\.\./r1 2 250 2500", expected the record\'s name'),
        ("layout", " 508 ", r'"r1\.dat" holds 0 samples of each signal'),
        ("layout", " 99 ", r"has samples of format 99"),
        ("layout", " x ", r'"x" is not a signal\'s format'),
        ("layout", " 16x0 ", r"a signal has no samples in a frame"),
        ("layout", " 16x99999999 ", r'"r1\.dat" holds 0 samples|holds no sample'),
        ("layout", " 16:2500 ", r"shifts a signal by more than its length"),
        ("layout", " 16+9999999 ", r'"r1\.dat" holds 0 samples of each signal'),
        ("gain", "nan/mV", r'a signal\'s gain is "nan/mV", expected a number'),
        ("gain", "1e999/mV", r"expected a finite number"),
    ],
)
def test_a_header_that_cannot_be(read, place, word, message):
    with pytest.raises(UserError, match=message):
        read(but(place, word))


def test_signals_of_one_file_must_agree(read):
    files = wfdb_files()
    files["r1.hea"] = b"r1 2 250 1000\nr1.dat 16 200\nr1.dat 212 200\n"
    with pytest.raises(UserError, match=r'the signals in "r1\.dat" differ in format or offset'):
        read(files)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "it is empty"), (b"# c\n", "it is empty"), (b"x" * 1001, "longer than 1,000")]
)
def test_a_file_that_is_no_header(read, content, message):
    with pytest.raises(UserError, match=rf'^"r1\.hea" cannot be read as a WFDB header: .*{message}'):
        read(wfdb_files() | {"r1.hea": content})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels": 1}, r"has 2 signals, at most 1"),
        ({"streamed_samples": 4999}, r"has 5,000 samples"),
        ({"hours": 0.001}, r"at most 0\.001 h"),
        ({"marks": 9}, r'"r1\.atr" holds more than 9 annotations'),
    ],
)
def test_limits(read, changed, message):
    with pytest.raises(UserError, match=message):
        read(wfdb_files(), limits=dataclasses.replace(LIMITS, **changed))


def test_nothing_stays_in_the_temporary_folder(read, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    read(wfdb_files())
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_without_room_is_one_line(read, tmp_path, monkeypatch):
    files = wfdb_files()
    files |= {"r1.hea": files["r1.hea"].replace(b" 16 ", b" 80 "), "r1.dat": files["r1.dat"][::2]}
    read(files)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(UserError, match=r"temporary folder .* cannot be written \(No such file.*\)\. Free some space"):
        read(files)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, content: write(Path("/dev/full"), content))  # as a full disk
    with pytest.raises(UserError, match=r"temporary folder .* cannot be written \(No space left on device\)"):
        read(files)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("record", ["100", "114", "203"])
def test_a_real_record_is_wfdbs_exactly(mitdb_root, record):
    recording = read_path(mitdb_root / record)
    check_recording(recording)
    expected = wfdb.rdrecord(str(mitdb_root / record))
    np.testing.assert_array_equal(np.stack([each.signal for each in recording.channels], axis=1), expected.p_signal)
    assert [channel.name for channel in recording.channels] == expected.sig_name
    assert {(channel.unit, channel.fs_hz) for channel in recording.channels} == {("mV", 360.0)}
    annotations = wfdb.rdann(str(mitdb_root / record), "atr")
    np.testing.assert_array_equal(recording.marks.time_s, annotations.sample / 360)
    assert list(recording.marks.symbols) == annotations.symbol
    assert recording.notes == ()


WAVE = (np.arange(2000) * 37 % 101).astype("<i2")


def segment_files(**lengths: int) -> dict[str, bytes]:
    """A segment of two signals for each name, the second a thousand above the first; ``WAVE`` goes through all."""
    files, start = {}, 0
    for name, frames in lengths.items():
        digital = WAVE[start : start + frames, None] + np.array([0, 1000], "<i2")
        files[f"{name}.hea"] = (
            f"{name} 2 250 {frames}\n{name}.dat 16 1/uV 16 0 0 0 0 II\n{name}.dat 16 1/uV 16 0 0 0 0 V5\n".encode()
        )
        files[f"{name}.dat"] = digital.astype("<i2").tobytes()
        start += frames
    return files


def test_segments_follow_one_another(read):
    files = segment_files(a=600, b=400) | {"r.hea": b"r/2 2 250 1000\na 600\nb 400\n"}
    second, fifth = read(files).channels
    assert (second.name, second.unit, second.fs_hz) == ("II", "uV", 250)
    assert second.signal[:].tolist() == WAVE[:1000].tolist()
    assert fifth.signal[590:610].tolist() == (WAVE[590:610] + 1000).tolist()


def test_segments_that_lack_a_signal_and_gaps(read):
    """A layout names the signals; the second segment has only one of them, and between the two nothing was recorded."""
    files = segment_files(a=600)
    files["b.hea"] = b"b 1 250 400\nb.dat 16 1/uV 16 0 0 0 0 V5\n"
    files["b.dat"] = WAVE[:400].tobytes()
    files["r_layout.hea"] = b"r_layout 2 250 0\n~ 0 1/mV 16 0 0 0 0 V5\n~ 0 1/mV 16 0 0 0 0 II\n"
    files["r.hea"] = b"r/4 2 250 1100\nr_layout 0\na 600\n~ 100\nb 400\n"
    fifth, second = read(files).channels
    assert (fifth.name, second.name) == ("V5", "II")
    assert np.isnan(second.signal[:]).sum() == 500
    assert np.isnan(fifth.signal[:]).nonzero()[0].tolist() == list(range(600, 700))
    assert fifth.signal[700:].tolist() == WAVE[:400].tolist()


def test_a_segment_that_is_missing_or_names_itself(read):
    files = segment_files(a=600) | {"r.hea": b"r/2 2 250 1000\na 600\nb 400\n"}
    with pytest.raises(UserError, match=r'"r\.hea" names "b\.hea", which was not given'):
        read(files)
    with pytest.raises(UserError, match="has segments itself"):
        read({"r.hea": b"r/1 2 250 1000\nr 1000\n"})
    with pytest.raises(UserError, match=r'"a\.hea" has 600 samples at 250 Hz, but "r\.hea" says 500'):
        read(segment_files(a=600) | {"r.hea": b"r/1 2 250 500\na 500\n"})


@pytest.mark.parametrize("fmt", PACKED)
def test_flac(tmp_path, fmt):
    x = signals(2500).T * 0.2
    wfdb.wrsamp("r", 250, ["mV"] * 2, ["I", "II"], p_signal=x, fmt=[fmt] * 2, write_dir=str(tmp_path))
    recording = read_path(tmp_path / "r.hea")
    expected = wfdb.rdrecord(str(tmp_path / "r")).p_signal
    np.testing.assert_array_equal(np.stack([channel.signal for channel in recording.channels], axis=1), expected)


@pytest.mark.parametrize("unit", ["µV", "μV", "uV"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_micro_sign(read, unit, encoding):
    header = f"r1 1 250 2500\nr1.dat 16 1(0)/{unit} 16 0 0 0 0 II\n".encode(encoding, errors="replace")
    if b"?" in header:
        pytest.skip("Latin-1 has no Greek letter")
    signal = (1000 * signals()[0]).astype("<i2")
    assert read({"r1.hea": header, "r1.dat": signal.tobytes()}).channels[0].unit == "uV"


def test_a_gain_without_a_unit_is_in_the_default_unit(read):
    assert read(but("gain", "200/")).channels[0].unit == "mV"


def test_a_long_record_is_unpacked_in_stretches(read, monkeypatch):
    """In every way of cutting it the same, also where the format stores differences."""
    monkeypatch.setattr(wfdb_record, "FRAMES_AT_ONCE", 7)
    for fmt in ("212", "310", "8", "80"):
        frames = 100
        header = f"r 2 250 {frames}\nr.dat {fmt} 100(3)/uV\nr.dat {fmt} 50/mV\n"
        content = np.random.default_rng(0).bytes(4 * 2 * 104)
        short = [channel.signal[:] for channel in read({"r.hea": header, "r.dat": content}).channels]
        monkeypatch.setattr(wfdb_record, "FRAMES_AT_ONCE", 1000)
        np.testing.assert_array_equal(
            short, [channel.signal[:] for channel in read({"r.hea": header, "r.dat": content}).channels]
        )
        monkeypatch.setattr(wfdb_record, "FRAMES_AT_ONCE", 7)
