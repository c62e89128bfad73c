"""What an epoch is worth: clean accuracy and accuracy under a short PGD on validation beats."""

import numpy as np
import torch
from torch import Tensor

from nsr_core.attacks import PGD, BeatRandomness
from nsr_core.data import CLASSES, Beats
from nsr_core.data.splits import first_of_each_class
from nsr_core.models import Network

VALIDATION_EPS = 0.1
VALIDATION_ATTACK = PGD(steps=20)
#: Attacked validation beats of each class: enough to see a trend, few enough not to slow an epoch.
BEATS_PER_CLASS = 200
BATCH = 512


class Validator:
    """Holds the validation beats and scores a network on them.

    Accuracy is the mean of the class recalls, as everywhere in the paper protocol. The attack is 20-PGD at
    epsilon 0.1 on the first 200 validation beats of each class, always with the same random start.
    """

    def __init__(self, beats: Beats, rows: np.ndarray, device: torch.device) -> None:
        attacked = first_of_each_class(beats, rows, BEATS_PER_CLASS)
        self._x, self._y = _tensors(beats, rows, device)
        self._attacked_x, self._attacked_y = _tensors(beats, attacked, device)
        self._attacked_rows = attacked

    def score(self, network: Network) -> dict[str, float]:
        """``val_acc`` and ``val_pgd_acc`` of a network, which is left in training mode."""
        network.eval()
        clean = [self._correct(network, x, y) for x, y in self._batches(self._x, self._y)]
        robust = []
        batches = self._batches(self._attacked_x, self._attacked_y)
        for (x, y), rows in zip(
            batches, np.split(self._attacked_rows, range(BATCH, len(self._attacked_rows), BATCH)), strict=True
        ):
            attacked = VALIDATION_ATTACK(network, x, y, VALIDATION_EPS, randomness=BeatRandomness(0, rows))
            robust.append(self._correct(network, x, y) & self._correct(network, attacked.x_adv, y))
        network.train()
        return {
            "val_acc": _mean_recall(torch.cat(clean), self._y),
            "val_pgd_acc": _mean_recall(torch.cat(robust), self._attacked_y),
        }

    @staticmethod
    def _batches(x: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
        return list(zip(x.split(BATCH), y.split(BATCH), strict=True))

    @staticmethod
    @torch.no_grad()
    def _correct(network: Network, x: Tensor, y: Tensor) -> Tensor:
        return network(x).argmax(1).eq(y)


def _tensors(beats: Beats, rows: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(beats.x[rows]).to(device), torch.from_numpy(beats.y[rows]).to(device)


def _mean_recall(correct: Tensor, y: Tensor) -> float:
    totals = torch.bincount(y, minlength=len(CLASSES)).double()
    hits = torch.bincount(y, weights=correct.double(), minlength=len(CLASSES))
    present = totals > 0
    return float((hits[present] / totals[present]).mean())
