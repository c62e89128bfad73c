"""What is selected and shown of a set of beats: by class, record and cutting, as a table, by its line in a file."""

import numpy as np
import pytest

from nsr_core.data.summary import PartCounts, beat_table, csv_line, matching_rows, median_mv


@pytest.fixture
def beats(make_beats):
    """Five beats: N, N, V of record 100 and V, Q of record 101; the second is cut short, the fourth lost its end."""
    beats = make_beats([0, 0, 2, 2, 4], ["100", "100", "100", "101", "101"])
    beats.cut_short[:] = [False, True, False, False, False]
    beats.truncated[:] = [False, False, False, True, False]
    return beats


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"label": "V"}, [2, 3]),
        ({"record": "101"}, [3, 4]),
        ({"label": "V", "record": "101"}, [3]),
        ({"cut": "cut_short"}, [1]),
        ({"cut": "truncated", "label": "V"}, [3]),
        ({"label": "S"}, []),
    ],
)
def test_rows_of_a_class_a_record_and_a_kind_of_cutting(beats, wanted, rows):
    assert matching_rows(beats, **wanted).tolist() == rows


def test_a_row_for_each_beat(beats):
    beats.length[:] = 100
    table = beat_table(beats[[3, 0]])
    assert table["beat"].tolist() == [beats.name(3), beats.name(0)]
    assert table["class"].tolist() == ["V", "N"]
    assert (table["signal_samples"] + table["padding_samples"]).tolist() == [187, 187]
    assert table["truncated"].tolist() == [True, False]


def test_lines_are_counted_from_1_in_each_file(make_beats):
    """Rows are numbered over both files, so the test file begins where the train file ends."""
    beats = make_beats([0] * 5, ["train", "train", "train", "test", "test"])
    beats.sample[:] = np.arange(5)
    assert [csv_line(beats, row) for row in range(5)] == [1, 2, 3, 1, 2]


def test_the_median_beat_in_millivolts(make_beats):
    beats = make_beats([0, 0, 0])
    beats.mv_min[:], beats.mv_max[:] = 0, [1, 2, 4]
    assert median_mv(beats) == 2
    beats.mv_max[:] = np.nan
    assert np.isnan(median_mv(beats))


def test_the_counts_as_a_table():
    """No S beat trains, so it is none that is repeated; of the others V has the fewest."""
    result = PartCounts(np.array([[90, 9, 1], [0, 1, 3], [10, 0, 4], [50, 5, 1], [50, 5, 1]]))
    table = result.table()
    assert result.rarest == 2
    assert table["class"].tolist() == ["N", "S", "V", "F", "Q"]
    assert table["train"].tolist() == [90, 0, 10, 50, 50]
    assert table["test share"].tolist() == pytest.approx([0.1, 0.3, 0.4, 0.1, 0.1])
