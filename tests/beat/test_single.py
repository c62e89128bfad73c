"""One beat in full: its units, its protocol, its settings."""

import json

import numpy as np
import pytest

from nsr_core.attacks import PGD, SPSA
from nsr_core.beat.attack import attack_beat, noise_level, noise_levels
from nsr_core.training.checkpoint import load_checkpoint


def test_a_noise_level_in_four_units(demo_beats):
    """0.1 of a beat's range is 0.1 range mV and ten times as many mm; the SNR is that of +-0.1 on each sample."""
    level = noise_level(demo_beats, 3, 0.1)
    signal = demo_beats.x[3, : demo_beats.length[3]].astype(float)
    assert level.mv == pytest.approx(0.1 * (demo_beats.mv_max[3] - demo_beats.mv_min[3]), rel=1e-6)
    assert level.mm == pytest.approx(10 * level.mv)
    expected = 10 * np.log10(np.mean((signal - signal.mean()) ** 2) / 0.01)
    assert level.least_snr_db == pytest.approx(expected, abs=1e-3)
    assert noise_level(demo_beats, 3, 0.0).least_snr_db == np.inf
    assert noise_levels(demo_beats, 3, [0.0, 0.1]) == [noise_level(demo_beats, 3, 0.0), level]


@pytest.mark.parametrize(
    ("attack", "signal_only", "protocol"),
    [
        (PGD(steps=20), False, "paper"),
        (PGD(steps=20), True, "custom"),
        (PGD(steps=10), False, "custom"),
        (PGD(steps=20, move="sign"), False, "custom"),
        (SPSA(steps=1, samples=2), False, "custom"),
    ],
)
def test_the_paper_is_named_only_for_its_own_settings(trained_folder, demo_beats, attack, signal_only, protocol):
    result = attack_beat(load_checkpoint(trained_folder), attack, demo_beats, 1, 0.05, signal_only=signal_only)
    value = json.loads(json.dumps(result.to_json()))
    assert value["protocol"] == result.protocol == protocol
    assert value["settings"]["steps"] == attack.steps
