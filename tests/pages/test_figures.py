"""The figures hold the numbers that they are given, in the units of ECG paper."""

from pathlib import Path

import numpy as np
import pytest

from nsr_core.attacks import PGD
from nsr_core.data import CLASS_NAMES, CLASSES, load_beats
from nsr_core.evaluation.single import attack_beat
from nsr_core.training.checkpoint import load_checkpoint
from ui import ecg
from ui.theme import DARK, LIGHT

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "mlp-ce"


@pytest.fixture(scope="module")
def told():
    return attack_beat(load_checkpoint(CHECKPOINT), PGD(steps=20), load_beats("demo"), 7, 0.1, signal_only=True)


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_traces_are_the_signals_in_millivolts_without_the_padding(told, ink):
    figure = ecg.attacked_beat(told, ink)
    attacked, clean, noise = (np.asarray(trace.y) for trace in figure.data)
    assert len(clean) == told.length
    np.testing.assert_allclose(clean, told.mv_min + told.mv_range * told.x[: told.length], rtol=1e-6)
    np.testing.assert_allclose(noise, attacked - clean, atol=1e-6)
    assert np.abs(noise).max() <= 0.1 * told.mv_range * (1 + 1e-6)
    assert figure.data[0].x[3] == pytest.approx(25.0)  # the fourth sample at 120 Hz


def test_paper_is_square(told):
    """25 mm/s and 10 mm/mV: 1 mV is as long as 400 ms, and five fine squares make a bold one on both axes."""
    layout = ecg.attacked_beat(told, LIGHT).layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.yaxis.scaleratio == pytest.approx(400)
    assert layout.xaxis.dtick / layout.xaxis.minor.dtick == pytest.approx(5)
    assert layout.yaxis.dtick / layout.yaxis.minor.dtick == pytest.approx(5)


def test_probabilities_are_shown_for_all_classes(told):
    before, after = ecg.probabilities(told, [CLASS_NAMES[label] for label in CLASSES], LIGHT).data
    np.testing.assert_array_equal(before.x, told.before)
    np.testing.assert_array_equal(after.x, told.after)
