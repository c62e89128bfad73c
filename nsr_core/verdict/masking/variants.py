"""The attacks that the masking check compares, by name. All on the whole beat, padding included, as published."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nsr_core.attacks import APGD, FGSM, PGD, SPSA, Attack, MarginPGD, RandomNoise, Square, TargetedAPGD
from nsr_core.models.vjp import PullBack, input_vjp

#: The attack whose number is in doubt: 100-PGD with the paper's settings.
PUBLISHED = "published"
STEPS = PGD().steps
#: Steps that the paper has no say in go so far in all, in noise levels (``MarginPGD``).
REACH = MarginPGD().reach


@dataclass(frozen=True)
class Variant:
    """One attack on one network.

    Attributes:
        attack: with its settings, for a noise level.
        draws: added to the seed, so that a run of the same attack starts elsewhere.
        scale: what the logits are multiplied by for the attack; None for 1 over their median margin.
    """

    attack: Callable[[float], Attack]
    draws: int = 0
    scale: float | None = 1.0


def _fine(move: str) -> Callable[[float], Attack]:
    """PGD in the step size of ``MarginPGD``."""
    return lambda eps: PGD(move=move, step_size=REACH * eps / STEPS)


STARTS = [f"start {number}" for number in (2, 3, 4, 5)]
STEP_SIZES = ["steps of 2.5 noise levels in all", "steps of 1 noise level each"]
RESCALED: dict[str, float | None] = {
    "logits / 100": 0.01,
    "logits / 10": 0.1,
    "logits x 10": 10.0,
    "logits / median margin": None,
}
VARIANTS: dict[str, Variant] = {
    PUBLISHED: Variant(lambda eps: PGD()),
    "noise": Variant(lambda eps: RandomNoise()),
    "noise, 100 draws": Variant(lambda eps: RandomNoise(draws=100)),
    "fgsm": Variant(lambda eps: FGSM()),
    "square": Variant(lambda eps: Square()),
    "spsa": Variant(lambda eps: SPSA(steps=40, samples=256)),
    "apgd": Variant(lambda eps: APGD(steps=400)),
    "apgd-t": Variant(lambda eps: TargetedAPGD(steps=400)),
    "cross-entropy": Variant(_fine("sign")),
    "margin": Variant(lambda eps: MarginPGD(steps=STEPS)),
    "1000 steps": Variant(lambda eps: PGD(steps=1000)),
    STEP_SIZES[0]: Variant(_fine("adamax")),
    STEP_SIZES[1]: Variant(lambda eps: PGD(step_size=eps)),
    **{name: Variant(lambda eps: PGD(), draws=number) for number, name in enumerate(STARTS, 1)},
    **{name: Variant(lambda eps: PGD(), scale=scale) for name, scale in RESCALED.items()},
}


class Rescaled(nn.Module):
    """A network with its logits multiplied: the same classes everywhere, other gradients of the cross-entropy."""

    def __init__(self, network: nn.Module, scale: float) -> None:
        super().__init__()
        self._network, self._scale = network, scale
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self._network(x)
        return logits * self._scale

    def vjp(self, x: Tensor) -> tuple[Tensor, PullBack]:
        logits, pull_back = input_vjp(self._network, x)
        return logits * self._scale, lambda cotangent: pull_back(cotangent * self._scale)


def rescaled(network: nn.Module, scale: float | None, margins: Tensor) -> nn.Module:
    """The network as a run sees it.

    Args:
        scale: see ``Variant``.
        margins: (beats,) how far the right logit is above the next without noise.
    """
    if scale is None:
        scale = 1 / max(float(margins.median()), torch.finfo(margins.dtype).tiny)
    return network if scale == 1 else Rescaled(network, scale)
