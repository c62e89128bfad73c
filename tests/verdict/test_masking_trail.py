"""The published run point by point."""

from types import SimpleNamespace

import numpy as np
import pytest

from nsr_core.attacks import PGD, BeatRandomness
from nsr_core.verdict.masking import (
    SIGNS,
)
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.trail import Trail, trail
from nsr_core.verdict.masking.variants import PUBLISHED


def test_the_trail_is_the_published_run_up_to_its_first_success(trained, demo_beats, some):
    seen = Evidence(trained.network, demo_beats, some, (0.03,), seed=4)
    way = seen.trail(0.03)
    record = PGD()(
        trained.network, seen.x, seen.y, 0.03, randomness=BeatRandomness(4, some), record=True
    )  # fmt: skip
    assert (way.broken.any(0) == seen.broken(PUBLISHED, 0.03)).all()
    assert len(way.loss) == len(record.trajectory.loss) == 101
    stood = record.step.numpy() < 0
    assert stood.any()
    assert way.loss[:, stood] == pytest.approx(record.trajectory.loss[:, stood].numpy(), rel=1e-3, abs=1e-6)


def test_what_is_lost_again_and_what_still_rises_by_hand():
    """Of 11 points the last is the last tenth."""
    loss = np.tile([1.0, 2.0, 0.0, 0.0, 4.0], (11, 1))
    loss[-1] = [1.1, 1.0, 0.0, 0.5, 9.0]
    broken = np.zeros((11, 5), bool)
    broken[5, 4] = True
    way = Trail(broken, loss)
    assert way.lost_again.tolist() == [False, False, False, False, True]
    assert way.rise == pytest.approx([0.1, 0.0, 0.0, 1.0])  # the fifth was broken; from 0 to 0.5 is at most 1
    broken[-1, 4] = True
    assert not Trail(broken, loss).lost_again.any()


@pytest.mark.parametrize(("growth", "light"), [(1.04, "green"), (1.06, "amber"), (1.25, "red")])
def test_a_loss_that_still_rises_lights_by_its_rate(growth, light):
    loss = np.ones((101, 10))
    loss[-1] = growth
    seen = SimpleNamespace(levels=(0.1,), trail=lambda eps: Trail(np.zeros((101, 10), bool), loss))
    result = SIGNS["still-rising"].judge(seen)
    assert result.light == light
    assert f"{100 * growth - 100:.0f} %" in result.sentence
    few = SimpleNamespace(levels=(0.1,), trail=lambda eps: Trail(np.zeros((101, 2), bool), loss[:, :2]))
    assert SIGNS["still-rising"].judge(few).light == "green"


def test_a_trail_can_be_stopped(trained, demo_beats, some):
    seen = Evidence(trained.network, demo_beats, some[:5], (0.03,))

    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trail(trained.network, seen.x, seen.y, 0.03, BeatRandomness(0, some[:5]), stop)
