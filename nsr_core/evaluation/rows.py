"""Some beats as a network takes them, and which of them it reads correctly."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nsr_core.data import Beats
from nsr_core.evaluation.robustness import predict
from nsr_core.models import Network


def as_tensors(beats: Beats, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """(rows, 187) x, (rows,) y and (rows,) int64 length of some beats; a row may be named more than once."""
    length = beats.length[rows].astype(np.int64)
    return torch.from_numpy(beats.x[rows]), torch.from_numpy(beats.y[rows]), torch.from_numpy(length)


def read_correctly(network: Network, beats: Beats, rows: np.ndarray) -> np.ndarray:
    """(rows,) bool, whether the network reads each beat correctly without noise."""
    correct: NDArray[np.bool_] = predict(network, beats.x[rows]) == beats.y[rows]
    return correct


def is_read_correctly(network: Network, beats: Beats, row: int) -> bool:
    """Whether the network reads one beat correctly without noise."""
    return bool(read_correctly(network, beats, np.array([row]))[0])
