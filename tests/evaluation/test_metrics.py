"""ACC and PREC against counting on a test set that is really tiled, and bootstrap intervals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_score

from nsr_core.evaluation.metrics import (
    accuracy,
    at_frequencies,
    bootstrap_counts,
    confusion,
    interval,
    natural_accuracy,
    natural_precision,
    precision,
    recall,
)

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=50)


def tiled(y, pred):
    """Each class repeated whole until all are as large as their least common multiple."""
    counts = np.bincount(y)
    size = math.lcm(*counts[counts > 0].tolist())
    rows = np.concatenate([np.repeat(np.flatnonzero(y == label), size // counts[label]) for label in np.unique(y)])
    return y[rows], pred[rows]


@given(pairs)
@settings(deadline=None, max_examples=60)
def test_equal_priors_are_those_of_a_tiled_test_set(pairs):
    y, pred = np.array(pairs).T
    counts = confusion(y, pred)
    tiled_y, tiled_pred = tiled(y, pred)
    assert accuracy(counts) == pytest.approx((tiled_y == tiled_pred).mean(), abs=1e-12)
    expected = precision_score(tiled_y, tiled_pred, labels=np.unique(y), average="macro", zero_division=0)
    assert precision(counts) == pytest.approx(expected, abs=1e-12)
    assert natural_accuracy(counts) == pytest.approx((y == pred).mean())
    plain = precision_score(y, pred, labels=np.unique(y), average="macro", zero_division=0)
    assert natural_precision(counts) == pytest.approx(plain, abs=1e-12)


def test_by_hand():
    """Classes of 4, 2, 1, 1, 1 beats; recalls 1/2, 1, 0, 1, 1: ACC 0.7. Predicted shares by column: class 0 1/2 of 1/2;
    1: 1 of 1 + 1/2 (class 0's other half); 2 is never predicted: 0; 3: 1 of 2 (class 2's beat); 4: 1 of 1.
    PREC (1 + 2/3 + 0 + 1/2 + 1) / 5.
    """
    y = np.array([0, 0, 0, 0, 1, 1, 2, 3, 4])
    pred = np.array([0, 0, 1, 1, 1, 1, 3, 3, 4])
    counts = confusion(y, pred)
    assert counts[0].tolist() == [2, 2, 0, 0, 0]
    assert recall(counts).tolist() == [0.5, 1, 0, 1, 1]
    assert accuracy(counts) == pytest.approx(0.7)
    assert precision(counts) == pytest.approx((1 + 2 / 3 + 0 + 1 / 2 + 1) / 5)
    assert natural_accuracy(counts) == pytest.approx(6 / 9)
    assert natural_precision(counts) == pytest.approx((1 + 1 / 2 + 0 + 1 / 2 + 1) / 5)


def test_a_class_without_beats_is_left_out():
    counts = confusion(np.array([0, 0, 1]), np.array([0, 4, 1]))
    assert np.isnan(recall(counts)[2:]).all()
    assert accuracy(counts) == pytest.approx(0.75)
    assert precision(counts) == pytest.approx(1.0)


def test_many_confusions_at_once_are_each_by_itself():
    many = np.random.default_rng(0).integers(1, 9, (6, 5, 5))
    for measure in (accuracy, precision, natural_accuracy, natural_precision):
        np.testing.assert_allclose(measure(many), [measure(one) for one in many])


def test_resampled_test_sets_keep_the_class_sizes():
    counts = confusion(np.repeat(np.arange(4), [7, 5, 3, 1]), np.repeat([0, 1, 2, 1, 3], [4, 3, 2, 6, 1]))
    resampled = bootstrap_counts(counts, 50)
    assert (resampled.sum(2) == counts.sum(1)).all()
    assert (resampled[:, counts == 0] == 0).all()
    assert np.array_equal(bootstrap_counts(counts, 50), resampled)
    assert not np.array_equal(bootstrap_counts(counts, 50, seed=1), resampled)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """200 test sets of 5 x 80 beats, each right with probability 0.7: 95 % intervals hold 0.7 in 95 % of them, with a
    standard deviation of sqrt(0.95 * 0.05 / 200) = 1.5 %. Between 88 and 99.5 % is four of these and a bit.
    """
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(5), 80)
    held = 0
    for _ in range(200):
        counts = confusion(y, np.where(rng.random(400) < 0.7, y, (y + 1) % 5))
        low, high = interval(accuracy(bootstrap_counts(counts, 300)))
        assert low <= accuracy(counts) <= high
        held += low <= 0.7 <= high
    assert 176 <= held <= 199


def test_the_interval_of_a_ladder():
    assert interval(np.arange(101.0), 0.9) == pytest.approx((5.0, 95.0))


@given(st.integers(0, 2**32 - 1))
def test_results_on_some_beats_of_each_class_are_weighted_back_to_the_data(seed):
    """Recalls stay; accuracy is the mean of the recalls, each as heavy as its class; of the whole data nothing changes."""
    rng = np.random.default_rng(seed)
    counts, natural = rng.integers(1, 30, (5, 5)), rng.integers(1, 20_000, 5)
    weighted = at_frequencies(counts, natural)
    np.testing.assert_allclose(weighted.sum(1), natural)
    np.testing.assert_allclose(recall(weighted), recall(counts))
    assert natural_accuracy(weighted) == pytest.approx(np.average(recall(counts), weights=natural))
    np.testing.assert_allclose(at_frequencies(counts, counts.sum(1)), counts)
    assert at_frequencies(counts, None) is counts


def test_balanced_results_do_not_pass_for_natural_ones():
    """As many of each class: 0.2 of the sample, but the class that is read correctly is nine tenths of the data."""
    counts = np.zeros((5, 5), int)
    counts[0, 0] = 100
    counts[1:, 0] = 100
    assert natural_accuracy(counts) == pytest.approx(0.2)
    assert natural_accuracy(at_frequencies(counts, np.array([900, 25, 25, 25, 25]))) == pytest.approx(0.9)
