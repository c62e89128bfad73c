"""Some beats as a network takes them, and which it reads correctly."""

import numpy as np
import torch

from nsr_core.evaluation.rows import as_tensors, is_read_correctly, read_correctly


def test_rows_come_in_the_order_and_as_often_as_they_are_named(demo_beats):
    rows = np.array([7, 3, 7])
    x, y, length = as_tensors(demo_beats, rows)
    np.testing.assert_array_equal(x, demo_beats.x[rows])
    np.testing.assert_array_equal(y, demo_beats.y[rows])
    np.testing.assert_array_equal(length, demo_beats.length[rows])
    assert (y.dtype, length.dtype) == (torch.int64, torch.int64)


def test_changing_the_tensors_leaves_the_beats(demo_beats):
    before = demo_beats.x[:3].copy()
    as_tensors(demo_beats, np.arange(3))[0].zero_()
    np.testing.assert_array_equal(demo_beats.x[:3], before)


def test_what_is_read_correctly_is_what_each_beat_alone_says(trained, demo_beats):
    rows = np.arange(0, 1000, 83)
    found = read_correctly(trained.network, demo_beats, rows)
    assert found.tolist() == [is_read_correctly(trained.network, demo_beats, int(row)) for row in rows]
    assert 0 < found.sum() < len(rows)
    assert read_correctly(trained.network, demo_beats, rows[:0]).shape == (0,)
