"""How unlike the training beats a beat is: its distance to the nearest cluster of them.

The clusters are those of the demo beats (``nsr_core.data.demo``). The distance is Mahalanobis' with one covariance for all
clusters: eight directions in which beats of a cluster differ from its mean, and what is left as noise of one size. So a
difference counts by how unusual it is among training beats, not by how large. What is usual was measured on the
validation beats, each class counting the same.

A distance to a mean says little of what has no shape at all: a straight line lies nearer to some clusters than many a beat. So
what only rises, only falls, or climbs as evenly as a ramp or a counter is called unlike, whatever its distance.

A beat that is like the training beats may still be read wrongly; one that is unlike them, nobody has tested at all.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import CLASSES, Beats
from nsr_core.data.demo import MEAN_STEPS, POINTS, Templates, load_templates, to_points
from nsr_core.files import write_atomically
from nsr_core.recordings.pieces import beats_at_once

LIKENESS_FILE = "likeness.npz"
#: Directions kept. With more, sine waves and random walks pass for beats; with fewer, beats in mild noise do not.
DIRECTIONS = 8
#: A beat is called unlike from this share of the validation beats on.
USUAL = 0.99
#: A beat goes back on its way by at least this share of its range, and its median step, taken throughout, makes at most this share
#: of all its steps that way. Each has 5 exceptions among 10,000 validation beats.
LEAST_RETURN, MOST_EVEN = 0.15, 0.8
#: The shares of the validation beats whose distance is kept.
LEVELS = np.round(np.concatenate([np.arange(0, 0.99, 0.01), np.arange(0.99, 1.0001, 0.001)]), 3)


@dataclass(frozen=True)
class Likeness:
    """What the distance needs.

    Attributes:
        directions: (8, 128) float32, orthonormal.
        variance: (8,) float32, along each of them.
        rest: (1,) float32, variance along any other.
        quantiles: (levels,) float32, distances of the validation beats at ``LEVELS``.
        split: fingerprint of the split that it was fitted on.
    """

    directions: np.ndarray
    variance: np.ndarray
    rest: np.ndarray
    quantiles: np.ndarray
    split: str

    @property
    def limit(self) -> float:
        """The distance beyond which a beat is unlike."""
        return float(np.interp(USUAL, LEVELS, self.quantiles))

    def save(self, path: Path) -> None:
        """Write it to ``path`` (``.npz``), in one step."""
        write_atomically(path, lambda partial: np.savez_compressed(partial, **vars(self)))


def load_likeness() -> Likeness:
    """The one that comes with the project."""
    with files("nsr_core.recordings").joinpath(LIKENESS_FILE).open("rb") as file, np.load(file) as stored:
        return Likeness(**{name: stored[name] for name in stored.files if name != "split"}, split=str(stored["split"]))


def distances(likeness: Likeness, beats: Beats, templates: Templates | None = None) -> np.ndarray:
    """(n,) Mahalanobis distance of each beat to the nearest cluster, per square root of a point; about 1 is usual."""
    means = _means(templates or load_templates())
    nearest = np.full(len(beats), np.inf)
    for rows in beats_at_once(len(beats)):
        points = _points(beats[rows])
        for mean in means:
            nearest[rows] = np.minimum(nearest[rows], _squared(likeness, points - mean))
    return np.sqrt(nearest / POINTS)


def unlike(likeness: Likeness, beats: Beats, distance: np.ndarray | None = None) -> np.ndarray:
    """(n,) bool, whether each beat is unlike the training beats: too far from every cluster, or without a beat's shape.

    Args:
        distance: (n,) of ``distances``, where it is known.
    """
    distance = distances(likeness, beats) if distance is None else distance
    return np.asarray((distance > likeness.limit) | shapeless(beats.x, beats.length))


def shapeless(x: np.ndarray, length: np.ndarray) -> np.ndarray:
    """(n,) bool, whether a signal only rises or falls, or is a ramp with jumps; ``x`` (n, 187), ``length`` (n,) signal samples."""
    parts = [_shapeless(x[rows], length[rows]) for rows in beats_at_once(len(x))]
    return np.concatenate([np.empty(0, bool), *parts])


def _shapeless(x: np.ndarray, length: np.ndarray) -> NDArray[np.bool_]:
    step = np.diff(x.astype(np.float64), axis=1)
    inside = np.arange(1, x.shape[1]) < np.asarray(length)[:, None]
    rise, fall = (np.where(inside, np.maximum(sign * step, 0), 0).sum(axis=1) for sign in (1, -1))
    steps = inside.sum(axis=1)
    ordered = np.sort(np.where(inside, step, np.inf), axis=1)  # what is inside first; its middle is the median
    middle = np.column_stack([np.maximum(steps - 1, 0) // 2, steps // 2])
    median = np.where(steps > 0, np.take_along_axis(ordered, middle, axis=1).mean(axis=1), 0.0)
    even = np.abs(median) * steps > MOST_EVEN * np.where(median > 0, rise, fall)
    without_shape: NDArray[np.bool_] = (np.minimum(rise, fall) < LEAST_RETURN) | even
    return without_shape


def fit_likeness(beats: Beats, train: np.ndarray, validation: np.ndarray, split: str) -> Likeness:
    """Directions and variances from the training rows, each class counting the same; quantiles from the validation rows.

    Args:
        beats: the real beats.
        train, validation: (m,) rows of a split, ``split`` its fingerprint.
    """
    templates = load_templates()
    own = beats[train]
    points, means = _points(own), _means(templates)
    residual = points - means[_nearest_of_class(points, means, own.y, templates.label)]
    weight = _equal_priors(own.y)
    variance, directions = np.linalg.eigh((residual * weight[:, None]).T @ residual)
    kept = slice(None, -DIRECTIONS - 1, -1)
    rest = np.array([variance[:-DIRECTIONS].mean()], np.float32)
    fitted = Likeness(
        directions[:, kept].T.astype(np.float32),
        variance[kept].astype(np.float32),
        rest,
        np.empty(0, np.float32),
        split,
    )
    held_out = beats[validation]
    quantiles = np.quantile(
        distances(fitted, held_out, templates), LEVELS, weights=_equal_priors(held_out.y), method="inverted_cdf"
    )
    return Likeness(fitted.directions, fitted.variance, rest, quantiles.astype(np.float32), split)


def _means(templates: Templates) -> np.ndarray:
    return templates.mean / MEAN_STEPS


def _points(beats: Beats) -> np.ndarray:
    return to_points(beats.x, np.maximum(beats.length, 2))  # a beat of one sample has no shape to stretch


def _squared(likeness: Likeness, residual: np.ndarray) -> np.ndarray:
    along = residual @ likeness.directions.T
    beyond = np.maximum((residual**2).sum(axis=1) - (along**2).sum(axis=1), 0)
    squared: NDArray[np.float64] = (along**2 / likeness.variance).sum(axis=1) + beyond / likeness.rest
    return squared


def _nearest_of_class(points: np.ndarray, means: np.ndarray, y: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(n,) which mean of its own class is nearest to each beat."""
    squared = (means**2).sum(axis=1)[None] - 2 * points @ means.T
    squared[y[:, None] != label[None]] = np.inf
    nearest: NDArray[np.int64] = squared.argmin(axis=1)
    return nearest


def _equal_priors(y: np.ndarray) -> np.ndarray:
    """(n,) weights that sum to 1, every class that is there weighing the same."""
    counts = np.bincount(y, minlength=len(CLASSES))
    weights: NDArray[np.float64] = 1 / counts[y] / np.count_nonzero(counts)
    return weights
