"""A beat that little noise flips for one network and for another not, in the worst case either."""

import numpy as np
import torch
from torch import Tensor

from nsr_core.attacks import Attack, BeatRandomness, Box, WorstCase
from nsr_core.beat.sweep import attacked
from nsr_core.certificates import can_be_certified, guaranteed_margin
from nsr_core.certificates.search import LEAST_MARGIN
from nsr_core.data import CLASSES, Beats
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.rows import as_tensors
from nsr_core.models import Network
from nsr_core.training.checkpoint import Checkpoint

#: How many of the best beats are certified, how many at a time, and how many of them meet the worst case where none is certified.
CERTIFIED, TOGETHER, IN_THE_WORST_CASE = 64, 16, 16


def find_contrast(
    weak: Checkpoint, strong: Checkpoint, attack: Attack, beats: Beats, rows: np.ndarray, eps: float
) -> int | None:
    """A beat that an attack on its signal samples flips for one network, and no attack of ours for another.

    Both read it correctly without noise. That ``strong`` withstands ``attack`` is not enough: a beat is chosen that is
    certified for it at this level or, where none is, one that withstands the worst case. Where there is a choice: one that
    ``weak`` then reads as normal, and of those the one that ``weak`` was surest of before and ``strong`` is surest of
    afterwards.

    Args:
        rows: the beats to look among.
        eps: noise level for both.

    Returns:
        Its row; None where there is none, or where none of the 16 best withstands the worst case.
    """
    x, y, _ = as_tensors(beats, rows)
    read = {}
    for name, checkpoint in (("weak", weak), ("strong", strong)):
        with torch.inference_mode():
            before = checkpoint.network(x).softmax(1)
        read[name] = before, attacked(checkpoint.network, attack, beats, rows, eps, 0, True).logits.softmax(1)
    (weak_before, weak_after), (strong_before, strong_after) = read["weak"], read["strong"]
    found = (weak_before.argmax(1) == y) & (weak_after.argmax(1) != y)
    found &= (strong_before.argmax(1) == y) & (strong_after.argmax(1) == y)
    normal = weak_after.argmax(1) == CLASSES.index("N")
    liking = weak_before.amax(1) + strong_after.amax(1) + 2 * normal
    best = liking.argsort(descending=True, stable=True)
    return _first_withstanding(strong.network, beats, rows[best[found[best]].numpy()], eps)


def _first_withstanding(network: Network, beats: Beats, rows: np.ndarray, eps: float) -> int | None:
    """The first of the rows that is certified at ``eps``; else the first that withstands the worst case."""
    if can_be_certified(network):
        for start in range(0, min(len(rows), CERTIFIED), TOGETHER):
            some = rows[start : start + TOGETHER]
            x, y, length = as_tensors(beats, some)
            proved = (guaranteed_margin(network, x, y, Box.around(x.double(), eps, length)) >= LEAST_MARGIN).numpy()
            if proved.any():
                return int(some[proved.argmax()])
    some = rows[:IN_THE_WORST_CASE]
    withstands = ~_broken(network, beats, some, eps).numpy() if len(some) else np.zeros(0, bool)
    return int(some[withstands.argmax()]) if withstands.any() else None


def _broken(network: Network, beats: Beats, rows: np.ndarray, eps: float) -> Tensor:
    x, y, length = as_tensors(beats, rows)
    result = WorstCase()(network, x, y, eps, length=length, randomness=BeatRandomness(0, rows))
    return judge(network, x, y, eps, length, result.x_adv).broken
