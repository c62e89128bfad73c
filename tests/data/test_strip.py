"""From a beat back to its record, on tiny records and on the real ones; and what is counted in a set of beats.

The tiny record "900" (see ``conftest``): 2,000 samples of a saw of ``i % 100`` units, 100 units a mV, 0 mV at 50.
"""

import numpy as np
import pytest
import wfdb

from nsr_core.data import make_split
from nsr_core.data.beats import BEAT_LENGTH, CLASSES
from nsr_core.data.cutting import scale_rows
from nsr_core.data.strip import NO_BEAT, find_records, read_strip
from nsr_core.data.summary import class_table, count_parts, draw_beats, length_histogram, record_table, template_table
from nsr_core.errors import UserError


def test_signal_in_millivolts_and_time_from_the_start_of_the_record(toy_root):
    """0.5 s before and 1 s after sample 690: 510 to 1050, so 541 samples."""
    strip = read_strip(toy_root, "900", 690, 0.5, 1.0)
    np.testing.assert_allclose(strip.time_s, np.arange(510, 1051) / 360)
    np.testing.assert_allclose(strip.mv, (np.arange(510, 1051) % 100 - 50) / 100)
    assert (strip.record, strip.lead) == ("900", "MLII")


def test_marks_within_the_strip(toy_root):
    strip = read_strip(toy_root, "900", 690, 0.5, 1.0)
    assert strip.symbols == ("~", "F", "/")
    np.testing.assert_allclose(strip.mark_s, np.array([590, 690, 990]) / 360)
    assert strip.labels.tolist() == [NO_BEAT, CLASSES.index("F"), CLASSES.index("Q")]
    assert strip.notes == ("", "", "")
    assert strip.ended_by == "/"


def test_window_of_a_beat(toy_root):
    """F at 690: int(300 + 0.2 * 600) = 420 samples, so 140 after decimation, all of which are kept."""
    strip = read_strip(toy_root, "900", 690, 0.5, 1.0)
    assert strip.start_s == pytest.approx(690 / 360)
    assert strip.stop_s == pytest.approx(1110 / 360)
    assert strip.kept_stop_s == strip.stop_s
    np.testing.assert_allclose(strip.window_mv, (np.arange(690, 1110) % 100 - 50) / 100)
    np.testing.assert_allclose(strip.decimated_mv, (np.arange(690, 1110, 3) % 100 - 50) / 100)


def test_a_window_that_is_longer_than_187_samples(toy_root):
    """/ at 990: int(600 + 0.2 * 400) = 680 samples; 187 of every third end at 990 + 561."""
    strip = read_strip(toy_root, "900", 990, 0.1, 0.1)
    assert strip.stop_s == pytest.approx(1670 / 360)
    assert strip.kept_stop_s == pytest.approx((990 + 3 * 187) / 360)
    assert len(strip.window_mv) == 680  # whole, though the strip shows 0.2 s
    assert len(strip.mv) == 73


def test_strips_end_where_the_record_does(toy_root):
    """N at 50 is 0.14 s after the start; A at 1590 has a window of 480, but the record ends at 2000."""
    assert read_strip(toy_root, "900", 50, 5, 1).time_s[0] == 0
    last = read_strip(toy_root, "900", 1590, 1, 60)
    assert last.time_s[-1] == pytest.approx(1999 / 360)
    assert last.stop_s == pytest.approx(2000 / 360)
    assert len(last.window_mv) == 410


def test_a_mark_of_another_kind_at_the_same_sample_is_not_taken_for_the_beat(toy_root):
    wfdb.wrann("901", "atr", np.array([10, 310, 310, 610]), np.array(["N", "+", "N", "A"]), write_dir=str(toy_root))
    strip = read_strip(toy_root, "901", 310, 0.1, 0.1)
    assert strip.symbols == ("+", "N")
    assert strip.ended_by == "A"


def test_a_change_of_rhythm_is_told_by_its_name(toy_root):
    wfdb.wrann(
        "901",
        "atr",
        np.array([5, 10, 310, 610]),
        np.array(["+", "N", "N", "A"]),
        aux_note=["(AFIB", "", "", ""],
        write_dir=str(toy_root),
    )
    assert read_strip(toy_root, "901", 10, 0.1, 0.1).notes == ("(AFIB", "")


@pytest.mark.parametrize("sample", [51, 590, 1990])
def test_only_beats_that_were_cut_have_a_strip(toy_root, sample):
    """Nothing at 51, a noise mark at 590, and at 1990 the last mark, which opens no window."""
    with pytest.raises(UserError, match=f"Record 900 has no beat at sample {sample}"):
        read_strip(toy_root, "900", sample, 1, 1)


@pytest.mark.parametrize("record", ["999", "../900", "", "900/"])
def test_a_record_that_is_not_there_is_named(toy_root, record):
    with pytest.raises(UserError, match=r"There is no file .*\.hea") as caught:
        read_strip(toy_root, record, 50, 1, 1)
    assert "NSR_MITDB_DIR" in caught.value.command_line


def test_a_missing_file_is_named(toy_root):
    (toy_root / "900.atr").unlink()
    with pytest.raises(UserError, match=r'no file "900\.atr"'):
        read_strip(toy_root, "900", 50, 1, 1)


def test_where_the_records_are(toy_root, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"The records are not in .*mitdb-1\.0\.0") as caught:
        find_records()
    assert "NSR_MITDB_DIR" in caught.value.command_line
    assert find_records(toy_root) == toy_root
    monkeypatch.setenv("NSR_MITDB_DIR", str(toy_root))
    assert find_records() == toy_root
    with pytest.raises(UserError, match="nowhere"):
        find_records(tmp_path / "nowhere")


def test_the_window_of_a_real_beat_makes_its_187_numbers(real_beats, mitdb_root):
    """Two beats of each class, and of those that were cut short or truncated: decimated, scaled and padded."""
    rng = np.random.default_rng(0)
    groups = [real_beats.y == label for label in range(len(CLASSES))] + [real_beats.cut_short, real_beats.truncated]
    for row in np.concatenate([rng.choice(np.flatnonzero(group), 2) for group in groups]).tolist():
        strip = read_strip(mitdb_root, str(real_beats.record[row]), int(real_beats.sample[row]), 2, 8)
        kept = strip.decimated_mv[:BEAT_LENGTH]
        padded = np.pad(kept, (0, BEAT_LENGTH - len(kept)))[None]
        low, high = strip.decimated_mv.min(keepdims=True), strip.decimated_mv.max(keepdims=True)
        assert len(kept) == real_beats.length[row]
        assert strip.lead == real_beats.lead[row]
        assert (strip.kept_stop_s < strip.stop_s - 2 / 360) == real_beats.truncated[row]
        np.testing.assert_allclose(low, real_beats.mv_min[row], atol=1e-6)
        np.testing.assert_allclose(
            scale_rows(padded, low, high, np.array([len(kept)]))[0], real_beats.x[row], atol=1e-6
        )


def test_counts_by_class_and_part(demo_beats, demo_split):
    result = count_parts(demo_beats, demo_split)
    assert result.counts.tolist() == [[128, 32, 40]] * 5
    np.testing.assert_allclose(result.shares, 0.2)
    assert (result.largest, result.epoch, result.repeats(2)) == (128, 640, 1.0)


def test_rare_classes_are_repeated_up_to_the_largest(make_beats):
    """100 N and 10 V: 64 and 6 train (a fifth tests, and a fifth of the rest validates), so a V beat is seen 10.7 times."""
    beats = make_beats([0] * 100 + [2] * 10)
    result = count_parts(beats, make_split(beats, "beat"))
    assert result.counts[:, 0].tolist() == [64, 0, 6, 0, 0]
    assert result.epoch == 128
    assert result.repeats(2) == pytest.approx(64 / 6)
    assert np.isnan(result.repeats(1))


def test_summary_by_class(make_beats):
    beats = make_beats([0, 0, 2])
    beats.length[:] = [100, 180, 187]
    beats.cut_short[0] = beats.truncated[2] = True
    table = class_table(beats).set_index("class")
    assert table.loc["N", ["beats", "cut_short", "truncated"]].tolist() == [2, 1, 0]
    assert table.loc["N", "median_ms"] == pytest.approx(140 * 1000 / 120)
    assert table.loc["N", "padding"] == pytest.approx(1 - 280 / 374)
    assert table.loc["all", ["beats", "cut_short", "truncated"]].tolist() == [3, 1, 1]
    assert table.loc["all", "median_mv"] == 2.0
    assert table.loc["S", "beats"] == 0


def test_summary_by_record(make_beats):
    beats = make_beats([0, 0, 2, 4], ["101", "101", "100", "217"])
    table = record_table(beats)
    assert table["record"].tolist() == ["100", "101", "217"]
    assert table["part"].tolist() == ["DS2, test", "DS1, train", "left out, paced"]
    assert table[["N", "V", "Q"]].to_numpy().tolist() == [[0, 1, 0], [2, 0, 0], [0, 0, 1]]


def test_lengths_are_counted_up_to_the_longest(make_beats):
    """Bins of three whole lengths: 187, 186 and 185 in the last one, whose right edge is half a sample beyond."""
    beats = make_beats([0, 0, 0, 0, 2])
    beats.length[:] = [187, 186, 185, 184, 100]
    result = length_histogram(beats)
    assert result.share[0, -2:].tolist() == [0.25, 0.75]
    np.testing.assert_allclose(result.share.sum(axis=1), [1, 0, 1, 0, 0])
    assert result.edges_ms[-1] == pytest.approx(187.5 * 1000 / 120)


def test_a_draw_has_as_many_of_each_class_as_there_are(make_beats):
    beats = make_beats([0] * 50 + [1] * 2 + [2] * 50)
    rows = draw_beats(beats, np.arange(102), 12, seed=3)
    assert np.bincount(beats.y[rows]).tolist() == [5, 2, 5]
    assert np.array_equal(rows, draw_beats(beats, np.arange(102), 12, seed=3))
    assert not np.array_equal(rows, draw_beats(beats, np.arange(102), 12, seed=4))
    assert draw_beats(beats, np.array([7, 60]), 12, seed=0).tolist() == [7, 60]
    assert len(draw_beats(beats, np.array([], int), 12, seed=0)) == 0


def test_what_demo_beats_are_made_from():
    table = template_table().set_index("class")
    assert table["clusters"].to_dict() == {"N": 16, "S": 16, "V": 16, "F": 8, "Q": 16}
    assert table["fewest"].min() == 30
    assert table["most"].max() == 2_375
