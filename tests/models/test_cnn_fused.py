"""The CNN's kernels for CUDA: on a device where there is one, else by Triton's interpreter where Triton is installed.

The interpreter is chosen when the kernels are defined, so that they are tried in a process of their own.
"""

import importlib.util
import os
import subprocess
import sys

import pytest
import torch

PROGRAM = """
import torch
from torch.nn import functional
from nsr_core.models import CNN, cnn_fused

device = "cuda" if torch.cuda.is_available() else "cpu"
for bias in (True, False):
    torch.manual_seed(int(bias))
    network = CNN(bias).to(device)
    x, cotangent = torch.rand(3, 187, device=device), torch.randn(3, 64, device=device)
    weights = network._packed()
    with torch.no_grad():
        features, trail = cnn_fused.features(x, weights, keep=True)
        back = cnn_fused.pull_back(cotangent, weights, trail)
        again, nothing = cnn_fused.features(x, weights, keep=False)

    exact = network.cpu().double()
    leaf = x.cpu().double().requires_grad_()
    maps = exact.stem(leaf[:, None])
    for block in exact.blocks:
        inner = functional.relu(block.first(maps))
        maps = functional.max_pool1d(functional.relu(block.second(inner) + maps), 5, 2)
    (expected,) = torch.autograd.grad(maps.flatten(1), leaf, cotangent.cpu().double())
    torch.testing.assert_close(features.cpu().double(), maps.detach().flatten(1), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(back.cpu().double(), expected, rtol=1e-4, atol=1e-5)
    assert nothing is None and torch.equal(again, features)
print("agree")
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton comes with PyTorch's CUDA builds only")
def test_features_and_gradient_are_those_of_the_layers():
    environment = os.environ | ({} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"})
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "agree", done.stderr
