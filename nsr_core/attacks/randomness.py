"""Random numbers for attacks that belong to a beat, not to its place in a batch.

Drawn so, a beat meets the same chance whatever the batch size, the order, the shard or the survivors beside it. What is
left is rounding: matrix products of another shape may differ in the last bit, and where a network is not differentiable
(ties in the CNN's max-pooling over flat padding) the last bit decides which gradient is taken.
"""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nsr_core.errors import UserError

SHARED_STREAM = 2**63
LARGEST_SEED = 2**64 - 1


class Randomness(Protocol):
    """What an attack asks for when it needs chance."""

    def uniform(self, width: int, draw: int) -> Tensor:
        """(batch, width) float32 uniform in [-1, 1); another ``draw``, other numbers."""
        ...

    def signs(self, count: int, width: int, draw: int) -> Tensor:
        """(count, width) float32 of -1 and 1, the same for every beat; another ``draw``, other signs."""
        ...


class BeatRandomness:
    """Counter-based (Philox) numbers keyed by a seed and each beat's number.

    Args:
        seed: from 0 to 2**64 - 1.
        beats: (batch,) int, a number for each beat that stays its own in every run, such as its row
            in the data; below 2**47.

    Raises:
        UserError: a seed that is out of range.

    Example:
        >>> import numpy as np
        >>> whole = BeatRandomness(0, np.arange(5)).uniform(187)
        >>> bool((BeatRandomness(0, np.array([3])).uniform(187)[0] == whole[3]).all())
        True
    """

    def __init__(self, seed: int, beats: np.ndarray) -> None:
        if not 0 <= seed <= LARGEST_SEED:
            raise UserError(
                f"The seed is {seed}; expected a whole number from 0 to {LARGEST_SEED}. Choose a smaller one."
            )
        self.seed = seed
        self.beats = np.asarray(beats, np.uint64)

    def uniform(self, width: int, draw: int = 0) -> Tensor:
        rows = np.empty((len(self.beats), width), np.float32)
        # One generator, set to each beat's stream in turn: making a new one takes five times as long.
        philox = self._philox(0)
        generator, state = np.random.Generator(philox), philox.state
        for row, beat in zip(rows, self.beats, strict=True):
            state["state"]["key"][1] = (draw << 47) + int(beat)
            philox.state = state
            generator.random(dtype=np.float32, out=row)
        return torch.from_numpy(rows).mul_(2).sub_(1)

    def signs(self, count: int, width: int, draw: int = 0) -> Tensor:
        packed = np.random.Generator(self._philox(SHARED_STREAM + draw)).bytes((count * width + 7) // 8)
        bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=count * width)
        return torch.from_numpy(bits.astype(np.float32).reshape(count, width)).mul_(2).sub_(1)

    def _philox(self, stream: int) -> np.random.Philox:
        return np.random.Philox(key=np.array([self.seed, stream], np.uint64))


class BatchRandomness:
    """Numbers from one PyTorch generator in the order of asking: fast, for adversarial training.

    Args:
        generator: on the device where the numbers are wanted.
        batch: number of beats.
    """

    def __init__(self, generator: torch.Generator, batch: int) -> None:
        self._generator = generator
        self._batch = batch

    def uniform(self, width: int, draw: int = 0) -> Tensor:
        device = self._generator.device
        return torch.empty(self._batch, width, device=device).uniform_(-1, 1, generator=self._generator)

    def signs(self, count: int, width: int, draw: int = 0) -> Tensor:
        device = self._generator.device
        return torch.empty(count, width, device=device).bernoulli_(0.5, generator=self._generator).mul_(2).sub_(1)
