"""Networks that are known to mask their gradient, and evidence that is written out."""

import numpy as np
import torch
from torch import nn

from nsr_core.progress import no_progress
from nsr_core.verdict.masking.evidence import Evidence

COUNT = 40


class Around(nn.Module):
    """A network with something before it."""

    name = "mlp"

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.eval()


class Quantised(Around):
    """Reads the beat in steps of 0.02: a gradient of 0 everywhere, and no robustness gained."""

    def forward(self, x):
        return self.network((x * 50).round() / 50)


class NoNumber(Around):
    """The same logits, and a gradient that is not a number."""

    def forward(self, x):
        return self.network(x) + (x * 0).sqrt().sum(1, keepdim=True)


class Sawtooth(nn.Module):
    """Class 0 against 1 by the first sample alone: the margin rises by 1 for each unit and falls by 0.06 at 0.56.

    It is positive, and the beat misread, between 0.55 and 0.56 only: half a step of PGD.
    """

    name = "mlp"

    def __init__(self) -> None:
        super().__init__()
        self.eval()

    def forward(self, x):
        at = x[:, :1]
        own = 0.55 - at + 0.06 * (at >= 0.56)
        return torch.cat((10 * own, 0 * at, (0 * at - 100).expand(-1, 3)), 1)


def light_of(name, check):
    return check.sign(name).light


class Told(Evidence):
    """Evidence that was made up: which of 100 beats each run breaks at the one level; nothing else does anything."""

    def __init__(self, **broken: range) -> None:
        self.levels, self.progress, self.flat_line = (0.1,), no_progress, 0
        self.y = torch.arange(100) % 2
        self._rows, self._masks, self._beyond = np.arange(100), {}, {}
        self._result = {name.replace("_", " "): marked for name, marked in broken.items()}

    def _attack(self, run, eps, places):
        return np.isin(places, list(self._result.get(run, range(0))))
