"""What the paper protocol does to kernels besides gradient steps: unit norm, and a restart of dead ones.

A kernel is the weight of one output unit: a row of a linear layer, one output channel of a convolution.
The paper's text is silent on both; this follows the authors' published code.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

KernelLayer = nn.Linear | nn.Conv1d


def kernel_layers(network: nn.Module) -> list[KernelLayer]:
    """All layers with kernels, in the order of their definition."""
    return [layer for layer in network.modules() if isinstance(layer, KernelLayer)]


@torch.no_grad()
def normalise_kernels(layers: Iterable[KernelLayer]) -> None:
    """Scale each kernel to unit L2 norm, in place, and its bias by the same factor.

    A kernel of norm 0 stays as it is.
    """
    together: dict[torch.Size, list[KernelLayer]] = {}
    for layer in layers:
        together.setdefault(layer.weight.shape, []).append(layer)
    for alike in together.values():
        weights = [layer.weight for layer in alike]
        norm = torch.linalg.vector_norm(torch.stack(weights).flatten(2), dim=2)  # (layers, kernels)
        factors = torch.where(norm > 0, norm, 1.0).reciprocal_()
        for layer, factor in zip(alike, factors, strict=True):
            layer.weight.mul_(factor.view(-1, *[1] * (layer.weight.dim() - 1)))
            if layer.bias is not None:
                layer.bias.mul_(factor)


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """The paper protocol's start: PyTorch's own initialisation, then unit-norm kernels and zero biases."""
    layers = kernel_layers(network)
    normalise_kernels(layers)
    for layer in layers:
        if layer.bias is not None:
            layer.bias.zero_()


class DeadKernels:
    """Watches one epoch's gradients and restarts the kernels that never had any.

    Args:
        layers: the layers to watch.
    """

    def __init__(self, layers: Sequence[KernelLayer]) -> None:
        self._layers = layers
        self._weights = [layer.weight for layer in layers]
        self._totals = [torch.zeros_like(weight) for weight in self._weights]

    @torch.no_grad()
    def observe(self) -> None:
        """Add the absolute gradient of the step that was just taken."""
        gradients = [weight.grad for weight in self._weights if weight.grad is not None]
        torch._foreach_add_(self._totals, list(torch._foreach_abs(gradients)))

    @torch.no_grad()
    def restart(self, generator: torch.Generator) -> int:
        """At an epoch's end: each kernel whose total is exactly 0 becomes a unit-norm Gaussian vector, bias 0.

        Returns:
            How many kernels were restarted.
        """
        count = 0
        for layer, total in zip(self._layers, self._totals, strict=True):
            dead: Tensor = total.flatten(1).sum(1) == 0
            count += int(dead.sum())
            if dead.any():
                fresh = torch.randn(layer.weight[dead].shape, generator=generator).to(layer.weight)
                layer.weight[dead] = fresh / torch.linalg.vector_norm(fresh.flatten(1), dim=1).view(
                    -1, *[1] * (fresh.dim() - 1)
                )
                if layer.bias is not None:
                    layer.bias[dead] = 0.0
            total.zero_()
        return count
