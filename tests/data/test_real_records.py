"""The 48 real records; skipped where they are not (see ``mitdb_root``). The counts are those of the published set."""

import numpy as np
import pytest
import wfdb

from nsr_core.data import make_split
from nsr_core.data.beats import signal_mask
from nsr_core.data.mitbih import RECORDS


def test_counts_of_the_published_set(real_beats):
    assert len(real_beats) == 109_446
    assert real_beats.class_counts() == {"N": 90_589, "S": 2_779, "V": 7_236, "F": 803, "Q": 8_039}


def test_what_the_published_set_does_not_tell(real_beats):
    assert real_beats.cut_short.sum() == 2_555
    assert real_beats.truncated.sum() == 931
    assert set(real_beats.record) == set(RECORDS)
    assert set(real_beats.record[real_beats.lead != "MLII"]) == {"102", "104", "114"}
    padding = 1 - real_beats.length.sum() / real_beats.x.size
    assert padding == pytest.approx(0.4028, abs=1e-4)


def test_a_beat_that_is_known_sample_by_sample(real_beats, mitdb_root):
    """Annotation 324 of record 122 is an N beat whose segment spans 408 ADC units."""
    position = wfdb.rdann(str(mitdb_root / "122"), "atr").sample[324]
    (row,) = np.flatnonzero((real_beats.record == "122") & (real_beats.sample == position))
    expected = np.array([399, 378, 278, 100, 63, 78, 62, 35, 24, 20, 18]) / 408
    np.testing.assert_allclose(real_beats.x[row, :11], expected, atol=1e-6)
    assert real_beats.y[row] == 0


def test_ranges(real_beats):
    assert real_beats.x.min() == 0.0
    assert real_beats.x.max() == 1.0
    assert not real_beats.x[~signal_mask(real_beats.length)].any()
    assert (real_beats.mv_range > 0).all()
    assert np.isfinite(real_beats.mv_min).all()
    assert len(np.unique(real_beats.names())) == len(real_beats)


@pytest.mark.parametrize(
    ("name", "fingerprint", "sizes", "test"),
    [
        ("beat", "1bb884844f3b", (70_043, 17_511, 21_892), [18_118, 556, 1_448, 162, 1_608]),
        ("patient", "27b9975b4a64", (40_799, 10_200, 49_690), [44_238, 1_836, 3_221, 388, 7]),
    ],
)
def test_splits(real_beats, name, fingerprint, sizes, test):
    split = make_split(real_beats, name)
    assert split.fingerprint == fingerprint
    assert (len(split.train), len(split.validation), len(split.test)) == sizes
    assert np.bincount(real_beats.y[split.test], minlength=5).tolist() == test
    assert len(np.unique(np.concatenate([split.train, split.validation, split.test]))) == sum(sizes)
