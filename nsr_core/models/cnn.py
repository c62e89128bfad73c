"""The residual convolutional network of Kachuee et al. (2018), as the paper uses it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.data.beats import CLASSES
from nsr_core.models import cnn_fused
from nsr_core.models.around import Around
from nsr_core.models.base import Network
from nsr_core.models.intervals import middle, through_linear, through_relu
from nsr_core.models.kernels import KernelLayer
from nsr_core.models.vjp import PullBack, input_vjp

CHANNELS = 32
KERNEL = 5
#: Window and stride of the max-pooling, for maps of height 1.
POOLING = (1, KERNEL), (1, 2)


def _convolution(into: int, bias: bool) -> nn.Conv1d:
    return nn.Conv1d(into, CHANNELS, KERNEL, padding=KERNEL // 2, bias=bias)


# Both ways through a layer run as 2-D convolutions of height 1 with the channels last in memory, on (batch, channels, 1,
# length). The values are those of the layer. PyTorch's 1-D layers know no such layout, and its max-pooling with gradients
# is 15 times as fast in it on a CPU.


def _kernels(layer: nn.Conv1d) -> Tensor:
    return layer.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _convolve(layer: nn.Conv1d, x: Tensor, biased: bool = True) -> Tensor:
    return functional.conv2d(x, _kernels(layer), layer.bias if biased else None, padding=(0, KERNEL // 2))


def _as_maps(signals: Tensor) -> Tensor:
    """(batch, length) signals as (batch, 1, 1, length) maps.

    Of a single channel only the strides tell where the channels lie. Told that they are last, the convolution leaves its maps
    as the next layer wants them, which else would have to turn them round.
    """
    return signals.contiguous()[:, None, :, None].permute(0, 3, 1, 2)


def _signal_kernels(layer: nn.Conv1d) -> Tensor:
    return layer.weight.unsqueeze(3).permute(0, 3, 1, 2)  # (32, 1, 1, 5)


def _convolve_signal(layer: nn.Conv1d, x: Tensor, biased: bool = True) -> Tensor:
    """The first layer, on (batch, length) signals."""
    bias = layer.bias if biased else None
    return functional.conv2d(_as_maps(x), _signal_kernels(layer), bias, padding=(0, KERNEL // 2))


def _convolve_interval(layer: nn.Conv1d, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    return _convolve(layer, centre), functional.conv2d(radius, _kernels(layer).abs(), padding=(0, KERNEL // 2))


def _convolve_back(layer: nn.Conv1d, gradient: Tensor) -> Tensor:
    return functional.conv_transpose2d(gradient, _kernels(layer), padding=(0, KERNEL // 2))


def _as_many(saved: Tensor, gradient: Tensor) -> Tensor:
    """``saved`` once for each of the gradients that were folded into the batch axis."""
    times = len(gradient) // len(saved)
    if times == 1:
        return saved
    # Of a map with the channels last, a repeat in the order of its memory: any other would be turned round once more.
    in_order, back = ((0, 2, 3, 1), (0, 3, 1, 2)) if saved.dim() == 4 else ((0, 1), (0, 1))
    return saved.permute(in_order).repeat(times, *[1] * (saved.dim() - 1)).permute(back)


class Block(nn.Module):
    """Convolution, ReLU, convolution, plus the block's input, ReLU, max-pool of 5 with stride 2."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.first = _convolution(CHANNELS, bias)
        self.second = _convolution(CHANNELS, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 32, 1, length) to (batch, 32, 1, (length - 5) // 2 + 1)."""
        return self.after_first(_convolve(self.first, x), x)

    def after_first(self, convolved: Tensor, *parts: Tensor) -> Tensor:
        """The block's output from what its first convolution gives, which is overwritten, and the parts of its input."""
        total = _convolve(self.second, convolved.relu_())
        for part in parts:
            total.add_(part)
        return functional.max_pool2d(total.relu_(), *POOLING)

    def interval(self, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and radius of the block's output, of those of its input: a sum and a maximum keep the order of the ends."""
        inner = through_relu(*_convolve_interval(self.first, centre, radius))
        centre_after, radius_after = _convolve_interval(self.second, *inner)
        centre, radius = centre_after + centre, radius_after + radius
        return middle(*(functional.max_pool2d(end.relu(), *POOLING) for end in (centre - radius, centre + radius)))

    def vjp(self, x: Tensor) -> tuple[Tensor, PullBack]:
        """The block's output, and the way back from it to its input."""
        first = _convolve(self.first, x).relu_()
        second = _convolve(self.second, first).add_(x).relu_()
        pooled, winners = functional.max_pool2d(second, *POOLING, return_indices=True)
        first, second = first.detach(), second.detach()

        def pull_back(cotangent: Tensor) -> Tensor:
            cotangent = cotangent.contiguous(memory_format=torch.channels_last)
            kept = (_as_many(saved, cotangent) for saved in (first, second, winners))
            after_first, after_second, chosen = (saved.contiguous(memory_format=torch.channels_last) for saved in kept)
            gradient = torch.ops.aten.max_pool2d_with_indices_backward(
                cotangent, after_second, *map(list, POOLING), [0, 0], [1, 1], False, chosen
            )
            gradient = torch.ops.aten.threshold_backward(gradient, after_second, 0)
            inner = torch.ops.aten.threshold_backward(_convolve_back(self.second, gradient), after_first, 0)
            return _convolve_back(self.first, inner).add_(gradient)

        return pooled, pull_back


class CNN(Network):
    """One convolution 1->32, five residual blocks, linear 64->32, ReLU, linear 32->5; 53,957 parameters.

    Args:
        bias: whether the layers have bias terms (the paper drops them for loss1, eq. 3).
    """

    name = "cnn"
    title = "CNN"
    batch_size = 64
    cpu_beats = 2_162  # 500 test beats of each class, and 162 of class F
    cpu_samples = 128
    # From single steps timed on one core (docs/speed.md).
    seconds_per_epoch = (160.0, 750.0)
    seconds_per_beat: ClassVar[Mapping[str, float]] = {"pgd": 0.03, "spsa": 10.0}

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.stem = _convolution(1, bias)
        self.blocks = nn.ModuleList(Block(bias) for _ in range(5))
        self.hidden = nn.Linear(2 * CHANNELS, 32, bias=bias)
        self.output = nn.Linear(32, len(CLASSES), bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 187) beats to (batch, 5) logits."""
        if self._can_be_fused(x):
            features, _ = cnn_fused.features(x, self._packed(), keep=False)
            return self._classify(features)
        x = _convolve_signal(self.stem, x)  # (batch, 32, 1, 187)
        return self._after(self._blocks()[0](x))

    def _after(self, x: Tensor) -> Tensor:
        """(batch, 32, 1, 92) outputs of the first block to (batch, 5) logits."""
        for block in self._blocks()[1:]:
            x = block(x)  # lengths 44, 20, 8, 2
        return self._classify(x.flatten(1))

    def _classify(self, features: Tensor) -> Tensor:
        """(batch, 64) features to (batch, 5) logits."""
        logits: Tensor = self.output(functional.relu(self.hidden(features)))
        return logits

    def vjp(self, x: Tensor) -> tuple[Tensor, PullBack]:
        """Logits and the way back to the beats (see ``nsr_core.models.vjp``), written out.

        Autograd differentiates a convolution twice by detours through other layouts: a loss2 step takes 1.3 times as long.
        """
        if self._can_be_fused(x):
            return self._fused_vjp(self._packed(), x)
        x, pull_back_stem = _convolve_signal(self.stem, x), partial(_convolve_back, self.stem)
        pull_backs: list[PullBack] = [pull_back_stem]
        for block in self._blocks():
            x, pull_back_block = block.vjp(x)
            pull_backs.append(pull_back_block)
        hidden = self.hidden(x.flatten(1)).relu_()
        logits, rectified, shape = self.output(hidden), hidden.detach(), x.shape

        def pull_back(cotangent: Tensor) -> Tensor:
            gradient = cotangent.flatten(0, -2) @ self.output.weight  # several gradients become one larger batch
            gradient = torch.ops.aten.threshold_backward(gradient, _as_many(rectified, gradient), 0)
            gradient = (gradient @ self.hidden.weight).view(-1, *shape[1:])  # (batch, 64) -> (batch, 32, 1, 2)
            for pull_back_one in reversed(pull_backs):
                gradient = pull_back_one(gradient)
            return gradient.view(*cotangent.shape[:-1], -1)  # (batch, 1, 1, 187) -> (batch, 187)

        return logits, pull_back

    def prepared_vjp(self) -> Callable[[Tensor], tuple[Tensor, PullBack]]:
        """``input_vjp`` while the weights stay as they are: on a CUDA device they are laid out for its kernels once."""
        return (
            partial(self._fused_vjp, self._packed())
            if self._can_be_fused(self.stem.weight)
            else partial(input_vjp, self)
        )

    def _fused_vjp(self, weights: cnn_fused.Weights, x: Tensor) -> tuple[Tensor, PullBack]:
        features, trail = cnn_fused.features(x, weights, keep=True)
        hidden = self.hidden(features).relu_()

        def pull_back(cotangent: Tensor) -> Tensor:
            if cotangent.dim() > 2:
                return torch.stack([pull_back(one) for one in cotangent])
            gradient = torch.ops.aten.threshold_backward(cotangent @ self.output.weight, hidden, 0)
            return cnn_fused.pull_back(gradient @ self.hidden.weight, weights, trail)

        return self.output(hidden), pull_back

    def _can_be_fused(self, x: Tensor) -> bool:
        """Whether nobody asks for a gradient with respect to the weights, and the device has the kernels."""
        return not torch.is_grad_enabled() and cnn_fused.can_run(x)

    def _packed(self) -> cnn_fused.Weights:
        layers = [layer for block in self._blocks() for layer in (block.first, block.second)]
        return cnn_fused.pack(self.stem, layers)

    def around(self, offsets: Tensor) -> Around:
        """Logits around a beat (see ``nsr_core.models.around``).

        The first two convolutions are one linear map, so what they make of the offsets serves all beats; they are a quarter
        of the work.
        """
        if self._can_be_fused(offsets):
            return lambda x: self(x + offsets)
        block = self._blocks()[0]
        moved = _convolve_signal(self.stem, offsets, biased=False)  # (offsets, 32, 1, 187)
        moved_on = _convolve(block.first, moved, biased=False)

        def evaluate(x: Tensor) -> Tensor:
            at = _convolve_signal(self.stem, x[None])
            return self._after(block.after_first(moved_on + _convolve(block.first, at), moved, at))

        return evaluate

    def interval(self, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and radius of what goes into ``head``, (batch, 32) each (see ``nsr_core.models.intervals``)."""
        kernels = _signal_kernels(self.stem).abs()
        centre = _convolve_signal(self.stem, centre)  # (batch, 32, 1, 187)
        radius = functional.conv2d(_as_maps(radius), kernels, padding=(0, KERNEL // 2))
        for block in self._blocks():
            centre, radius = block.interval(centre, radius)
        return through_relu(*through_linear(self.hidden, centre.flatten(1), radius.flatten(1)))

    def head(self) -> tuple[Tensor, Tensor | None]:
        """Weight (5, 32) and bias (5,) of the last layer."""
        return self.output.weight, self.output.bias

    def normalised_layers(self) -> list[KernelLayer]:
        """The layers whose kernels the paper protocol keeps at unit norm: all but the fifth block's."""
        first_four = [layer for block in self._blocks()[:4] for layer in (block.first, block.second)]
        return [self.stem, *first_four, self.hidden, self.output]

    def _blocks(self) -> list[Block]:
        return cast(list[Block], list(self.blocks))
