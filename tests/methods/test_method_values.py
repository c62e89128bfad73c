"""The losses by hand, on linear networks where every gradient is known."""

import math

import pytest
import torch
import toys

from nsr_core.attacks import BatchRandomness, Box
from nsr_core.methods import METHODS, get_method
from nsr_core.methods.jacobian import Jacobian
from nsr_core.methods.nsr import Loss1, Loss2
from nsr_core.methods.terms import mean_over
from nsr_core.models import NETWORKS

ANY = torch.Generator()


@pytest.fixture
def by_hand():
    """z = W x with w_0 = (2, 0, ...), w_1 = (0, 1, 0, ...); x = (1, 0.5, 0, ...), so z = (2, 0.5, 0, 0, 0)."""
    weight = torch.zeros(5, 187, dtype=torch.float64)
    weight[0, 0], weight[1, 1] = 2.0, 1.0
    x = torch.zeros(1, 187, dtype=torch.float64)
    x[0, :2] = torch.tensor([1.0, 0.5])
    return toys.Linear(weight), x


def value(method, model, x, label):
    return float(method.loss(model, x, torch.tensor([label]), ANY).detach())


def test_squared_error(by_hand):
    """Label 0: (2 - 1)^2 + 0.5^2 = 1.25. Label 1: 2^2 + (0.5 - 1)^2 = 4.25."""
    assert value(METHODS["mse"], *by_hand, 0) == pytest.approx(1.25)
    assert value(METHODS["mse"], *by_hand, 1) == pytest.approx(4.25)


def test_margin(by_hand):
    """Label 0 is right by 1.5 or more: nothing to add. With w_0 halved, z_0 = 1 and the pairs' h are 1 - 1 + 0.5 = 0.5
    and three times 1 - 1 + 0 = 0, which do not count: margin 0.5 on top of (1 - 1)^2 + 0.25.
    """
    model, x = by_hand
    assert value(METHODS["mseMargin"], model, x, 0) == pytest.approx(1.25)
    with torch.no_grad():
        model.weight[0, 0] = 1.0
    assert value(METHODS["mseMargin"], model, x, 0) == pytest.approx(0.25 + 0.5)


def test_loss1(by_hand):
    """w_0 - x / x'x with x'x = 1.25: (2 - 0.8, -0.4), squared 1.44 + 0.16 = 1.6; 1.25 + 0.2 * 1.6 = 1.57.

    Label 1 is wrong: the squared error alone.
    """
    assert value(Loss1(), *by_hand, 0) == pytest.approx(1.57)
    assert value(Loss1(beta=1.0), *by_hand, 0) == pytest.approx(1.25 + 1.6)
    assert value(Loss1(), *by_hand, 1) == pytest.approx(4.25)


def test_loss2(by_hand):
    """||w_0||_1 = 2 and max(z_0, 0) + 0.01 = 2.01: 1.25 + 0.5 log(1 + 2 / 2.01); with eps_max 0.4: 0.8 / 2.01."""
    assert value(Loss2(), *by_hand, 0) == pytest.approx(1.25 + 0.5 * math.log1p(2 / 2.01))
    assert value(Loss2(beta=2.0, eps_max=0.4), *by_hand, 0) == pytest.approx(1.25 + 2 * math.log1p(0.8 / 2.01))
    assert value(Loss2(), *by_hand, 1) == pytest.approx(4.25)


def test_loss2_where_the_label_wins_with_a_negative_logit(by_hand):
    """z = (-1, -9, -9, ...): max(z_0, 0) + 0.01 = 0.01. Squared error 4 + 4 * 81, no margin, R_2 = 2 / 0.01."""
    model, x = by_hand
    with torch.no_grad():
        model.bias.copy_(torch.tensor([-3.0, -9.5, -9, -9, -9]))
    assert value(Loss2(), model, x, 0) == pytest.approx(4 + 4 * 81 + 0.5 * math.log1p(200))


def test_jacobian(by_hand):
    """Cross-entropy log(e^2 + e^0.5 + 3) - 2, and the absolute entries of W sum to 3: beta * 3 / 187."""
    entropy = math.log(math.exp(2) + math.exp(0.5) + 3) - 2
    assert value(METHODS["ce"], *by_hand, 0) == pytest.approx(entropy)
    assert value(Jacobian(beta=0.9), *by_hand, 0) == pytest.approx(entropy + 0.9 * 3 / 187)


@pytest.mark.parametrize(("eps", "reach"), [(0.05, 0.05), (0.1, 0.1), (0.2, 0.1), (0.3, 0.1)])
def test_ten_steps_of_a_hundredth_travel_a_tenth_at_most(eps, reach):
    """From the start x + eps u, ten steps of 0.01 along sign(d) end at eps u + 0.1 sign(d), clipped to eps.

    So noise up to 0.1 is used in full whatever u, and of 0.3 only what chance began with.
    """
    generator = torch.Generator().manual_seed(0)
    sign = 2.0 * torch.randint(0, 2, (187,), generator=generator, dtype=torch.float64) - 1
    model = toys.two_class(0.01 * sign, offset=0.1)
    x = torch.full((4, 187), 0.5, dtype=torch.float64)
    uniform = (2 * torch.rand(4, 187, generator=generator, dtype=torch.float64) - 1) * 0.999
    attack = METHODS["adv0.1"].__class__(eps=eps)
    noise = attack.attack(model, x, torch.zeros(4, dtype=torch.int64), uniform) - x
    torch.testing.assert_close(noise, (eps * uniform + 0.1 * sign).clamp(-eps, eps))
    travelled = (noise - eps * uniform).abs().max()
    assert float(travelled) <= 2 * reach + 1e-12


@pytest.mark.parametrize("name", ["adv0.1", "adv0.2", "adv0.3"])
def test_adversarial_training_stays_in_its_box_and_means_both_halves(name):
    model, method = toys.fresh("mlp"), METHODS[name]
    x, _ = toys.random_beats(8)
    y = toys.predicted(model, x)
    uniform = BatchRandomness(torch.Generator().manual_seed(5), 8).uniform(187)
    x_adv = method.attack(model, x, y, uniform)
    torch.testing.assert_close(Box.around(x, method.eps).clip(x_adv), x_adv, rtol=0, atol=1e-7)
    halves = [torch.nn.functional.cross_entropy(model(at), y) for at in (x, x_adv)]
    expected = 0.5 * halves[0] + 0.5 * halves[1]
    torch.testing.assert_close(method.loss(model, x, y, torch.Generator().manual_seed(5)), expected)


def test_the_mean_over_nothing_is_nothing():
    assert float(mean_over(torch.tensor([1.0, 2.0]), torch.zeros(2))) == 0
    assert float(mean_over(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 0.0, 1.0]))) == 3.5


#: bias, kernel normalisation and weight decay of the paper protocol, MLP then CNN (docs/reproduction.md).
RECIPES = {
    "ce": [(True, False, 0.01), (True, True, 0.01)],
    "mse": [(True, True, 0.0)] * 2,
    "mseMargin": [(True, True, 0.0)] * 2,
    "loss1": [(False, True, 0.0)] * 2,
    "loss2": [(True, True, 0.0)] * 2,
    "jacob": [(True, True, 0.01)] * 2,
    "adv0.1": [(True, False, 0.0), (True, True, 0.01)],
    "adv0.2": [(True, False, 0.0), (True, True, 0.01)],
    "adv0.3": [(True, False, 0.0), (True, True, 0.01)],
    "at0.1": [(True, False, 0.0), (True, True, 0.01)],
    "trades0.1": [(True, False, 0.0), (True, True, 0.01)],
    "mtl-ibp0.05": [(True, False, 0.0)] * 2,
    "mtl-ibp0.1": [(True, False, 0.0)] * 2,
}


@pytest.mark.parametrize("method", METHODS)
def test_the_recipe_is_the_protocols(method):
    for network, expected in zip(("mlp", "cnn"), RECIPES[method], strict=True):
        recipe = get_method(method, network).recipe(network)
        assert (recipe.bias, recipe.normalise_kernels, recipe.weight_decay) == expected


def test_the_settings_are_the_papers():
    assert [get_method("jacob", network).beta for network in NETWORKS] == [0.9, 0.7]
    assert get_method("loss1").beta == 0.2
    assert (get_method("loss2").beta, get_method("loss2").eps_max) == (0.5, 1.0)
    for name in ("adv0.1", "adv0.2", "adv0.3"):
        adversarial = get_method(name)
        assert (adversarial.eps, adversarial.steps, adversarial.step_size) == (float(name[3:]), 10, 0.01)
