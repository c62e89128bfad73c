"""The figures hold the numbers that they are given, in the units of ECG paper."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nsr_core.attacks import PGD
from nsr_core.beat.attack import attack_beat
from nsr_core.beat.sweep import Sweep
from nsr_core.data import CLASSES, FS_HZ, load_beats
from nsr_core.methods import METHODS
from nsr_core.training.checkpoint import load_checkpoint
from ui import ecg
from ui.beat import figures as lab_figures
from ui.theme import DARK, LIGHT, METHOD_STYLES, PAPER_DASH, looks, symbols
from ui.training import figures as train_figures

CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "mlp-ce"


@pytest.fixture(scope="module")
def result():
    return attack_beat(load_checkpoint(CHECKPOINT), PGD(steps=20), load_beats("demo"), 7, 0.1, signal_only=True)


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_traces_are_the_signals_in_millivolts_without_the_padding(result, ink):
    figure = ecg.attacked_beat(result, ink)
    attacked, clean, noise = (np.asarray(trace.y) for trace in figure.data)
    assert len(clean) == result.length
    np.testing.assert_allclose(clean, result.mv_min + result.mv_range * result.x[: result.length], rtol=1e-6)
    np.testing.assert_allclose(noise, attacked - clean, atol=1e-6)
    assert np.abs(noise).max() <= 0.1 * result.mv_range * (1 + 1e-6)
    assert figure.data[0].x[3] == pytest.approx(25.0)  # the fourth sample at 120 Hz


@pytest.mark.parametrize(("speed", "ms_per_mv"), [(25, 400), (50, 200)])
def test_paper_is_square(result, speed, ms_per_mv):
    """10 mm/mV: at 25 mm/s 1 mV is as long as 400 ms, at 50 mm/s as 200; five fine squares make a bold one."""
    layout = ecg.attacked_beat(result, LIGHT, speed=speed).layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.yaxis.scaleratio == pytest.approx(ms_per_mv)
    assert layout.xaxis.minor.dtick == pytest.approx(1000 / speed)
    assert layout.xaxis.dtick / layout.xaxis.minor.dtick == pytest.approx(5)
    assert layout.yaxis.dtick / layout.yaxis.minor.dtick == pytest.approx(5)
    assert f"{speed} mm/s, 10 mm/mV" in layout.xaxis.title.text


@pytest.mark.parametrize("speed", ecg.SPEEDS)
def test_the_beat_fills_its_paper_after_a_calibration_pulse(result, speed):
    """A wide panel makes the paper narrower, not emptier; the pulse is 1 mV and 200 ms, on the paper and before the beat."""
    layout = ecg.attacked_beat(result, LIGHT, speed=speed).layout
    assert layout.xaxis.constrain == "domain"
    start, end = layout.xaxis.range
    assert end - (result.length - 1) * 1000 / FS_HZ == pytest.approx(1000 / speed)
    base, top = (float(at) for at in re.findall(r"[,V](-?[\d.]+)", layout.shapes[0].path)[:2])
    foot, left, right, _ = (float(at) for at in re.findall(r"[MH](-?[\d.]+)", layout.shapes[0].path))
    assert start < foot < left < right < 0
    assert (right - left, top - base) == (pytest.approx(200), pytest.approx(1))
    assert layout.yaxis.range[0] < base < top < layout.yaxis.range[1]


def test_panels_of_one_beat_share_their_range(result):
    """It holds every trace, and a figure that is given it keeps it."""
    low, high = ecg.common_range([result, result])
    values = result.mv_min + result.mv_range * np.concatenate(
        [result.x[: result.length], result.x_adv[: result.length]]
    )
    assert low < values.min() <= values.max() < high
    assert ecg.attacked_beat(result, LIGHT, y_range=(low, high)).layout.yaxis.range == (low, high)


def test_without_millivolts_the_paper_is_relative(result):
    layout = ecg.attacked_beat(replace(result, mv_range=np.nan, mv_min=np.nan), LIGHT).layout
    assert layout.yaxis.scaleanchor is None
    assert layout.yaxis.title.text == "amplitude"
    assert "mm/s" not in layout.xaxis.title.text
    assert not layout.shapes


def test_another_point_of_the_way_can_be_drawn(result):
    figure = ecg.attacked_beat(result, LIGHT, x_adv=result.path.x_adv[0])
    drawn = np.asarray(figure.data[0].y)
    np.testing.assert_allclose(
        drawn, result.mv_min + result.mv_range * result.path.x_adv[0][: result.length], rtol=1e-6
    )


def _sweep(p_true: list[float], smallest: float) -> Sweep:
    """Of a beat of class V, else read as N, at the levels 0, 0.1 and 0.2."""
    probabilities = np.zeros((3, 5))
    probabilities[:, CLASSES.index("V")] = p_true
    probabilities[:, CLASSES.index("N")] = 1 - np.array(p_true)
    return Sweep(np.array([0.0, 0.1, 0.2]), np.zeros((3, 187)), probabilities, "V", smallest)


def test_the_sweep_marks_the_smallest_flipping_level(result):
    found = _sweep([0.9, 0.4, 0.1], 0.1)
    line, marker = lab_figures.sweep({"MLP ce": ("mlp", "ce", found)}, 0.05, LIGHT).data
    assert list(line.y) == [0.9, 0.4, 0.1]
    assert (marker.x[0], marker.y[0]) == (0.1, 0.4)
    never = _sweep([0.9, 0.8, 0.7], np.nan)
    assert len(lab_figures.sweep({"MLP ce": ("mlp", "ce", never)}, 0.05, LIGHT).data) == 1


def test_the_way_has_a_point_for_each_step(result):
    right, here, loss, _ = lab_figures.way(result, 2, LIGHT).data
    np.testing.assert_array_equal(right.y, result.path.probabilities[:, CLASSES.index(result.true_class)])
    np.testing.assert_array_equal(loss.y, result.path.loss)
    assert (here.x[0], here.y[0]) == (2, right.y[2])


def test_the_sensitivity_is_drawn_without_the_padding(result):
    beat, line = lab_figures.sensitivity({"MLP ce": ("mlp", "ce", result)}, LIGHT).data
    np.testing.assert_array_equal(beat.y, result.x[: result.length])
    np.testing.assert_array_equal(line.y, result.w[: result.length])


def test_every_method_has_its_own_colour_and_marker():
    assert METHOD_STYLES.keys() <= METHODS.keys()
    for ink in (LIGHT, DARK):
        assert len({style.colour(ink) for style in METHOD_STYLES.values()}) == len(METHOD_STYLES)
    assert len({style.marker for style in METHOD_STYLES.values()}) == len(METHOD_STYLES)


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_no_two_lines_of_a_figure_look_alike_and_a_method_keeps_its_colour(ink):
    """The same network by beat, by patient, two own runs and a seed; the CNN; a network that no table knows; two unknown methods."""
    lines = [
        *[("mlp", "ce")] * 5,
        ("cnn", "ce"),
        ("cnn", "ce"),
        ("tiny", "ce"),
        ("mlp", "loss2"),
        ("mlp", "a"),
        ("mlp", "b"),
    ]
    drawn = looks(lines, ink)
    assert len(set(drawn)) == len(lines)
    assert {look.colour for (_, method), look in zip(lines, drawn, strict=True) if method == "ce"} == {
        METHOD_STYLES["ce"].colour(ink)
    }
    assert (drawn[0].dash, drawn[8].dash) == ("solid", "solid")
    assert PAPER_DASH not in {look.dash for look in drawn}
    assert len(set(symbols(["ce", "ce", "loss2", "ce"]))) == 4


def test_a_training_history_is_drawn_epoch_by_epoch():
    epochs = pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5], "val_acc": [0.3, 0.6], "val_pgd_acc": [0.1, 0.2]})
    loss, clean, robust = train_figures.history(epochs, 10, LIGHT).data
    assert (list(loss.y), list(clean.y), list(robust.y)) == ([1.0, 0.5], [0.3, 0.6], [0.1, 0.2])
