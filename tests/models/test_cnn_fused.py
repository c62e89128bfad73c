"""The CNN's kernels for CUDA: their layout of the weights everywhere, the kernels themselves where there is a device."""

import shutil
import subprocess

import pytest
import torch
from torch.nn import functional

from nsr_core.models import CNN, cnn_fused


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CNN().eval()


def layers_of(network):
    return [layer for block in network.blocks for layer in (block.first, block.second)]


def product(maps, weights):
    """(length, 32) maps through (5, 32, 32) taps by input and output channels, as the kernels multiply."""
    padded = functional.pad(maps, (0, 0, 2, 2))
    return sum(padded[tap : tap + len(maps)] @ weights[tap] for tap in range(5))


def test_the_packed_weights_give_each_convolution_and_its_transpose(network):
    weights, maps = cnn_fused.pack(network.stem, layers_of(network)), torch.randn(44, 32)
    for number, layer in enumerate(layers_of(network)):
        there = functional.conv1d(maps.T[None], layer.weight, padding=2)[0].T
        back = functional.conv_transpose1d(maps.T[None], layer.weight, padding=2)[0].T
        torch.testing.assert_close(product(maps, weights.forward[number]), there, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(product(maps, weights.backward[number]), back, rtol=1e-4, atol=1e-5)
        assert torch.equal(weights.biases[number], layer.bias)


def test_without_bias_the_packed_biases_are_zero():
    network = CNN(bias=False)
    weights = cnn_fused.pack(network.stem, layers_of(network))
    assert not weights.stem_bias.any()
    assert not weights.biases.any()


def test_on_a_cpu_the_layers_run():
    assert not cnn_fused.can_run(torch.zeros(1, 187))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="needs CUDA's compiler")
def test_the_kernels_compile(tmp_path):
    command = [
        "nvcc",
        "-gencode=arch=compute_90,code=sm_90",
        "-shared",
        "-Xcompiler",
        "-fPIC",
        "-Werror",
        "all-warnings",
    ]
    done = subprocess.run([*command, "-o", tmp_path / "out.so", cnn_fused.SOURCE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("batch", [1, 7, 300])
def test_on_a_device_logits_and_gradients_are_those_of_the_layers(network, batch):
    network = network.cuda()
    x, cotangent = torch.rand(batch, 187, device="cuda"), torch.randn(batch, 5, device="cuda")
    assert cnn_fused.can_run(x)
    with torch.no_grad():
        logits, pull_back = network.vjp(x)
        gradient = pull_back(cotangent)
        assert torch.equal(network(x), logits)
    exact, leaf = network.cpu().double(), x.cpu().double().requires_grad_()
    expected = exact(leaf)
    (slope,) = torch.autograd.grad(expected, leaf, cotangent.cpu().double())
    torch.testing.assert_close(logits.cpu().double(), expected, rtol=1e-4, atol=1e-5)
    assert (gradient.cpu() - slope).norm() < 0.01 * slope.norm()
