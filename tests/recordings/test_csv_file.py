"""CSV files: separators, headings, units, encodings, missing values, and what is wrong with a line."""

import dataclasses

import numpy as np
import pytest

from nsr_core.errors import UserError
from nsr_core.recordings.limits import LIMITS
from tests.recordings.good import csv_file, signals


def channels(recording):
    return [(channel.name, channel.unit, channel.signal.tolist()) for channel in recording.channels]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(read, separator, end):
    lines = ["I (mV),II (mV)", "0.5,-1", "1e-1,2.25", "3,4"]
    recording = read({"a.csv": end.join(lines).replace(",", separator)})
    assert channels(recording) == [("I", "mV", [0.5, 0.1, 3.0]), ("II", "mV", [-1.0, 2.25, 4.0])]
    assert recording.kind == "csv"
    assert recording.name == "a"
    assert recording.marks is None
    assert recording.channels[0].fs_hz is None


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas(read, separator):
    text = f"I{separator}II\n0,5{separator}-1,25\n1{separator}2,5e-1\n"
    assert [signal for _, _, signal in channels(read({"a.csv": text}))] == [[0.5, 1.0], [-1.25, 0.25]]


def test_a_single_column_without_heading(read):
    assert channels(read({"a.txt": "1\n2\n\n3"})) == [("column 1", "", [1.0, 2.0, 3.0])]


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("ecg_uv", "ecg", "uV"),
        ("lead_I_mV", "lead_I", "mV"),
        ("ECG mV", "ECG", "mV"),
        ("lead V", "lead V", ""),
        ("\u042d\u041a\u0413 (\u043c\u0412)", "\u042d\u041a\u0413", "mV"),
        ("\u042d\u041a\u0413 \u043c\u043a\u0412", "\u042d\u041a\u0413", "uV"),
        ("\u5fc3\u7535 (\u6beb\u4f0f)", "\u5fc3\u7535", "mV"),
        ("MLII (mV)", "MLII", "mV"),
        ("ECG [uV]", "ECG", "uV"),
        ("ECG [µV]", "ECG", "uV"),
        ("lead I (μV)", "lead I", "uV"),
        ("V1 (V)", "V1", "V"),
        ("V1 (adu)", "V1", "adu"),
        ("V1", "V1", ""),
        ('"V1 (mV)"', "V1", "mV"),
        ("'V1 (millivolts)'", "V1", "mV"),
    ],
)
def test_headings_and_units(read, heading, name, unit):
    channel = read({"a.csv": f"{heading}\n1\n2"}).channels[0]
    assert (channel.name, channel.unit) == (name, unit)


def test_a_quoted_heading_may_hold_the_separator(read):
    assert [name for name, *_ in channels(read({"a.csv": '"ECG, lead II (mV)",V1\n1,2\n3,4'}))] == [
        "ECG, lead II",
        "V1",
    ]


def test_the_second_heading_row_of_rdsamp_names_units(read):
    text = "'sample #','MLII','V5'\n'','mV','uV'\n0,-0.145,-0.065\n1,-0.145,-0.065\n2,-0.120,-\n"
    recording = read({"samples.csv": text})
    assert [(channel.name, channel.unit) for channel in recording.channels] == [("MLII", "mV"), ("V5", "uV")]
    assert recording.channels[0].signal.tolist() == [-0.145, -0.145, -0.12]
    assert np.isnan(recording.channels[1].signal[2])
    assert recording.channels[0].fs_hz is None


def test_the_elapsed_time_of_rdsamp_tells_the_rate(read):
    """Stamps in whole milliseconds: 0.003, 0.006, 0.008 at 360 Hz."""
    rows = [f"'{at // 360 // 60}:{at / 360 % 60:06.3f}',{at % 5},{at % 3}" for at in range(30_000)]
    recording = read({"samples.csv": "\n".join(["'Elapsed time','MLII','V5'", "'hh:mm:ss.mmm','mV','mV'", *rows])})
    assert [(channel.name, channel.unit, channel.fs_hz) for channel in recording.channels] == [
        ("MLII", "mV", 360.0),
        ("V5", "mV", 360.0),
    ]


@pytest.mark.parametrize("missing", ["", "NaN", "nan", "NA", "n/a", "N/A", "null", "-", " nan ", '""'])
def test_missing_values(read, missing):
    signal = read({"a.csv": f"I,II\n1,2\n{missing},3\n4,5\n"}).channels[0].signal
    assert signal[[0, 2]].tolist() == [1.0, 4.0]
    assert np.isnan(signal[1])


def test_missing_values_in_the_first_rows_are_samples_too(read):
    assert np.isnan(read({"a.csv": "nan,1\n-,2\n3,4"}).channels[0].signal).tolist() == [True, True, False]


def test_infinite_values_are_missing(read):
    recording = read({"a.csv": "1,1\ninf,2\n-inf,3\n4,4\n"})
    assert np.isnan(recording.channels[0].signal).tolist() == [False, True, True, False]
    assert recording.notes == ("2 infinite values are taken as missing.",)


def test_a_column_without_samples_is_left_out(read):
    recording = read({"a.csv": "I,II\n1,\n2,\n"})
    assert [name for name, *_ in channels(recording)] == ["I"]
    assert recording.notes == ("Left out: II (no samples).",)


def test_comments_and_blank_lines_anywhere(read):
    text = "# by a recorder\n\n# more\nI,II\n# between\n1,2\n\n # after\n3,4\n#"
    assert channels(read({"a.csv": text})) == [("I", "", [1.0, 3.0]), ("II", "", [2.0, 4.0])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le"])
def test_encodings(read, encoding):
    content = "Ableitung größer (µV)\n1,5\n".replace(",", ".").encode(encoding)
    if encoding == "utf-16-le":
        content = b"\xff\xfe" + content
    assert channels(read({"a.csv": content})) == [("Ableitung größer", "uV", [1.5])]


def test_names_are_made_unique_and_printable(read):
    names = [name for name, *_ in channels(read({"a.csv": "I,I,,b\x0bell,I (2)\n1,2,3,4,5\n"}))]
    assert names == ["I", "I (2)", "column 3", "b ell", "I (3)"]


def test_numbers_are_read_to_the_last_digit(read):
    values = np.random.default_rng(0).normal(size=5000)
    text = "\n".join(map(repr, values.tolist()))
    np.testing.assert_array_equal(read({"a.csv": text}).channels[0].signal, values)


@pytest.mark.parametrize("odd", ["", "#\n", "\n", "1,2,3 \n"])
def test_the_fast_and_the_exact_way_agree(read, odd):
    """An odd line in the second block sends that block the exact way."""
    rows = np.random.default_rng(0).normal(size=(60_000, 3))
    lines = ["{:.6f},{:.6f},{:.6f}\n".format(*row) for row in rows]
    plain = read({"a.csv": "".join([*lines, "1,2,3\n" if odd.startswith("1") else ""])})
    other = read({"a.csv": "".join([*lines, odd])})
    assert channels(other) == channels(plain)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("I,II\n1,2\n3,abc\n", r'^Line 3, column 2: "abc", expected a number\. Mend or remove the line'),
        ("I,II\n\n# c\n1,2\n3,4x\n", r'^Line 5, column 2: "4x"'),
        ("1\n3\n4\n1_0\n", r'^Line 4, column 1: "1_0"'),
        ("1\n2\n3\nTrue\n", r'^Line 4, column 1: "True"'),
        ("I,II\n1,2\n3\n", r"^Line 3 has 1 columns, expected 2 as in the lines before"),
        ("1,2\n1,2\n3,4,5\n", r"^Line 3 has 3 columns, expected 2"),
        ("1\n2,3\n4\n", r"^Line 3 has 1 columns, expected 2"),
        (
            "I,II,III\n1,2\n3,4\n5,6\n",
            r"^Line 1 names 3 columns, the data below it has 2\. Give a table with one heading",
        ),
        ("<xml>\n<a/>\n<b/>\n", r'^Line 3 is "<b/>", expected numbers'),
        ("I,II\n", r'^Line 1 is "I,II", expected numbers'),
        ("# only\n\n", r"^The first 2 lines are empty, expected a table of samples"),
        ("nan,\n,nan\n", r'^Line 1 is "nan,", expected numbers'),
        ("time\n0\n1\n", None),
        ("a\0b\n1\n", r'^"a\.csv" is not text, so not a CSV file'),
    ],
)
def test_what_is_wrong_is_named(read, text, message):
    if message is None:
        assert channels(read({"a.csv": text})) == [("time", "", [0.0, 1.0])]
        return
    with pytest.raises(UserError, match=message):
        read({"a.csv": text})


def test_a_bad_line_far_into_the_file_is_missing_and_named(read):
    recording = read({"a.csv": "1.25,2.5\n1.5,2.25\n" * 150_000 + "1,x\n1\n1.25,2.5\n"})
    assert len(recording.channels[0].signal) == 300_003
    assert np.flatnonzero(np.isnan(recording.channels[1].signal)).tolist() == [300_000, 300_001]
    assert recording.notes[:2] == (
        "1 line is not as the others and taken as missing samples. Line 300,002 has 1 columns, expected 2.",
        '1 cells are taken as missing samples. Line 300,001, column 2: "x", expected a number.',
    )


@pytest.mark.parametrize("at", ["1,2\n", "1,2\n" * 100])
def test_a_line_without_end(read, at):
    with pytest.raises(UserError, match=rf"^Line {at.count(chr(10)) + 1:,} has more than 100,000 characters"):
        read({"a.csv": at + "1," * 60_000})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels": 1}, r"has 2 signals, at most 1 are read"),
        ({"text_samples": 7000}, r"has 7,50[03] samples in all its signals, at most 7,000 are read"),
        ({"hours": 0.002}, r"lasts 0\.0 h, at most 0\.002 h are read"),
        ({"fs_max_hz": 200.0}, r"sampling rate is 250 Hz, expected 50 to 200 Hz"),
        ({"streamed_bytes": 1000}, r"have 0\.1 MB, at most 0\.0 MB are read"),
        ({"seconds": -1.0}, r"took longer than -0\.987 s and was stopped"),
    ],
)
def test_limits(read, changed, message):
    with pytest.raises(UserError, match=message):
        read({"a.csv": csv_file()}, limits=dataclasses.replace(LIMITS, **changed))


def test_tells_its_progress(read):
    result = []
    read({"a.csv": "1.25,2.5\n" * 300_000}, progress=lambda done, total, what: result.append((done, total, what)))
    assert [what for _, _, what in result] == ["reading a"] * 3 + ["all lines read"] or result[0][2] == "reading a.csv"
    assert result[-1][:2] == (2_700_000, 2_700_000)
    assert len(result) == 4


def test_a_good_file_is_read_as_it_was_written(read):
    recording = read({"good.csv": csv_file()})
    assert [(channel.name, channel.unit, channel.fs_hz) for channel in recording.channels] == [
        ("MLII", "mV", 250.0),
        ("V5", "mV", 250.0),
    ]
    np.testing.assert_allclose([channel.signal for channel in recording.channels], signals(), atol=5.1e-5)
    assert recording.notes == ()
