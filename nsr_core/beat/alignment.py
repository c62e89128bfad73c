"""How the gradient of the true class's logit lies to the beat (the paper's Figure 3), measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nsr_core.beat.nsr import noise_to_signal
from nsr_core.data import CLASSES, Beats
from nsr_core.evaluation.robustness import predict
from nsr_core.evaluation.rows import as_tensors, read_correctly
from nsr_core.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class Alignment:
    """How w_y lies to a beat: z_y = w_y x + b_y around the beat x (eq. 2).

    Attributes:
        checkpoint, weights: the network's name and the digest of its weights.
        method: how it was trained.
        beat, true_class, read_class: the beat's name, its class and what the network reads.
        w: (187,) w_y.
        x_norm, w_norm: L2 norms of x and of w_y.
        cosine: of the angle between x and w_y.
        z, b: z_y and b_y.
    """

    checkpoint: str
    weights: str
    method: str
    beat: str
    true_class: str
    read_class: str
    w: np.ndarray
    x_norm: float
    w_norm: float
    cosine: float
    z: float
    b: float

    @property
    def angle_deg(self) -> float:
        """Between x and w_y, from 0 to 180."""
        return float(_degrees(np.array(self.cosine)))

    @property
    def relative_length(self) -> float:
        """Length of w_y over that of x / (x x), the vector that loss1 pulls it to (eq. 4 with gamma = 1)."""
        return self.w_norm * self.x_norm


def align(checkpoint: Checkpoint, beats: Beats, row: int) -> Alignment:
    """The angle between a beat and the gradient of its true class's logit."""
    x, y, _ = as_tensors(beats, np.array([row]))
    line = noise_to_signal(checkpoint.network, x, y)
    return Alignment(
        checkpoint=checkpoint.name,
        weights=checkpoint.digest,
        method=checkpoint.config.method,
        beat=beats.name(row),
        true_class=CLASSES[beats.y[row]],
        read_class=CLASSES[int(predict(checkpoint.network, x.numpy())[0])],
        w=line.w[0].numpy(),
        x_norm=float(x.double().norm()),
        w_norm=float(line.w.double().norm()),
        cosine=float(_cosines(line.w, x)),
        z=float(line.z),
        b=float(line.b),
    )


def angles_deg(checkpoint: Checkpoint, beats: Beats, rows: np.ndarray) -> np.ndarray:
    """(rows,) the angle between each beat and w_y in degrees; NaN where the network misreads the beat without noise."""
    x, y, _ = as_tensors(beats, rows)
    angles = _degrees(_cosines(noise_to_signal(checkpoint.network, x, y).w, x).numpy())
    return np.where(read_correctly(checkpoint.network, beats, rows), angles, np.nan)


def _cosines(w: Tensor, x: Tensor) -> Tensor:
    """(batch,) of the angle between the rows of two (batch, 187), in double precision."""
    w, x = w.double(), x.double()
    # A network that is flat around the beat has no direction; it is not aligned with anything: 0.
    cosines: Tensor = (w * x).sum(1) / (w.norm(dim=1) * x.norm(dim=1)).clamp_min(1e-300)
    return cosines


def _degrees(cosines: np.ndarray) -> np.ndarray:
    degrees: NDArray[np.float64] = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return degrees


def sample_rows(beats: Beats, per_class: int = 200, seed: int = 0) -> np.ndarray:
    """``per_class`` rows of each class drawn without replacement, fewer where there are fewer; ascending."""
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(np.flatnonzero(beats.y == label))[:per_class] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(drawn))


def typical(angles: Sequence[np.ndarray]) -> int:
    """The beat, among those that all networks read correctly, whose angles are together nearest to their medians.

    Args:
        angles: of ``angles_deg``, for each network over the same beats.

    Returns:
        Its place among them; 0 where there is none.
    """
    distance = sum(np.abs(of_one - np.nanmedian(of_one)) for of_one in angles if np.isfinite(of_one).any())
    known = np.isfinite(distance)
    return int(np.argmin(np.where(known, distance, np.inf))) if np.any(known) else 0
