"""The noise-to-signal ratio and its parts."""

import numpy as np
import pytest
import torch
from lessontoys import EPS, SEEN, rows_read_correctly, straight_mlp

from nsr_core import lesson
from nsr_core.beat.nsr import noise_to_signal
from nsr_core.evaluation.rows import as_tensors


def test_the_parts_of_the_ratio_by_hand(middling):
    """With y = 1: w_1 = d, so ||w||_1 = sum |d|, z = d . x; within the budget only the 100 signal samples count."""
    difference = torch.linspace(-1, 2, SEEN)
    middling.y[:] = 1
    result = lesson.ratios(straight_mlp(difference, offset=-50.0), middling, 0, EPS)
    z = float(difference.double()[:100] @ torch.from_numpy(middling.x[0, :100]).double())
    assert result.z == pytest.approx(z, rel=1e-4)
    assert result.w_l1 == pytest.approx(float(difference.abs().sum()), rel=1e-5)
    assert result.bound == pytest.approx(result.w_l1 * EPS / abs(z), rel=1e-4)
    assert result.allowed == pytest.approx(float(difference[:100].abs().sum()) * EPS / abs(z), rel=1e-4)
    assert result.b == pytest.approx(0, abs=1e-3)
    assert result.eps_at_one == pytest.approx(abs(z) / result.w_l1, rel=1e-4)
    assert result.penalty == pytest.approx(np.log(1 + result.w_l1 / abs(z)), rel=1e-4)


def test_on_the_line_no_ratio_exceeds_the_one_above_it(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats):
        result = lesson.ratios(network, demo_beats, row, EPS)
        assert result.fgsm_line <= result.allowed * (1 + 1e-5) <= result.bound * (1 + 2e-5)


def test_the_median_ratio_is_that_of_the_beats_read_correctly(network, demo_beats):
    rows = np.array(rows_read_correctly(network, demo_beats))
    x, y, _ = as_tensors(demo_beats, rows)
    assert lesson.median_ratio(network, demo_beats, rows) == pytest.approx(
        float(noise_to_signal(network, x, y).bound(1.0).median())
    )
    assert np.isnan(lesson.median_ratio(network, demo_beats, np.array([], int)))
