"""What changes from step to step of a training: the learning rate, and settings of the method that grow or shrink."""

from typing import Any

import torch
from torch import Tensor

from nsr_core.methods import Method
from nsr_core.training.captured import differing, with_tensors
from nsr_core.training.config import TrainConfig
from nsr_core.training.schedule import SCHEDULES


class Pace:
    """Learning rate and method at each moment of a training.

    Attributes:
        learning_rate: as it is now.
        method: as it is now.
    """

    learning_rate: Any
    method: Method

    def __init__(self, config: TrainConfig) -> None:
        self._config, self._whole = config, config.make_method()
        self.set(0.0)

    def set(self, done: float) -> None:
        """To the moment at which a share ``done`` of all steps, from 0 to below 1, lies behind."""
        self.method = self._whole.scheduled(done)
        self.learning_rate = self._config.learning_rate * SCHEDULES[self._config.schedule](done)


class PaceOnDevice(Pace):
    """The same in scalars on a CUDA device, which stay where they are: a captured step reads them at every replay."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._config, self._whole = config, config.make_method()
        self._rate = float("nan")
        self.learning_rate: Tensor = torch.zeros((), device=device)
        begun = self._whole.scheduled(0.0)
        self.moving = {
            name: torch.zeros((), dtype=torch.float64, device=device) for name in differing(self._whole, begun)
        }
        self.method = with_tensors(self._whole, self.moving)
        self.set(0.0)

    def set(self, done: float) -> None:
        rate = self._config.learning_rate * SCHEDULES[self._config.schedule](done)
        if rate != self._rate:
            self.learning_rate.fill_(rate)
            self._rate = rate
        now = self._whole.scheduled(done) if self.moving else self._whole
        for name, value in self.moving.items():
            value.fill_(getattr(now, name))


def make_pace(config: TrainConfig, device: torch.device) -> Pace:
    """The pace of a training on a device, at its beginning."""
    return PaceOnDevice(config, device) if device.type == "cuda" else Pace(config)
