"""What changes from step to step is the same whether it lies in numbers or in scalars on a device."""

import pytest
import torch

from nsr_core.methods import METHODS
from nsr_core.training.config import paper_config
from nsr_core.training.decay import decay_weights
from nsr_core.training.pace import Pace, PaceOnDevice

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", METHODS)
def test_on_the_device_the_pace_is_the_same(name):
    config = paper_config("mlp", name, epochs=3)
    plain, there = Pace(config), PaceOnDevice(config, CPU)
    for done in (0.0, 0.1, 0.3, 0.5, 0.9):
        plain.set(done)
        there.set(done)
        assert float(there.learning_rate) == pytest.approx(plain.learning_rate)
        assert {key: float(getattr(there.method, key)) for key in there.moving} == pytest.approx(
            {key: getattr(plain.method, key) for key in there.moving}
        )


@pytest.mark.parametrize("name", ["at0.1", "trades0.1", "mtl-ibp0.1"])
def test_what_a_captured_step_reads_stays_where_it_is(name):
    """A graph knows places in memory only: the same tensors must hold the new numbers."""
    pace = PaceOnDevice(paper_config("mlp", name, epochs=3), CPU)
    before = pace.learning_rate, pace.method.eps
    pace.set(0.2)
    assert (pace.learning_rate, pace.method.eps) == before
    assert all(now is then for now, then in zip((pace.learning_rate, pace.method.eps), before, strict=True))


def test_the_loss_is_the_same_with_a_scalar_tensor_for_eps():
    import toys

    config = paper_config("mlp", "mtl-ibp0.1", epochs=3)
    plain, there = Pace(config), PaceOnDevice(config, CPU)
    network, x, y = toys.fresh("mlp"), toys.random_beats(16)[0], torch.arange(16) % 5
    for pace in (plain, there):
        pace.set(0.3)
    losses = [float(pace.method.loss(network, x, y, torch.Generator().manual_seed(1))) for pace in (plain, there)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_decay_by_a_scalar_tensor_is_decay_by_the_number():
    one, other = torch.linspace(-1, 1, 7), torch.linspace(-1, 1, 7)
    decay_weights([one], 0.01)
    decay_weights([other], torch.tensor(0.01))
    torch.testing.assert_close(one, other)
