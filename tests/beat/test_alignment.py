"""How w_y lies to the beat: by hand, on any network, and on the shipped ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
import toys

from nsr_core.beat.alignment import align, angles_deg, sample_rows, typical
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.training.config import paper_config

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"


@pytest.fixture
def right_angled(beats_of):
    """One beat x = (0.5, 0.5, 0, ...) of class 1."""
    x = np.zeros((1, 187), np.float32)
    x[0, :2] = 0.5
    return beats_of(x, [1])


def straight(*difference: float) -> Checkpoint:
    """z_1 = difference . x, all else below it on the beat."""
    w = torch.zeros(187)
    w[: len(difference)] = torch.tensor(difference)
    return Checkpoint(Path("toy"), toys.two_class(w, offset=-1.0), paper_config("mlp", "ce"), {}, "0" * 12)


@pytest.mark.parametrize(
    ("difference", "angle", "z"),
    [((1.0,), 45, 0.5), ((3.0, 3.0), 0, 3.0), ((1.0, -1.0), 90, 0.0), ((-0.5, -0.5), 180, -0.5), ((0.0,), 90, 0.0)],
)
def test_the_angle_by_hand(right_angled, difference, angle, z):
    """x stands at 45 degrees to the first axis; a network that is flat there, the last, is aligned with nothing."""
    result = align(straight(*difference), right_angled, 0)
    assert result.angle_deg == pytest.approx(angle, abs=1e-4)
    assert (result.w_norm, result.x_norm) == pytest.approx((np.linalg.norm(difference), 0.5**0.5))
    assert result.w[: len(difference)].tolist() == list(difference)
    assert (result.z, result.b) == pytest.approx((z, 0), abs=1e-6)
    assert (result.beat, result.true_class, result.read_class) == ("100:0", "S", "S")


def test_the_part_of_w_along_x_is_the_part_of_z_that_is_not_bias(trained, demo_beats):
    """w_y x = z_y - b_y by definition, and it is |w_y| |x| cos(angle)."""
    for row in (0, 300, 900):
        result = align(trained, demo_beats, row)
        assert result.relative_length * result.cosine == pytest.approx(result.z - result.b, rel=1e-4, abs=1e-5)
        assert np.cos(np.radians(result.angle_deg)) == pytest.approx(result.cosine, abs=1e-9)
        assert result.x_norm == pytest.approx(float(np.linalg.norm(demo_beats.x[row].astype(float))))


def test_angles_of_many_beats_are_those_of_each(trained, demo_beats):
    rows = np.arange(0, 1000, 97)
    found = angles_deg(trained, demo_beats, rows)
    for row, angle in zip(rows, found, strict=True):
        result = align(trained, demo_beats, int(row))
        if result.read_class == result.true_class:
            assert angle == pytest.approx(result.angle_deg, abs=0.01)
        else:
            assert np.isnan(angle)


def test_loss1_turns_w_towards_the_beat(demo_beats):
    """The paper's Figure 3 on beats that no network was trained on."""
    rows = sample_rows(demo_beats, per_class=40)
    ce, loss1 = (
        np.nanmedian(angles_deg(load_checkpoint(CHECKPOINTS / f"mlp-{name}"), demo_beats, rows))
        for name in ("ce", "loss1")
    )
    assert loss1 < ce - 15


def test_the_typical_beat_is_nearest_to_both_medians():
    """Medians 20 (of 10, 20, 90) and 50 (of 40, 50, 60); the third beat is misread by the first network."""
    first = np.array([10.0, 20.0, np.nan, 90.0])
    second = np.array([40.0, 60.0, 50.0, np.nan])
    assert typical([first, second]) == 1
    assert typical([np.full(3, np.nan)] * 2) == 0


def test_the_sample_holds_as_many_of_each_class(demo_beats):
    rows = sample_rows(demo_beats, per_class=7)
    assert np.bincount(demo_beats.y[rows]).tolist() == [7] * 5
    np.testing.assert_array_equal(rows, sample_rows(demo_beats, per_class=7))
