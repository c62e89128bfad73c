"""The shipped MLPs on demo beats: no attack and no sample may contradict a certificate."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nsr_core.attacks import FGSM, PGD, Box, RandomNoise
from nsr_core.beat.sweep import SWEEP_EPS
from nsr_core.certificates import certified_eps
from nsr_core.training.card import list_checkpoints, read_card
from nsr_core.training.checkpoint import load_checkpoint

pytestmark = pytest.mark.slow

MLPS = [
    folder
    for folder in list_checkpoints(Path(__file__).resolve().parents[2] / "checkpoints")
    if read_card(folder)["network"] == "mlp"
]
ROWS = np.arange(0, 1000, 71)
SAMPLES = 10_000


@pytest.fixture(params=MLPS, ids=lambda folder: folder.name)
def network(request):
    return load_checkpoint(request.param).network


@pytest.fixture
def tensors(demo_beats):
    beats = demo_beats[ROWS]
    return torch.from_numpy(beats.x), torch.from_numpy(beats.y), torch.from_numpy(beats.length.astype(np.int64))


@pytest.mark.parametrize("signal_only", [False, True])
def test_no_attack_breaks_a_beat_at_its_certified_level(network, tensors, signal_only):
    x, y, signal = tensors
    length = signal if signal_only else None
    certified = certified_eps(network, x, y, length=length)
    held = certified > 0
    with torch.no_grad():
        assert torch.equal(held, network(x).argmax(1) == y)
        for attack in (PGD(steps=40), PGD(steps=40, move="sign"), FGSM(), RandomNoise()):
            x_adv = attack(network, x, y, certified, length=length).x_adv
            x_adv = Box.around(x, certified, length).clip(x_adv)
            assert (network(x_adv).argmax(1) == y)[held].all(), attack.name


def smallest_that_breaks(network, attack, x, y):
    """Of the levels of a sweep; 1 where none does."""
    return next((eps for eps in SWEEP_EPS if int(network(attack(network, x, y, eps).x_adv).argmax()) != int(y)), 1.0)


def test_a_certified_level_is_below_the_smallest_that_breaks(network, demo_beats):
    for row in ROWS[::5]:
        x, y = torch.from_numpy(demo_beats.x[[row]]), torch.from_numpy(demo_beats.y[[row]])
        certified = float(certified_eps(network, x, y))
        with torch.no_grad():
            smallest = min(smallest_that_breaks(network, attack, x, y) for attack in (PGD(steps=20), FGSM()))
        assert certified < smallest or certified == smallest == 0


def test_no_sample_of_the_certified_box_is_misread(network, tensors):
    """10,000 a beat: half drawn evenly, half corners of the box."""
    x, y, _ = tensors
    certified = certified_eps(network, x, y)
    generator = torch.Generator().manual_seed(0)
    for row in certified.nonzero()[:3, 0].tolist():
        box = Box.around(x[[row]], float(certified[row]))
        share = torch.rand(SAMPLES, x.shape[1], generator=generator)
        share[SAMPLES // 2 :] = share[SAMPLES // 2 :].round()
        with torch.no_grad():
            read = network(box.clip(box.low + share * (box.high - box.low))).argmax(1)
        assert (read == y[row]).all()
