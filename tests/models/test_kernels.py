"""Kernels at unit norm, and the restart of those without a gradient."""

import pytest
import torch
import toys
from torch import nn

from nsr_core.models import NETWORKS
from nsr_core.models.kernels import DeadKernels, initialise, kernel_layers, normalise_kernels


def norms(layer):
    return torch.linalg.vector_norm(layer.weight.detach().flatten(1), dim=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_normalising_keeps_direction_and_scales_the_bias_alike(name):
    model = toys.fresh(name, dtype=torch.float64)
    layers = kernel_layers(model)
    before = [(layer.weight.detach().clone(), layer.bias.detach().clone(), norms(layer)) for layer in layers]
    normalise_kernels(layers)
    for layer, (weight, bias, norm) in zip(layers, before, strict=True):
        torch.testing.assert_close(norms(layer), torch.ones_like(norm))
        torch.testing.assert_close(layer.weight.detach() * norm.view(-1, *[1] * (weight.dim() - 1)), weight)
        torch.testing.assert_close(layer.bias.detach() * norm, bias)


def test_a_kernel_of_zeros_stays():
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 0, 0], [3, 0, 4]]))
        layer.bias.copy_(torch.tensor([7.0, 10]))
    normalise_kernels([layer])
    torch.testing.assert_close(layer.weight.detach(), torch.tensor([[0.0, 0, 0], [0.6, 0, 0.8]]))
    torch.testing.assert_close(layer.bias.detach(), torch.tensor([7.0, 2]))


def test_layers_without_bias_are_normalised_too():
    layer = nn.Linear(4, 3, bias=False)
    normalise_kernels([layer])
    torch.testing.assert_close(norms(layer), torch.ones(3))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_run_starts_with_unit_kernels_and_no_biases(name, bias):
    model = toys.fresh(name, bias)
    initialise(model)
    for layer in kernel_layers(model):
        torch.testing.assert_close(norms(layer), torch.ones(len(layer.weight)))
        assert layer.bias is None or not layer.bias.any()


@pytest.fixture
def half_dead():
    """Two layers of which kernels 1 and 3, and kernel 0, never meet a gradient."""
    torch.manual_seed(0)
    layers = [nn.Linear(6, 4), nn.Conv1d(2, 3, 5, bias=False)]
    watch = DeadKernels(layers)
    for step in range(3):
        for layer, dead in zip(layers, ([1, 3], [0]), strict=True):
            layer.weight.grad = torch.randn_like(layer.weight)
            if step != 1:  # one step with a gradient is life enough
                layer.weight.grad.zero_()
            layer.weight.grad[dead] = 0
        watch.observe()
    return layers, watch


def test_only_dead_kernels_restart_at_unit_norm_without_bias(half_dead):
    (linear, conv), watch = half_dead
    before = linear.weight.detach().clone(), linear.bias.detach().clone(), conv.weight.detach().clone()
    assert watch.restart(torch.Generator().manual_seed(1)) == 3
    torch.testing.assert_close(norms(linear)[[1, 3]], torch.ones(2))
    torch.testing.assert_close(norms(conv)[:1], torch.ones(1))
    assert linear.bias.detach()[[1, 3]].tolist() == [0, 0]
    assert torch.equal(linear.weight.detach()[[0, 2]], before[0][[0, 2]])
    assert torch.equal(linear.bias.detach()[[0, 2]], before[1][[0, 2]])
    assert torch.equal(conv.weight.detach()[1:], before[2][1:])
    assert not torch.equal(linear.weight.detach()[[1, 3]], before[0][[1, 3]])


def test_the_restart_depends_on_the_generator_alone(half_dead):
    (linear, _), watch = half_dead
    totals = [total.clone() for total in watch._totals]
    restarted = []
    for seed in (1, 1, 2):
        for total, kept in zip(watch._totals, totals, strict=True):
            total.copy_(kept)
        watch.restart(torch.Generator().manual_seed(seed))
        restarted.append(linear.weight.detach().clone())
    assert torch.equal(restarted[0], restarted[1])
    assert not torch.equal(restarted[0], restarted[2])


def test_each_epoch_counts_anew(half_dead):
    """After the restart nothing has been observed, so all 4 + 3 kernels count as dead."""
    _, watch = half_dead
    watch.restart(torch.Generator().manual_seed(1))
    assert watch.restart(torch.Generator().manual_seed(1)) == 7


def test_gradients_of_opposite_sign_do_not_cancel():
    layer = nn.Linear(2, 1)
    watch = DeadKernels([layer])
    for gradient in ([[1.0, -1.0]], [[-1.0, 1.0]]):
        layer.weight.grad = torch.tensor(gradient)
        watch.observe()
    assert watch.restart(torch.Generator().manual_seed(0)) == 0
