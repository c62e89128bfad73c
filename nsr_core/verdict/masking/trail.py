"""100-PGD as published, point by point, that goes on after a beat is broken."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nsr_core.attacks import PGD, BeatRandomness, Box
from nsr_core.attacks.ascent import STEP_RULES, evaluate_with_gradient
from nsr_core.attacks.objectives import cross_entropy
from nsr_core.progress import Progress, no_progress


@dataclass(frozen=True)
class Trail:
    """What the network said along the way.

    Attributes:
        broken: (points, beats) bool, whether each beat is read wrongly there.
        loss: (points, beats) float64 cross-entropy there, of the logits as the network gives them.
    """

    broken: NDArray[np.bool_]
    loss: NDArray[np.float64]

    @property
    def lost_again(self) -> NDArray[np.bool_]:
        """(beats,) whether a beat was broken on the way and is not at the end."""
        lost: NDArray[np.bool_] = self.broken.any(0) & ~self.broken[-1]
        return lost

    @property
    def rise(self) -> NDArray[np.float64]:
        """(survivors,) how much the largest loss of a beat that was never broken grew in the last tenth of the steps.

        Relative to what it was before, at most 1; 0 where there was none at all.
        """
        stood = ~self.broken.any(0)
        late = len(self.loss) - 1 - (len(self.loss) - 1) // 10
        before, whole = self.loss[: late + 1, stood].max(0), self.loss[:, stood].max(0)
        rise: NDArray[np.float64] = np.divide(
            whole - before, before, out=(whole > before).astype(float), where=before > 0
        )
        return rise.clip(max=1)


def trail(
    network: nn.Module, x: Tensor, y: Tensor, eps: float, randomness: BeatRandomness, progress: Progress = no_progress
) -> Trail:
    """The run from the start that ``PGD()`` has with the same chance; up to the first success it is the same run."""
    attack = PGD()
    box = Box.around(x, eps)
    look, rule = evaluate_with_gradient(network), STEP_RULES[attack.move](attack.step_size)
    x_adv = box.random_point(x, randomness.uniform(x.shape[1], 0))
    broken, loss = [], []
    for step in range(attack.steps + 1):
        progress(step, attack.steps, f"step {step} of {attack.steps}")
        logits, gradient = look(x_adv, step)
        broken.append(logits.argmax(1) != y)
        loss.append(torch.nan_to_num(cross_entropy(logits.double(), y)))
        # Where the gradient is no longer finite the beat stays.
        uphill = partial(torch.nan_to_num, gradient(cross_entropy, y, None))
        x_adv = box.clip(rule.move(x_adv, uphill, uphill))
    return Trail(torch.stack(broken).numpy(), torch.stack(loss).numpy())
