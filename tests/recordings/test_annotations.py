"""WFDB annotation files: as wfdb writes them, and damaged."""

import struct

import numpy as np
import pytest
import wfdb

from nsr_core.errors import UserError
from nsr_core.recordings.formats.annotations import read_annotations
from nsr_core.recordings.limits import LIMITS, Deadline


def read(content, fs_hz=250.0, duration_s=1e6):
    marks, notes = read_annotations("a.atr", content, fs_hz, duration_s, LIMITS, Deadline(LIMITS))
    return list(zip(marks.time_s.tolist(), marks.symbols, strict=True)), notes


def words(*pairs):
    """Codes and the samples since the last annotation."""
    return b"".join(struct.pack("<H", (code << 10) + low) for code, low in pairs)


def note(text):
    return words((22, 0), (63, len(text))) + text.encode().ljust(len(text) + len(text) % 2, b"\0")


def test_what_wfdb_writes(tmp_path):
    sample = np.array([10, 20, 5000, 5000, 100_000_000])
    symbol = ["N", "V", "+", "~", "/"]
    aux = ["", "", "(AFIB", "", ""]
    wfdb.wrann("r", "atr", sample, symbol, aux_note=aux, fs=360, write_dir=str(tmp_path))
    content = (tmp_path / "r.atr").read_bytes()
    assert read(content) == (list(zip((sample / 360).tolist(), symbol, strict=True)), [])


def test_labels_of_its_own(tmp_path):
    custom = [(42, "q", "a beat of mine")]
    wfdb.wrann("r", "atr", np.array([5, 10]), ["N", "q"], custom_labels=custom, fs=250, write_dir=str(tmp_path))
    assert read((tmp_path / "r.atr").read_bytes()) == ([(5 / 250, "N"), (10 / 250, "q")], [])


def test_a_code_without_symbol_keeps_its_number():
    assert read(words((1, 250), (45, 250), (0, 0))) == ([(1.0, "N"), (2.0, "45")], [])


def test_an_unknown_opening_note_does_not_hang():
    assert read(note("## whatever") + words((1, 250), (0, 0))) == ([(1.0, "N")], [])


def test_an_ordinary_note_at_the_start_stays():
    assert read(note("hello") + words((1, 250), (0, 0)))[0] == [(0.0, '"'), (1.0, "N")]


def test_the_time_resolution_of_the_file_counts():
    assert read(note("## time resolution: 500") + words((1, 250), (0, 0)))[0] == [(0.5, "N")]
    assert read(note("## time resolution: 0") + words((1, 250), (0, 0)))[0] == [(1.0, "N")]


def test_skips_forward_and_backward_end_in_order_of_time():
    back = struct.pack("<HHH", 59 << 10, 0xFFFF, 0x10000 - 500)
    assert read(words((1, 750)) + back + words((5, 0), (0, 0)))[0] == [(1.0, "V"), (3.0, "N")]


def test_what_lies_outside_the_signal_is_left_out():
    marks, notes = read(words((1, 250), (1, 1000), (0, 0)), duration_s=2.0)
    assert marks == [(1.0, "N")]
    assert notes == ["1 annotations lie outside the signal and are left out."]


def test_a_missing_end_is_noted():
    assert read(words((1, 250)))[1] == ['"a.atr" has no end mark: annotations may be missing.']


@pytest.mark.parametrize(
    "content", [b"\x01", words((1, 250)) + b"\0", words((59, 0)), words((1, 1), (63, 9)) + b"1234"]
)
def test_a_file_that_ends_in_the_middle(content):
    with pytest.raises(UserError, match=r'^"a\.atr" is not a whole annotation file.*Leave the annotation file out'):
        read(content)
