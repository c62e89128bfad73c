"""The published CSV files, good and bad."""

import numpy as np
import pytest

from nsr_core.data import make_split
from nsr_core.data.kaggle import load_kaggle
from nsr_core.errors import UserError


def line(label="0", length=100, **columns):
    """One CSV line: 0.5 for ``length`` samples, 0 after; ``c7="x"`` puts x in column 7 (the first is 1)."""
    fields = ["0.5"] * length + ["0.0"] * (187 - length) + [label]
    for name, text in columns.items():
        fields[int(name[1:]) - 1] = text
    return ",".join(fields)


@pytest.fixture
def folder(tmp_path):
    """Three good lines to train and two to test."""
    root = tmp_path / "csv"
    root.mkdir()
    write(root, "train", line("0.000000000000000000e+00"), line("1", 187), line("2", c1="1.0"))
    write(root, "test", line("3"), line("4.0", 1))
    return root


def write(folder, part, *lines, end="\n"):
    (folder / f"mitbih_{part}.csv").write_text(end.join([*lines, ""]), newline="")


def test_reads_both_files(folder):
    beats = load_kaggle(folder)
    assert beats.y.tolist() == [0, 1, 2, 3, 4]
    assert beats.y.dtype == np.int64
    assert beats.x.shape == (5, 187)
    assert beats.x.dtype == np.float32
    assert beats.x[2, :3].tolist() == [1.0, 0.5, 0.5]
    assert beats.length.tolist() == [100, 187, 100, 100, 1]
    assert beats.length.dtype == np.int16
    assert beats.truncated.tolist() == [False, True, False, False, False]
    assert beats.record.tolist() == ["train", "train", "train", "test", "test"]
    assert beats.sample.tolist() == [0, 1, 2, 3, 4]
    assert beats.names()[3] == "test:3"
    assert set(beats.lead) == {""}
    assert np.isnan(beats.mv_range).all()
    assert not beats.cut_short.any()
    assert beats.source == "kaggle"
    assert make_split(beats, "published").test.tolist() == [3, 4]


def test_the_length_is_up_to_the_last_sample_that_is_not_zero(folder):
    """A zero within the signal does not end it: 0.5 up to 100, zeros but for column 121."""
    write(folder, "test", line(c50="0", c121="0.25"))
    assert load_kaggle(folder).length[3] == 121


def test_the_environment_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("NSR_KAGGLE_DIR", str(folder))
    assert len(load_kaggle()) == 5


def test_tells_its_progress(folder):
    result = []
    load_kaggle(folder, lambda done, total, what: result.append((done, total, what)))
    assert result == [(0, 2, "reading mitbih_train.csv"), (1, 2, "reading mitbih_test.csv"), (2, 2, "both files read")]


def test_rounding_outside_the_range_is_clipped(folder):
    write(folder, "test", line(c1="1.0000005", c2="-0.0000005"))
    assert load_kaggle(folder).x[3, :2].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_line_ends_and_blank_lines_do_not_matter(folder, end):
    write(folder, "test", line("1"), line("2"), end=end)
    assert load_kaggle(folder).y.tolist() == [0, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (line(c7="n/a"), r'"n/a" in column 7, expected a number'),
        (line(c7="NA"), r'"NA" in column 7, expected a number'),
        (line(c7=""), r'"" in column 7, expected a number'),
        (line(c7='"0.5"'), r'"0\.5"" in column 7, expected a number'),
        (line(c7="0.5\ufffd"), r"in column 7, expected a number"),
        (line(c7="nan"), r'"nan" in column 7, expected a finite number'),
        (line(c7="inf"), r'"inf" in column 7, expected a finite number'),
        (line(c7="1e999"), r'"1e999" in column 7, expected a finite number'),
        (line(c7="1.001"), r"1\.001 in column 7, expected a sample between 0 and 1"),
        (line(c7="-0.001"), r"-0\.001 in column 7, expected a sample between 0 and 1"),
        (line("5"), r"class 5 in column 188, expected 0, 1, 2, 3 or 4 \(N S V F Q\)"),
        (line("-1"), r"class -1 in column 188"),
        (line("1.5"), r"class 1\.5 in column 188"),
        (line("N"), r'"N" in column 188, expected a number'),
        (line("nan"), r'"nan" in column 188, expected a finite number'),
        (line(length=0), r"all 187 samples are 0, expected a beat"),
        (line() + ",0", r"the number of columns is 189, expected 188"),
        (line().rpartition(",")[0], r"the number of columns is 187, expected 188"),
        (line().replace(",", ";"), r"the number of columns is 1, expected 188"),
    ],
)
@pytest.mark.parametrize("at", [1, 3])
def test_a_bad_line_is_named(folder, bad, message, at):
    """As the first line, where the reader takes the number of columns from it, and as the third."""
    lines = [line(), line("1"), line("2")]
    lines[at - 1] = bad
    write(folder, "test", *lines)
    with pytest.raises(UserError, match=rf"mitbih_test\.csv, line {at}: .*{message}.* Replace mitbih_test\.csv"):
        load_kaggle(folder)


def test_blank_lines_count_in_the_line_number(folder):
    write(folder, "train", line(), "", line("7"))
    with pytest.raises(UserError, match=r"mitbih_train\.csv, line 3: class 7"):
        load_kaggle(folder)


def test_every_line_too_short(folder):
    write(folder, "train", "0.5,0.5,0", "0.5,0.5,1")
    with pytest.raises(
        UserError, match=r"line 1: the number of columns is 3, expected 188 \(187 samples and the class\)"
    ):
        load_kaggle(folder)


@pytest.mark.parametrize("content", ["", "\n", "\n \n"])
def test_an_empty_file(folder, content):
    (folder / "mitbih_train.csv").write_text(content)
    with pytest.raises(UserError, match=r"mitbih_train\.csv, line 1: the file is empty, expected lines of 188 numbers"):
        load_kaggle(folder)


def test_a_file_that_is_no_text(folder):
    (folder / "mitbih_train.csv").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(UserError, match=r"mitbih_train\.csv, line 1: the number of columns is"):
        load_kaggle(folder)


def test_what_only_the_fast_reader_refuses_is_still_told(folder):
    """Python reads 0_5 as 5e0 and so sees a value, pandas sees text: no line to name, but the file is."""
    write(folder, "train", line(c1="0_0"))
    with pytest.raises(UserError, match=r"mitbih_train\.csv cannot be read as 188 columns of numbers.*Replace"):
        load_kaggle(folder)


def test_a_missing_file(folder):
    (folder / "mitbih_test.csv").unlink()
    with pytest.raises(
        UserError, match=r"mitbih_test\.csv is missing in .*csv\. Give a folder with mitbih_train\.csv and"
    ):
        load_kaggle(folder)


def test_a_missing_folder(tmp_path):
    with pytest.raises(UserError, match=r"nowhere is not a folder\. Give a folder with mitbih_train\.csv"):
        load_kaggle(tmp_path / "nowhere")


def test_no_folder_named():
    with pytest.raises(UserError, match="not downloaded for you") as caught:
        load_kaggle()
    assert "NSR_KAGGLE_DIR" in caught.value.command_line
