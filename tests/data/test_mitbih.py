"""From WFDB files to beats, the cache of the cut beats, and the check of the files; on two tiny records."""

import numpy as np
import pytest

from nsr_core.data import is_at_hand, load_beats
from nsr_core.data.beats import CLASSES, signal_mask
from nsr_core.data.mitbih import CUT_BEATS_FILE, load_mitbih, verify
from nsr_core.errors import UserError


def columns(beats):
    return {name: value for name, value in vars(beats).items() if name != "source"}


def assert_equal(first, second):
    for name, value in columns(first).items():
        other = columns(second)[name]
        assert value.dtype == other.dtype, name
        assert np.array_equal(value, other), name


def test_records_to_beats(toy_root):
    """Windows by the rule of ``test_cutting``; every third sample, so ceil(window / 3) of them.

    900: N at 50: int(300 + 0.2 * 240) = 348, 116 samples.   V at 350: int(240 + 20) = 260, 87, cut short.
         F at 690: int(300 + 120) = 420, 140 samples.        / at 990: int(600 + 80) = 680, 227, so truncated.
         A at 1590: d2 = d1 = 400, 480 samples, but the signal ends at 2000: 410, 137 samples.
    901: N at 10: int(300 + 60) = 360, 120 samples.          N at 310: d2 = d1 = 300, the same.
    """
    beats = load_mitbih(toy_root)
    assert [CLASSES[label] for label in beats.y] == ["N", "V", "F", "Q", "S", "N", "N"]
    assert beats.record.tolist() == ["900"] * 5 + ["901"] * 2
    assert beats.sample.tolist() == [50, 350, 690, 990, 1590, 10, 310]
    assert beats.length.tolist() == [116, 87, 140, 187, 137, 120, 120]
    assert beats.cut_short.tolist() == [False, True, False, False, False, False, False]
    assert beats.truncated.tolist() == [False, False, False, True, False, False, False]
    assert set(beats.lead) == {"MLII"}
    assert beats.source == "mitbih"
    assert not beats.x[~signal_mask(beats.length)].any()


def test_values_of_a_beat_and_its_millivolts(toy_root):
    """The saw is i % 100; from 50 in steps of 3 it takes 50, 53, ..., 98, 1, 4, ... and, as 3 and 100 have
    no common factor, every value from 0 to 99 within 100 samples. So the beat is saw / 99, and with
    0 mV at 50 and 100 units a mV its range is -0.50 to 0.49 mV.
    """
    beats = load_mitbih(toy_root)
    saw = np.arange(50, 50 + 348, 3) % 100
    np.testing.assert_allclose(beats.x[0, :116], saw / 99, atol=1e-6)
    assert beats.mv_min[0] == pytest.approx(-0.50)
    assert beats.mv_max[0] == pytest.approx(0.49)
    assert beats.mv_range[0] == pytest.approx(0.99)


def test_a_truncated_beat_is_scaled_by_its_whole_segment(toy_root):
    """The beat at 990 reads every third sample up to 1670. The 201st is the spike of 300 at 1590: it is cut
    off, and yet becomes 1; so the 187 samples that stay are saw / 300 and reach no more than 0.33, 99 units.
    """
    beats = load_mitbih(toy_root)
    saw = np.arange(990, 990 + 3 * 187, 3) % 100
    np.testing.assert_allclose(beats.x[3], saw / 300, atol=1e-6)
    assert beats.mv_max[3] == pytest.approx(2.5)


def test_the_second_load_equals_the_first_and_cuts_nothing(toy_root):
    result = []
    first = load_mitbih(toy_root, lambda done, total, what: result.append((done, total, what)))
    assert result == [(0, 2, "cutting record 900"), (1, 2, "cutting record 901"), (2, 2, "all records cut")]
    result.clear()
    second = load_mitbih(toy_root, lambda done, total, what: result.append((done, total, what)))
    assert result == []
    assert_equal(first, second)


@pytest.mark.parametrize("damage", ["half", "one byte", "empty", "other text", "a column less"])
def test_a_damaged_cache_is_cut_again(toy_root, tmp_path, damage):
    first = load_mitbih(toy_root)
    path = tmp_path / "cache" / CUT_BEATS_FILE
    content = path.read_bytes()
    if damage == "half":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "one byte":
        at = content.index(b"NUMPY") + 150  # within the first array's numbers, after its 128-byte header
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
    elif damage == "a column less":
        with np.load(path) as stored:
            kept = {name: stored[name] for name in stored.files if name != "lead"}
        np.savez(path, **kept)
    else:
        path.write_bytes(b"" if damage == "empty" else b"not an archive")
    assert_equal(first, load_mitbih(toy_root))
    assert path.read_bytes() == content


def test_the_environment_names_the_folder(toy_root, monkeypatch):
    monkeypatch.setenv("NSR_MITDB_DIR", str(toy_root))
    assert len(load_mitbih()) == 7


def test_progress_may_stop_the_work_and_leaves_no_cache(toy_root, tmp_path):
    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_mitbih(toy_root, stop)
    assert not (tmp_path / "cache").exists()


def test_verify_accepts_the_published_files(toy_root):
    verify(toy_root)


def test_verify_names_a_missing_file(toy_root):
    (toy_root / "901.atr").unlink()
    with pytest.raises(UserError, match=r"901\.atr is missing in .*records.*Complete the folder"):
        verify(toy_root)


def test_verify_names_an_altered_file_even_when_the_beats_are_cached(toy_root):
    load_mitbih(toy_root)
    path = toy_root / "900.dat"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"900\.dat is not the file that PhysioNet published.*Replace it"):
        load_mitbih(toy_root)


def test_verify_names_a_folder_that_is_none(tmp_path):
    with pytest.raises(UserError, match="nowhere is not a folder"):
        verify(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", ["labels reversed", "class 77", "no digest", "other samples"])
def test_a_well_formed_cache_with_wrong_content_is_cut_again(toy_root, tmp_path, damage):
    first = load_mitbih(toy_root)
    path = tmp_path / "cache" / CUT_BEATS_FILE
    with np.load(path) as stored:
        columns = dict(stored)
    if damage == "labels reversed":
        columns["y"] = columns["y"][::-1]
    elif damage == "class 77":
        columns["y"] = np.full_like(columns["y"], 77)
    elif damage == "no digest":
        del columns["sha256"]
    else:
        columns["samples"] = columns["samples"] + 1
    np.savez(path, **columns)
    assert_equal(first, load_mitbih(toy_root))
    with np.load(path) as stored:
        assert "sha256" in stored.files
        assert np.array_equal(stored["y"], first.y)


def test_a_cache_that_cannot_be_written_costs_time_only(toy_root, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("in the way: for root no folder is read-only")
    monkeypatch.setenv("NSR_CACHE_DIR", str(tmp_path / "cache" / "below"))
    assert len(load_mitbih(toy_root)) == 7


@pytest.mark.parametrize("named", ["~nosuchuser/x", "x" * 5_000, "\0", "/dev/null"])
@pytest.mark.parametrize("source", ["mitbih", "kaggle"])
def test_a_folder_that_cannot_be_is_one_short_line(source, named):
    with pytest.raises(UserError, match="is not a folder") as raised:
        load_beats(source, named)
    assert len(str(raised.value)) < 500
    assert not is_at_hand(source, named)
