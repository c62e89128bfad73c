"""Which beats train, validate and test."""

from dataclasses import replace

import numpy as np
import pytest

from nsr_core.data import SPLITS, make_split
from nsr_core.data.splits import DS1, DS2, first_of_each_class, spread_of_each_class
from nsr_core.errors import UserError

COUNTS = (100, 20, 30, 5, 45)


@pytest.fixture
def beats(make_beats):
    """200 beats of one record, 100, 20, 30, 5 and 45 of the five classes, shuffled."""
    return make_beats(np.random.default_rng(0).permutation(np.repeat(np.arange(5), COUNTS)))


@pytest.fixture
def patients(make_beats):
    """Ten beats, two of each class, of every record of DS1 and DS2 and of the paced record 102."""
    records = (*DS1, *DS2, "102")
    return make_beats(np.tile(np.repeat(np.arange(5), 2), len(records)), np.repeat(records, 10))


@pytest.fixture
def published(make_beats):
    """100 beats of the train file, then 50 of the test file."""
    return make_beats(np.arange(150) % 5, ["train"] * 100 + ["test"] * 50, source="kaggle")


def of_class(beats, rows):
    return np.bincount(beats.y[rows], minlength=5).tolist()


def test_by_beat_is_disjoint_and_complete(beats):
    split = make_split(beats, "beat")
    together = np.concatenate([split.train, split.validation, split.test])
    assert np.array_equal(np.sort(together), np.arange(200))
    for part in (split.train, split.validation, split.test):
        assert np.all(np.diff(part) > 0)


def test_by_beat_is_stratified(beats):
    """Test: 20 % of each class, 20 4 6 1 9. Of the remaining 80 16 24 4 36, 20 % are
    16 3.2 4.8 0.8 7.2, together 32: rounded down 16 3 4 0 7 lacks 2, which go to the remainders .8 and .8.
    """
    split = make_split(beats, "beat")
    assert of_class(beats, split.test) == [20, 4, 6, 1, 9]
    assert of_class(beats, split.validation) == [16, 3, 5, 1, 7]
    assert of_class(beats, split.train) == [64, 13, 19, 3, 29]


@pytest.mark.parametrize("name", SPLITS)
def test_the_fingerprint_stays_for_a_seed_and_changes_with_it(name, beats, patients, published):
    chosen = {"beat": beats, "patient": patients, "published": published}[name]
    first, again, other = (make_split(chosen, name, seed) for seed in (1, 1, 2))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert len(first.fingerprint) == 12
    assert int(first.fingerprint, 16) >= 0
    assert np.array_equal(first.train, again.train)
    assert not np.array_equal(first.train, other.train)
    assert (first.name, first.seed) == (name, 1)


def test_the_fingerprint_changes_with_the_beats(beats):
    moved = replace(beats, sample=beats.sample + 1)
    assert make_split(beats, "beat").fingerprint != make_split(moved, "beat").fingerprint


def test_by_patient(patients):
    split = make_split(patients, "patient")
    assert set(patients.record[split.test]) == set(DS2)
    assert set(patients.record[np.concatenate([split.train, split.validation])]) == set(DS1)
    assert of_class(patients, split.validation) == [9, 9, 9, 9, 8]  # 44 = 20 % of 220, ties to the lower class
    assert len(split.train) == 176
    assert not set(split.train) & set(split.validation)


def test_ds1_and_ds2_leave_out_the_paced_records_only():
    assert len(DS1) == len(DS2) == 22
    assert not set(DS1) & set(DS2)
    assert not {"102", "104", "107", "217"} & set(DS1 + DS2)


def test_by_patient_needs_all_records(beats):
    with pytest.raises(UserError, match='needs the MIT-BIH records; these beats are "mitbih"'):
        make_split(beats, "patient")


def test_as_published(published):
    split = make_split(published, "published")
    assert split.test.tolist() == list(range(100, 150))
    assert of_class(published, split.validation) == [4] * 5
    assert np.array_equal(np.sort(np.concatenate([split.train, split.validation])), np.arange(100))


def test_as_published_needs_the_published_files(beats):
    with pytest.raises(UserError, match='published CSV; these beats are "mitbih"'):
        make_split(beats, "published")


def test_an_unknown_split(beats):
    with pytest.raises(UserError, match=r'no split "leave-one-out"\. Choose one of: beat, patient, published'):
        make_split(beats, "leave-one-out")


def test_spread_of_each_class(make_beats):
    """Of ten rows 4 at 0, 2.5, 5 and 7.5 of ten, rounded down; of two no more than two."""
    beats = make_beats(y=[0] * 10 + [3] * 2)
    assert spread_of_each_class(beats, np.arange(12), 4).tolist() == [0, 2, 5, 7, 10, 11]
    assert spread_of_each_class(beats, np.arange(12), 100).tolist() == list(range(12))


def test_first_of_each_class(make_beats):
    """Of the rows 1, 2, 3, 4, 5, 7, 8: class 0 has 2, 4; class 1 has 1, 3; class 2 has only 5."""
    beats = make_beats([0, 1, 0, 1, 0, 2, 2, 0, 1])
    assert first_of_each_class(beats, np.array([1, 2, 3, 4, 5, 7, 8]), 2).tolist() == [1, 2, 3, 4, 5]
