"""``mtl-ibp``: its two parts, what lies between them, and that it can be proved where an attack alone cannot."""

import pytest
import torch
import toys
from torch.nn import functional

from nsr_core.attacks import BatchRandomness
from nsr_core.errors import UserError
from nsr_core.methods.certified import MtlIbp
from nsr_core.methods.full_budget import FullAdversarial
from nsr_core.models.intervals import worst_logits

pytestmark = pytest.mark.slow

every_network = pytest.mark.parametrize("network", ["mlp", "cnn"])


@pytest.fixture
def batch():
    x, _ = toys.random_beats(6, dtype=torch.float64)
    return x, torch.tensor([0, 1, 2, 3, 4, 0])


def loss_of(method, model, batch):
    return method.loss(model, *batch, torch.Generator().manual_seed(5))


def assert_same(model, loss, expected):
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-12)
    parameters = list(model.parameters())
    for ours, wanted in zip(*(torch.autograd.grad(one, parameters) for one in (loss, expected)), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-8, atol=1e-10)


@every_network
def test_without_a_share_of_bounds_it_is_adversarial_training(network, batch):
    """That of Madry et al. with the same attack: the two begin at the same points."""
    model = toys.fresh(network, dtype=torch.float64)
    adversarial = FullAdversarial(eps=0.1, steps=4)
    assert_same(model, loss_of(MtlIbp(eps=0.1, alpha=0.0), model, batch), loss_of(adversarial, model, batch))


@every_network
def test_of_bounds_alone_it_is_the_cross_entropy_of_the_worst_logits(network, batch):
    """log sum_j exp(worst_j), as the true class's is 0; the box ends at 0 and 1."""
    model, (x, y) = toys.fresh(network, dtype=torch.float64), batch
    worst = worst_logits(model, (x - 0.1).clamp(0, 1), (x + 0.1).clamp(0, 1), y)
    assert_same(model, loss_of(MtlIbp(eps=0.1, alpha=1.0), model, batch), worst.logsumexp(1).mean())


@every_network
@pytest.mark.parametrize("alpha", [0.05, 0.5])
def test_between_the_two_it_is_their_mix(network, alpha, batch):
    model = toys.fresh(network, dtype=torch.float64)
    attacked, bounded = (loss_of(MtlIbp(eps=0.1, alpha=end), model, batch) for end in (0.0, 1.0))
    mixed = (1 - alpha) * attacked + alpha * bounded
    assert_same(model, loss_of(MtlIbp(eps=0.1, alpha=alpha), model, batch), mixed)


@every_network
def test_the_bound_is_never_below_the_attack(network, batch):
    """Beat by beat: an attacked beat lies in the box."""
    model, (x, y) = toys.fresh(network, dtype=torch.float64), batch
    method, uniform = MtlIbp(eps=0.1), BatchRandomness(torch.Generator().manual_seed(5), 6).uniform(187)

    def push(logits):
        return logits.softmax(1) - functional.one_hot(y, 5)

    x_adv = method.attack(model, x, push, uniform)
    attacked = functional.cross_entropy(model(x_adv), y, reduction="none")
    worst = worst_logits(model, (x - 0.1).clamp(0, 1), (x + 0.1).clamp(0, 1), y)
    assert (attacked <= functional.cross_entropy(worst, y, reduction="none") + 1e-9).all()


@pytest.mark.parametrize("bounded", [0.0, 0.4, 1.0])
def test_the_bounded_box_lies_in_the_budget_about_the_attacked_copy(bounded, batch):
    """Its half-width is that share of eps, less where 0 and 1 cut it; at 1 it is the whole budget, at 0 the copy itself."""
    x, _ = batch
    x_adv = (x + 0.1 * torch.where(torch.arange(187) % 3 == 0, 1.0, -0.3)).clamp(0, 1)
    low, high = MtlIbp(eps=0.1, bounded=bounded).bounded_box(x, x_adv)
    assert (low >= (x - 0.1).clamp_min(0) - 1e-12).all()
    assert (high <= (x + 0.1).clamp_max(1) + 1e-12).all()
    assert (high - low <= 0.2 * bounded + 1e-12).all()
    uncut = (low > 0) & (high < 1)
    torch.testing.assert_close((high - low)[uncut], torch.full_like(x, 0.2 * bounded)[uncut])
    if bounded == 0:
        torch.testing.assert_close(low, x_adv)


def test_a_few_steps_make_the_bounds_small():
    """On one batch the interval loss falls below a tenth of what adversarial training alone leaves."""
    x, _ = toys.random_beats(40)
    y = torch.arange(40) % 5
    x = (x / 2 + 0.5 * (torch.arange(187) // 38 == y[:, None])).clamp(0, 1)  # a raised fifth for each class
    left = {}
    for alpha in (0.0, 0.5):
        model, method = toys.fresh("mlp").train(), MtlIbp(eps=0.05, alpha=alpha)
        optimiser, generator = torch.optim.Adam(model.parameters(), lr=0.003), torch.Generator().manual_seed(0)
        for _ in range(150):
            optimiser.zero_grad()
            method.loss(model, x, y, generator).backward()
            optimiser.step()
        left[alpha] = float(loss_of(MtlIbp(eps=0.05, alpha=1.0), model, (x, y)).detach())
    assert left[0.5] < 0.1 * left[0.0]


def test_a_network_without_interval_bounds_is_said_with_a_way_out(batch):
    model = toys.random_linear()
    with pytest.raises(UserError, match=r"A Linear brings no interval bounds.*or another method"):
        loss_of(MtlIbp(eps=0.1), model, batch)
