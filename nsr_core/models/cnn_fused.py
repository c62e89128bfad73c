"""The CNN's convolutions on a CUDA device as one kernel forward and one back, for attacks (the kernels: ``cnn_fused.cu``).

An attack goes through the network thousands of times without asking for a gradient with respect to its weights. Layer by
layer that is some eighty kernels of a few microseconds a step. The kernels are compiled by CUDA's own compiler when they
are first needed and kept in the user's cache; where it is missing, the layers run one by one.
"""

import ctypes
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nsr_core.files import cache_dir, write_atomically

SOURCE = Path(__file__).with_suffix(".cu")
CHANNELS = 32
SAMPLES = 187
#: Sums of the lengths of the maps before and after the five blocks' max-pooling.
BEFORE, AFTER = 351, 166
FEATURES = 64


def can_run(x: Tensor) -> bool:
    """Whether the kernels can take these beats."""
    return x.is_cuda and x.dtype == torch.float32 and _library(torch.cuda.get_device_capability(x.device)) is not None


class Weights(NamedTuple):
    """The convolutions' numbers in the order of the kernels' reading.

    Attributes:
        stem: (5, 32) taps by output channels.
        stem_bias: (32,).
        forward: (10, 5, 32, 32) layers by taps, input and output channels.
        backward: (10, 5, 32, 32) the same of the transposed convolutions.
        biases: (10, 32).
    """

    stem: Tensor
    stem_bias: Tensor
    forward: Tensor
    backward: Tensor
    biases: Tensor


class Trail(NamedTuple):
    """What the way back needs: which units were above 0, and which sample each maximum came from.

    Attributes:
        first, second: (batch, 351, 32) int8, after each block's first ReLU and its second, the blocks one after another.
        winners: (batch, 166, 32) int8, 0 to 4 within the window.
    """

    first: Tensor
    second: Tensor
    winners: Tensor


def pack(stem: nn.Conv1d, layers: Sequence[nn.Conv1d]) -> Weights:
    """The first layer's weights, (32, 1, 5), and the ten others', (32, 32, 5), as the kernels read them."""
    nothing = torch.zeros(CHANNELS, device=stem.weight.device)
    kernels = torch.stack([layer.weight for layer in layers])  # (10, out, in, taps)
    return Weights(
        stem.weight[:, 0].t().contiguous(),
        nothing if stem.bias is None else stem.bias,
        kernels.permute(0, 3, 2, 1).contiguous(),
        kernels.flip(3).permute(0, 3, 1, 2).contiguous(),
        torch.stack([nothing if layer.bias is None else layer.bias for layer in layers]),
    )


def features(x: Tensor, weights: Weights, keep: bool) -> tuple[Tensor, Trail]:
    """(batch, 187) beats to (batch, 64) features, in the order of the layers' flattened output.

    Logits made of them agree with float32's to about six digits.

    Args:
        keep: whether the trail for ``pull_back`` is wanted; else it is empty.
    """
    x = x.contiguous()
    sizes = (BEFORE, BEFORE, AFTER) if keep else (0, 0, 0)
    trail = Trail(*(torch.empty(len(x), size, CHANNELS, dtype=torch.int8, device=x.device) for size in sizes))
    out = x.new_empty(len(x), FEATURES)
    read = (x, weights.stem, weights.stem_bias, weights.forward, weights.biases)
    _launch("cnn_forward", x, [*read, *trail, out], len(x), int(keep))
    return out, trail


def pull_back(gradient: Tensor, weights: Weights, trail: Trail) -> Tensor:
    """(batch, 64) gradient with respect to the features to (batch, 187) with respect to the beats, in TF32."""
    gradient = gradient.contiguous()
    out = gradient.new_empty(len(gradient), SAMPLES)
    _launch("cnn_backward", gradient, [gradient, weights.stem, weights.backward, *trail, out], len(gradient))
    return out


def _launch(name: str, at: Tensor, tensors: Sequence[Tensor], *numbers: int) -> None:
    if not len(at):
        return
    library = _library(torch.cuda.get_device_capability(at.device))
    assert library is not None
    stream = ctypes.c_void_p(torch.cuda.current_stream(at.device).cuda_stream)
    error = getattr(library, name)(*(ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors), *numbers, stream)
    if error:
        raise RuntimeError(f"{name} failed with CUDA error {error}")


@cache
def _library(capability: tuple[int, int]) -> ctypes.CDLL | None:
    """The compiled kernels; None without a compiler, or for a device that has no TF32."""
    compiler = shutil.which("nvcc")
    if compiler is None or capability < (8, 0):
        return None
    name = "".join(map(str, capability))
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    path = cache_dir() / f"{SOURCE.stem}-{digest}-{name}.so"
    if not path.exists():
        options = ["-O3", f"-gencode=arch=compute_{name},code=sm_{name}", "-shared", "-Xcompiler", "-fPIC"]
        try:
            write_atomically(
                path,
                lambda out: subprocess.run([compiler, *options, "-o", out, SOURCE], check=True, capture_output=True),
            )
        except (subprocess.CalledProcessError, OSError):
            return None  # a compiler without a host compiler, or too old for the device
    library = ctypes.CDLL(str(path))
    return None if library.cnn_prepare() else library
