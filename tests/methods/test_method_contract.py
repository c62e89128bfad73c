"""What every method of the table keeps to, on every network. A new method is tested by being listed."""

import pytest
import torch
import toys

from nsr_core.methods import METHODS, get_method
from nsr_core.methods.certified import MtlIbp
from nsr_core.methods.terms import margin_loss, squared_error
from nsr_core.models import NETWORKS
from nsr_core.models.intervals import Bounded

every_method = pytest.mark.parametrize("method", METHODS)
every_network = pytest.mark.parametrize("network", NETWORKS)
GATED = ("mseMargin", "loss1", "loss2")
#: Those that train on attacked copies, which begin by chance.
BY_CHANCE = {name: method for name, method in METHODS.items() if hasattr(method, "attack")}
every_method_without_chance = pytest.mark.parametrize("method", [name for name in METHODS if name not in BY_CHANCE])


def network_for(method, network, dtype=torch.float64):
    model = toys.fresh(network, get_method(method, network).recipe(network).bias, dtype=dtype)
    if isinstance(METHODS[method], MtlIbp) and not isinstance(model, Bounded):
        pytest.skip("a network need not bring interval bounds")
    return model


def batch_for(model, wrong, size=6):
    """Beats of which the last ``wrong`` are misclassified."""
    x, _ = toys.random_beats(size, dtype=next(model.parameters()).dtype)
    y = toys.predicted(model, x)
    y[size - wrong :] = (y[size - wrong :] + 1) % 5
    return x, y


def loss_of(method, network, model, x, y, seed=0):
    return get_method(method, network).loss(model, x, y, torch.Generator().manual_seed(seed))


@every_method
@every_network
@pytest.mark.parametrize("wrong", [0, 2, 6])
def test_the_loss_is_a_finite_number_with_finite_gradients(method, network, wrong):
    """Also where no sample is correctly classified, and where all are."""
    model = network_for(method, network)
    x, y = batch_for(model, wrong)
    loss = loss_of(method, network, model, x, y)
    assert loss.shape == ()
    assert torch.isfinite(loss)
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
    assert any(bool(gradient.any()) for gradient in gradients)


@every_method
@pytest.mark.parametrize("size", [1, 3])
def test_a_network_of_zeros_and_a_beat_of_zeros_are_no_division_by_zero(method, size):
    model = network_for(method, "mlp")
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    x = torch.zeros(size, 187, dtype=torch.float64)
    for label in (0, 1):  # of five equal logits the first is the class: right, then wrong
        loss = loss_of(method, "mlp", model, x, torch.full((size,), label))
        loss.backward()
        assert torch.isfinite(loss)
        assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in model.parameters())


@every_method
@every_network
def test_one_forward_pass_serves_the_batch(method, network):
    """Training on attacked copies: each step of the attack looks once; no beat goes through twice for the loss."""
    model = network_for(method, network, torch.float32)
    x, y = batch_for(model, 2)
    chosen = get_method(method, network)
    # Attacks go past the MLP's last layer, and the CNN past the module that is its first.
    with toys.rows_forwarded(model, 0 if network == "mlp" else -1) as passes:
        chosen.loss(model, x, y, torch.Generator().manual_seed(0)).backward()
    attack = [6] * getattr(chosen, "steps", 0)
    centre = [6] * (network == "mlp")  # of the interval bounds, through the MLP's first layer
    expected = {
        "adv": [*attack, 12],
        "at": [*attack, 12],
        "trades": [6, *attack, 6],
        "mtl-ibp": [*attack, 6, *centre],
    }
    assert passes == expected.get(chosen.name, [6])


@every_method
@every_network
def test_the_beats_are_left_as_they_were_and_no_gradient_is_left_behind(method, network):
    model = network_for(method, network, torch.float32)
    x, y = batch_for(model, 2)
    before = x.clone()
    loss_of(method, network, model, x, y)
    assert torch.equal(x, before)
    assert not x.requires_grad
    assert all(p.grad is None for p in model.parameters())


@every_method
def test_chance_comes_from_the_generator_alone(method):
    model = network_for(method, "mlp")
    x, y = batch_for(model, 2)
    first, again, other = (float(loss_of(method, "mlp", model, x, y, seed).detach()) for seed in (0, 0, 1))
    assert first == again
    assert (first == other) == (method not in BY_CHANCE)


@every_method_without_chance  # an attack's chance belongs to the place in the batch
def test_the_order_of_the_batch_does_not_matter(method):
    model = network_for(method, "mlp")
    x, y = batch_for(model, 2)
    order = torch.tensor([5, 2, 0, 4, 1, 3])
    torch.testing.assert_close(
        loss_of(method, "mlp", model, x, y), loss_of(method, "mlp", model, x[order], y[order]), rtol=1e-10, atol=0
    )


@every_network
@pytest.mark.parametrize("method", GATED)
def test_margin_and_regularisation_count_on_the_correctly_classified_only(method, network):
    """With none of them the loss is the squared error alone. Each one that is there moves the other terms only."""
    model = network_for(method, network)
    x, y = batch_for(model, 6)
    with torch.no_grad():
        base = squared_error(model(x), y).mean()
    torch.testing.assert_close(loss_of(method, network, model, x, y).detach(), base, rtol=1e-12, atol=0)

    x, y = batch_for(model, 2)
    right = slice(0, 4)

    def above_squared_error(x, y):
        return (loss_of(method, network, model, x, y) - squared_error(model(x), y).mean()).detach()

    torch.testing.assert_close(
        above_squared_error(x, y), above_squared_error(x[right], y[right]), rtol=1e-9, atol=1e-12
    )


@every_network
@every_method_without_chance
def test_the_gradient_is_that_of_finite_differences(method, network):
    """Along a random direction of all parameters, in float64: (L(p + h v) - L(p - h v)) / 2h with h = 1e-6.

    Those on attacked copies are left out: the copies jump with the parameters' signs, and are held fixed in the gradient.
    """
    model = network_for(method, network)
    x, y = batch_for(model, 2, size=4)
    parameters = list(model.parameters())
    loss = loss_of(method, network, model, x, y)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    generator = torch.Generator().manual_seed(1)
    directions = [torch.randn(p.shape, dtype=p.dtype, generator=generator) for p in parameters]
    slope = sum(float((g * v).sum()) for g, v in zip(gradients, directions, strict=True) if g is not None)
    h, at = 1e-7, []
    for side in (1, -2):
        with torch.no_grad():
            for p, v in zip(parameters, directions, strict=True):
                p.add_(v, alpha=side * h)
        at.append(float(loss_of(method, network, model, x, y).detach()))
    assert (at[0] - at[1]) / (2 * h) == pytest.approx(slope, rel=1e-4, abs=1e-6)


@every_network
@every_method_without_chance
def test_descending_the_loss_lowers_it(method, network):
    model = network_for(method, network)
    x, y = batch_for(model, 2)
    loss = loss_of(method, network, model, x, y)
    gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    size = sum(float(g.square().sum()) for g in gradients if g is not None)
    with torch.no_grad():
        for p, g in zip(model.parameters(), gradients, strict=True):
            if g is not None:
                p.sub_(g, alpha=1e-5 / size**0.5)
    assert float(loss_of(method, network, model, x, y).detach()) < float(loss.detach())


def test_the_margin_of_no_correct_sample_is_nothing():
    logits = torch.randn(3, 5, requires_grad=True)
    loss = margin_loss(logits, torch.tensor([0, 1, 2]), torch.zeros(3))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
