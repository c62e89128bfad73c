"""Step 1: chance against choice, noise whose signs a coin chose against noise that PGD chose."""

from dataclasses import dataclass

import numpy as np
import torch

from nsr_core.attacks import Box
from nsr_core.attacks.objectives import margin
from nsr_core.beat.nsr import noise_to_signal
from nsr_core.data import CLASSES, Beats
from nsr_core.evaluation.rows import as_tensors
from nsr_core.lesson.climbing import climb
from nsr_core.models import Network

DRAWS = 200


@dataclass(frozen=True)
class AgainstChance:
    """A beat under noise whose signs a coin chose, and under noise that PGD chose, both of the same size.

    Attributes:
        x_coin: (draws, 187) beats with coin noise: every signal sample moved by all of eps, up or down.
        coin_margin: (draws,) right logit minus the largest other; below 0 the reading has flipped.
        x_chosen: (187,) where the lesson's PGD ends, which goes on after the flip.
        clean_margin, attack_margin: the same without noise and there.
        coin_class, attack_class: what is read after each draw, and after PGD.
        coin_spread: eps ||w_y||_2 over the signal, the standard deviation of w_y e under coin noise that nothing clips.
        chosen_most: eps ||w_y||_1 over the signal, the largest w_y e of any noise of that size.
    """

    x_coin: np.ndarray
    coin_margin: np.ndarray
    x_chosen: np.ndarray
    clean_margin: float
    attack_margin: float
    coin_class: np.ndarray
    attack_class: str
    coin_spread: float
    chosen_most: float

    @property
    def flips(self) -> int:
        """How many of the draws flipped the reading."""
        return int((self.coin_margin < 0).sum())


def against_chance(network: Network, beats: Beats, row: int, eps: float, seed: int = 0) -> AgainstChance:
    """200 times coin noise on a beat, once PGD, at the same noise level."""
    x, y, length = as_tensors(beats, np.full(DRAWS, row))
    box = Box.around(x, eps, length)
    signs = torch.from_numpy(np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), x.shape))
    x_coin = box.clip(x + eps * signs)
    x_chosen = climb(network, x[:1], y[:1], box.at(torch.tensor([0])))[-1]
    w = noise_to_signal(network, x[:1], y[:1]).w[0, : int(length[0])]
    with torch.no_grad():
        coin, chosen, clean = network(x_coin), network(x_chosen), network(x[:1])
    return AgainstChance(
        x_coin.numpy(),
        -margin(coin, y).numpy(),
        x_chosen[0].numpy(),
        -float(margin(clean, y[:1])),
        -float(margin(chosen, y[:1])),
        np.array(CLASSES)[coin.argmax(1).numpy()],
        CLASSES[int(chosen.argmax())],
        eps * float(w.norm()),
        eps * float(w.abs().sum()),
    )
