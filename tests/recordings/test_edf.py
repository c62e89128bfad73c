"""EDF and EDF+ files, written by edfio and then damaged."""

import dataclasses
import io

import edfio
import numpy as np
import pytest

from nsr_core.errors import UserError
from nsr_core.recordings.limits import LIMITS
from tests.recordings.good import edf_file, signals
from tests.recordings.malformed import EDF_FIELDS


def with_field(field, text, content=None):
    content = bytearray(content or edf_file())
    start, width = EDF_FIELDS[field]
    content[start : start + width] = text.encode("latin-1").ljust(width)
    return bytes(content)


def written(*leads, **options):
    buffer = io.BytesIO()
    edfio.Edf(list(leads), **options).write(buffer)
    return buffer.getvalue()


def test_signals_are_read_as_they_were_written(read):
    recording = read({"night.edf": edf_file()})
    assert recording.kind == "edf"
    assert recording.name == "night"
    assert recording.notes == ()
    assert recording.marks is None
    assert [(channel.name, channel.unit, channel.fs_hz) for channel in recording.channels] == [
        ("II", "mV", 250.0),
        ("V5", "mV", 250.0),
    ]
    np.testing.assert_allclose([channel.signal for channel in recording.channels], signals(), atol=10 / 65535)


def test_samples_are_edfios_exactly(read):
    content = edf_file()
    expected = [signal.data for signal in edfio.read_edf(content).signals]
    np.testing.assert_array_equal([channel.signal for channel in read({"a.edf": content}).channels], expected)


def test_signals_of_different_rates_and_units(read):
    fast = edfio.EdfSignal(1000 * np.repeat(signals()[0], 2), 500, label="EKG", physical_dimension="uV")
    slow = edfio.EdfSignal(np.random.default_rng(0).normal(size=1280), 128, label="ECG V1", physical_dimension="degC")
    pulse = edfio.EdfSignal(np.sin(np.arange(10)), 1, label="SpO2", physical_dimension="%")
    recording = read({"a.edf": written(fast, slow, pulse)})
    assert [(channel.name, channel.unit, channel.fs_hz) for channel in recording.channels] == [
        ("EKG", "uV", 500.0),
        ("V1", "degC", 128.0),
    ]
    assert recording.notes == ("Left out: SpO2 (1 Hz, expected 50 to 10000 Hz).",)


def test_a_unit_in_latin_1(read):
    content = with_field("unit", "µV", with_field("physical min", "-5000", with_field("physical max", "5000")))
    assert read({"a.edf": content}).channels[0].unit == "uV"


def test_an_inverted_physical_range_is_allowed(read):
    upright = read({"a.edf": edf_file()}).channels[0].signal
    content = with_field("physical max", "-5", with_field("physical min", "5"))
    np.testing.assert_allclose(read({"a.edf": content}).channels[0].signal, -upright[:], atol=2e-4)


def test_annotations_that_are_beats_become_marks(read):
    texts = [(0.5, "N"), (1.5, "V"), (1.7, "Lights off"), (2.5, "+")]
    annotations = tuple(edfio.EdfAnnotation(onset, None, text) for onset, text in texts)
    recording = read({"a.edf": edf_file(annotations)})
    assert recording.marks.time_s.tolist() == [0.5, 1.5, 2.5]
    assert recording.marks.symbols == ("N", "V", "+")
    assert recording.notes == ("1 EDF+ annotations that are no beat symbols are not used.",)


def test_a_sleep_stage_is_no_beat(read):
    annotations = tuple(edfio.EdfAnnotation(onset, None, text) for onset, text in enumerate(["W", "N2", "R", "W"]))
    recording = read({"a.edf": edf_file(annotations)})
    assert recording.marks is None
    assert recording.notes == ("4 EDF+ annotations that are no beat symbols are not used.",)


def test_annotations_that_are_not(read):
    recording = read({"a.edf": edf_file((edfio.EdfAnnotation(1, 2, "Sleep stage W"),))})
    assert recording.marks is None
    assert len(recording.channels) == 2


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(read):
    content = edf_file()
    recording = read({"a.edf": content[:-2500]})
    whole = read({"a.edf": content})
    kept = len(recording.channels[0].signal)
    assert 0 < kept < 2500
    np.testing.assert_array_equal(recording.channels[1].signal, whole.channels[1].signal[:kept])
    assert recording.notes[0].startswith("The file is cut off: its header announces")


def test_a_recording_that_was_never_closed(read):
    recording = read({"a.edf": with_field("records", "-1")})
    assert len(recording.channels[0].signal) == 2500
    assert recording.notes == ("The recording was not closed by its recorder; all that is there was read.",)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("signals", "0", r"it has no signals"),
        ("signals", "x", r"it does not begin as an EDF file does"),
        ("signals", "3", r"a header of 3 signals has 1,024 bytes"),
        ("size", "99999", r"a header of 2 signals has 768 bytes"),
        ("records", "x", r'the number of records is "x", expected a whole number'),
        ("records", "-2", r"it announces -2 records"),
        ("records", "0", r"it announces 0 records and holds not one whole record"),
        ("duration", "0", r"a record lasts 0 s, expected more than 0 s"),
        ("duration", "-1", r"a record lasts -1 s"),
        ("duration", "nan", r'the duration of a record is "nan", expected a number'),
        ("samples", "-250", r"a signal has no samples in a record"),
        ("samples", "9999999", r"it announces 10 records and holds not one whole record"),
    ],
)
def test_a_field_that_cannot_be(read, field, text, message):
    with pytest.raises(UserError, match=rf'^"a\.edf" (cannot be read as EDF: )?{message}'):
        read({"a.edf": with_field(field, text)})


@pytest.mark.parametrize("content", [b"\0\1" * 200, edf_file()[:300]])
def test_what_is_no_edf(read, content):
    with pytest.raises(UserError, match=r'^"a\.edf" cannot be read as EDF'):
        read({"a.edf": content})


def test_annotations_alone(read):
    content = written(annotations=[edfio.EdfAnnotation(1, None, "N")])
    with pytest.raises(UserError, match=r'^"a\.edf" holds annotations and no signal'):
        read({"a.edf": content})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("physical min", "5"),
        ("physical max", "inf"),
        ("digital min", "32767"),
        ("digital max", "x"),
        ("physical min", ""),
        ("samples", "0"),
    ],
)
def test_a_signal_that_cannot_be_scaled_is_left_out(read, field, text):
    content = with_field(field, text)
    if field == "samples":  # the records get shorter by what the signal had
        records = np.frombuffer(content[768:], "<i2").reshape(-1, 500)[:, 250:]
        content = content[:768] + records.tobytes()
    recording = read({"a.edf": content})
    assert [channel.name for channel in recording.channels] == ["V5"]
    np.testing.assert_array_equal(recording.channels[0].signal, read({"a.edf": edf_file()}).channels[1].signal)
    assert recording.notes[0].startswith('Left out: 1 signal that cannot be scaled, such as "ECG II"')


def test_numbers_may_have_a_decimal_comma(read):
    content = with_field("physical max", "5,0", with_field("physical min", "-5,0", with_field("duration", "1,0")))
    np.testing.assert_array_equal(
        read({"a.edf": content}).channels[0].signal, read({"a.edf": edf_file()}).channels[0].signal
    )


@pytest.mark.parametrize("unit", ["µV", "μV"])
def test_a_unit_in_utf_8(read, unit):
    content = bytearray(with_field("physical min", "-5000", with_field("physical max", "5000")))
    content[256 + 2 * 96 : 256 + 2 * 96 + 8] = unit.encode().ljust(8)
    assert read({"a.edf": bytes(content)}).channels[0].unit == "uV"


def bdf_file(digital: np.ndarray) -> bytes:
    """One signal of 24 bits, 250 samples in each record of a second, in uV."""
    text = ["\xffBIOSEMI", "x", "x", "02.01.24", "08.00.00", "512", "24BIT", str(len(digital) // 250), "1", "1"]
    widths = [8, 80, 80, 8, 8, 8, 44, 8, 8, 4]
    text += ["ECG", "", "uV", "-262144", "262143", "-8388608", "8388607", "", "250", ""]
    widths += [16, 80, 8, 8, 8, 8, 8, 80, 8, 32]
    header = b"".join(each.encode("latin-1").ljust(width) for each, width in zip(text, widths, strict=True))
    return header + digital.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def test_bdf(read):
    digital = np.round(32_000 * signals()[0]).astype(np.int64) - 16_000
    channel = read({"a.bdf": bdf_file(digital)}).channels[0]
    assert (channel.name, channel.unit, channel.fs_hz) == ("ECG", "uV", 250)
    np.testing.assert_allclose(channel.signal, digital / 32, atol=0.6)


def discontinuous(*begins_s: float) -> bytes:
    """EDF+D of one-second records that begin when they say."""
    content = bytearray(edf_file((edfio.EdfAnnotation(1, None, "hello"),)))
    content[192:197] = b"EDF+D"
    size = (len(content) - 256 * 4) // 10
    lists = size - 1000
    for record, begin_s in enumerate(begins_s):
        start = 256 * 4 + record * size + 1000
        content[start : start + lists] = f"+{begin_s:g}\x14\x14\0".encode().ljust(lists, b"\0")
    return bytes(content)


def test_edf_d_without_gaps_is_continuous(read):
    recording = read({"a.edf": discontinuous(*range(10))})
    np.testing.assert_array_equal(recording.channels[0].signal, read({"a.edf": edf_file()}).channels[0].signal)
    assert recording.notes == ()


def test_edf_d_with_a_gap_has_missing_samples(read):
    recording = read({"a.edf": discontinuous(0, 1, 2, 3, 4, 7.5, 8.5, 9.5, 10.5, 11.5)})
    signal, whole = recording.channels[0].signal[:], read({"a.edf": edf_file()}).channels[0].signal[:]
    assert np.flatnonzero(np.isnan(signal)).tolist() == list(range(1250, 1875))
    np.testing.assert_array_equal(signal[~np.isnan(signal)], whole)
    np.testing.assert_array_equal(recording.channels[0].signal[1000:2000], signal[1000:2000])
    assert recording.notes == ("The recording has gaps (EDF+D); the samples in them are missing.",)


@pytest.mark.parametrize("begins_s", [[0, 1, 1.5, 3, 4, 5, 6, 7, 8, 9], [0, 2, 1, 3, 4, 5, 6, 7, 8, 9]])
def test_edf_d_of_records_that_overlap_is_put_together_and_said_so(read, begins_s):
    recording = read({"a.edf": discontinuous(*begins_s)})
    np.testing.assert_array_equal(recording.channels[0].signal, read({"a.edf": edf_file()}).channels[0].signal)
    (note,) = recording.notes
    assert "overlap. They were put one after another" in note


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels": 1}, r"has 2 signals, at most 1"),
        ({"streamed_samples": 4999}, r"has 5,000 samples in all its signals, at most 4,999"),
        ({"hours": 0.001}, r"lasts 0\.0 h, at most 0\.001 h"),
        ({"fs_min_hz": 300.0}, r"^No signal can be used: II \(250 Hz, expected 300 to 10000 Hz\), V5"),
    ],
)
def test_limits(read, changed, message):
    with pytest.raises(UserError, match=message):
        read({"a.edf": edf_file()}, limits=dataclasses.replace(LIMITS, **changed))
