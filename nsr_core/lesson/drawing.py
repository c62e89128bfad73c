"""Step 9: noise that a reader draws, and what becomes of the beat under it, as under any other noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nsr_core.attacks import Box
from nsr_core.attacks.objectives import margin
from nsr_core.data import CLASSES, Beats
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import as_tensors
from nsr_core.models import Network

#: What a hand can do at once: from the beat's (length,) signal samples to noise in shares of eps, by title.
SHAPES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "Raise": np.ones_like,
    "Lower": lambda x: -np.ones_like(x),
    "Slow wave": lambda x: np.sin(np.linspace(0, 4 * np.pi, len(x))),
    "Zigzag": lambda x: 1 - 2 * (np.arange(len(x)) % 2),
    "Flatten": lambda x: np.sign(np.median(x) - x),
}


@dataclass(frozen=True)
class UnderNoise:
    """One beat under several noises, each brought into the same budget.

    Attributes:
        label: the beat's class, as a number.
        before: (5,) class probabilities without noise.
        box: (2, 187) the lowest and the highest that each sample may become.
        x: (n, 187) the beat with each noise, within eps of the beat and within [0, 1]; the padding stays.
        probabilities: (n, 5) of the classes there.
        clean_lead, lead: right logit minus the largest other without noise, and (n,) with each noise; below 0 it is misread.
    """

    label: int
    before: np.ndarray
    box: np.ndarray
    x: np.ndarray
    probabilities: np.ndarray
    clean_lead: float
    lead: np.ndarray

    @property
    def taken(self) -> np.ndarray:
        """(n,) how much of its probability the beat's own class lost; below 0 where it gained."""
        return np.asarray(self.before[self.label] - self.probabilities[:, self.label])

    @property
    def read_as(self) -> np.ndarray:
        """(n,) str, the class that is read."""
        return np.asarray(np.array(CLASSES)[self.probabilities.argmax(1)])


def under_noise(network: Network, beats: Beats, row: int, noise: np.ndarray, eps: float) -> UnderNoise:
    """What a network makes of a beat under noise on its signal samples.

    Args:
        noise: (n, length) in units of the beat's range; what exceeds ``eps``, or leads out of [0, 1], is clipped.

    Raises:
        UserError: ``noise`` is of another shape, or not finite.
    """
    x, y, length = as_tensors(beats, np.array([row]))
    noise = np.asarray(noise, np.float64)
    if noise.ndim != 2 or noise.shape[1] != int(length) or not np.isfinite(noise).all():
        raise UserError(
            f"Noise on this beat is {int(length)} finite numbers, one for each signal sample; this is of shape {noise.shape}."
        )
    wanted = x.double().repeat(len(noise), 1)
    wanted[:, : int(length)] += torch.from_numpy(noise)
    box = Box.around(x, eps, length)
    x_noisy = box.clip(wanted.to(x.dtype))
    with torch.inference_mode():
        logits = network(torch.cat([x, x_noisy]))
    before, *after = logits.softmax(1).numpy()
    clean_lead, *lead = (-margin(logits, y.expand(len(logits)))).tolist()
    limits = torch.cat([box.low, box.high]).numpy()
    return UnderNoise(int(y), before, limits, x_noisy.numpy(), np.array(after), clean_lead, np.array(lead))


def noise_from(values: object, length: int) -> NDArray[np.float64]:
    """(length,) noise out of what a browser sent, which may be anything.

    Raises:
        UserError: it is not a list of ``length`` finite numbers.
    """
    wrong = UserError(f"A drawing is {length} finite numbers, one for each signal sample. Draw again.")
    if not isinstance(values, list) or len(values) != length:
        raise wrong
    if not all(isinstance(value, int | float) and abs(value) <= 1 for value in values):  # NaN is not
        raise wrong
    return np.array(values, np.float64)
