"""A planted adversarial example that an attack must find (Zimmermann et al. 2022, the binarisation test)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from nsr_core.attacks import PGD, BeatRandomness, Box
from nsr_core.data import CLASSES
from nsr_core.models.kernels import kernel_layers

#: Beats that are looked at; points around each, the beat among them; and how far those are, in noise levels.
BEATS, INNER, INNER_SHARE = 20, 16, 0.9
#: By how much the planted point's score must be above all others', where they are wanted to be 2 apart.
LEAST_GAP = 1e-3
#: Ridge of the planted layer, as a share of the features' largest squared singular value. A plain fit to fewer points than
#: features goes through all of them on whatever tiny differences there are, with weights up to 1e8. Where few units switch
#: within the budget, as in a certified network, it is then flat around the beat: the layer masks its gradient, not the network.
RIDGE = 1.0
#: Draws at the corners of the budget, by which chance is measured.
CHANCE_DRAWS = 100


@dataclass(frozen=True)
class Planted:
    """What came of it.

    Attributes:
        tested: beats in which one could be planted.
        missed: of those, where the attack did not find it.
        by_chance: share of random corners of the budget that would have done.
    """

    tested: int
    missed: int
    by_chance: float


class Detector(nn.Module):
    """The network with another last layer: class 1 at the planted point, class 0 at points around the beat."""

    name = "detector"

    def __init__(self, network: nn.Module, weight: Tensor, bias: float) -> None:
        super().__init__()
        self._network, self._weight, self._bias = network, weight, bias
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        score = (features(self._network, x) @ self._weight + self._bias)[:, None]
        return torch.cat((torch.zeros_like(score), score, torch.full_like(score, -1e4).expand(-1, len(CLASSES) - 2)), 1)


def features(network: nn.Module, x: Tensor) -> Tensor:
    """(batch, features) what goes into the network's last layer, or its logits where it has no such layer."""
    layers = kernel_layers(network)
    seen: list[Tensor] = []
    hook = layers[-1].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0])) if layers else None
    try:
        logits: Tensor = network(x)
    finally:
        if hook:
            hook.remove()
    return seen[-1].flatten(1) if seen else logits


def look_for_planted(network: nn.Module, x: Tensor, eps: float) -> Planted:
    """Plant an adversarial example at a corner of each beat's budget, and let 100-PGD as published look for it.

    A linear layer on the network's features tells it from points nearer to the beat. An attack that cannot find what is known
    to be there proves nothing where it finds nothing.

    Deviations: one planted point and 16 others where the authors take up to 999; the layer is a ridge regression on them.

    Args:
        network: on the CPU, in eval mode.
        x: (batch, 187) beats; up to ``BEATS`` of them, evenly spread, are looked at.
        eps: the noise level.
    """
    tested = missed = 0
    chances = []
    for number in np.unique(np.linspace(0, len(x) - 1, BEATS).astype(int)):
        beat = x[number : number + 1]
        box, generator = Box.around(beat, eps), torch.Generator().manual_seed(int(number))
        detector = _plant(network, beat, box, generator)
        if detector is None:
            continue
        tested += 1
        result = PGD()(
            detector, beat, torch.zeros(1, dtype=torch.int64), eps, randomness=BeatRandomness(0, np.array([number]))
        )
        missed += int(result.step) < 0
        with torch.no_grad():
            corners = _corners(box, CHANCE_DRAWS, generator)
            chances.append(float((detector(corners).argmax(1) == 1).double().mean()))
    return Planted(tested, missed, float(np.mean(chances)) if chances else 0.0)


def _corners(box: Box, count: int, generator: torch.Generator) -> Tensor:
    up = torch.rand(count, box.low.shape[1], generator=generator) < 0.5
    return torch.where(up, box.high, box.low)


@torch.no_grad()
def _plant(network: nn.Module, beat: Tensor, box: Box, generator: torch.Generator) -> Detector | None:
    """The detector of a point at a corner of the box; None where the features do not tell it from the points around."""
    near = box.random_point(beat, INNER_SHARE * (2 * torch.rand(INNER - 1, beat.shape[1], generator=generator) - 1))
    at = features(network, torch.cat((beat, near, _corners(box, 1, generator)))).double()
    middle = at.mean(0)
    wanted = torch.full((len(at),), -1.0, dtype=torch.float64)
    wanted[-1] = 1.0
    weight = _ridge(at - middle, wanted - wanted.mean())
    score = (at - middle) @ weight
    highest, planted = float(score[:-1].max()), float(score[-1])
    if not planted > highest + LEAST_GAP:
        return None
    return Detector(network, weight.to(beat), -float(middle @ weight) - (highest + planted) / 2)


def _ridge(at: Tensor, wanted: Tensor) -> Tensor:
    """(features,) weights of a ridge regression of (points,) values on (points, features); 0 where the features are all alike."""
    products = at @ at.T
    ridge = RIDGE * torch.linalg.eigvalsh(products)[-1]
    if not ridge > 0:
        return torch.zeros_like(at[0])
    weights: Tensor = at.T @ torch.linalg.solve(products + ridge * torch.eye(len(at)).to(at), wanted)
    return weights
