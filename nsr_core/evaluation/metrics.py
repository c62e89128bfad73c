"""From labels and predictions to numbers: at equal priors, as the paper reports, and at natural prevalence."""

import numpy as np
from numpy.typing import NDArray

from nsr_core.data import CLASSES


def confusion(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """(5, 5) int64 counts, true class by row, predicted class by column."""
    size = len(CLASSES)
    return np.bincount(y.astype(np.int64) * size + pred, minlength=size * size).reshape(size, size)


def recall(counts: np.ndarray) -> np.ndarray:
    """Share of each class's beats that are classified as such; NaN for a class without beats.

    Args:
        counts: (..., 5, 5) confusion counts.

    Returns:
        (..., 5)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        recalls: NDArray[np.float64] = np.diagonal(counts, axis1=-2, axis2=-1) / counts.sum(-1)
    return recalls


def accuracy(counts: np.ndarray) -> np.ndarray:
    """ACC of the paper: accuracy with every class as frequent as any other, the mean of the recalls.

    The paper tiles its test set to equal class sizes and counts; weighting each distinct beat gives the
    same number. Classes without beats are left out.
    """
    mean: NDArray[np.float64] = np.nanmean(recall(counts), axis=-1)
    return mean


def precision(counts: np.ndarray) -> np.ndarray:
    """PREC of the paper: the mean over classes of the precision, with every class as frequent as any other.

    A class that is never predicted has precision 0.

    Args:
        counts: (..., 5, 5) confusion counts.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.nan_to_num(counts / counts.sum(-1, keepdims=True))
    return _mean_precision(shares, counts)


def natural_accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of all beats that are classified correctly, classes as frequent as in ``counts`` (see ``at_frequencies``)."""
    share: NDArray[np.float64] = np.trace(counts, axis1=-2, axis2=-1) / counts.sum((-2, -1))
    return share


def natural_precision(counts: np.ndarray) -> np.ndarray:
    """Mean over classes of the precision, classes as frequent as in ``counts``; 0 for a class never predicted."""
    return _mean_precision(counts, counts)


def at_frequencies(counts: np.ndarray, natural: np.ndarray | None) -> np.ndarray:
    """Confusion counts as if the classes were as frequent as in ``natural``; as they are where that is None.

    Args:
        counts: (..., 5, 5) confusion counts, perhaps of as many beats of each class.
        natural: (5,) how many beats each class has in the data.

    Returns:
        (..., 5, 5) float; a class without beats in ``counts`` stays without.
    """
    if natural is None:
        return counts
    sizes = counts.sum(-1, keepdims=True)
    weighted: NDArray[np.float64] = counts * (np.asarray(natural, float)[:, None] / np.maximum(sizes, 1))
    return weighted


def _mean_precision(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    predicted = weights.sum(-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_class = np.nan_to_num(np.diagonal(weights, axis1=-2, axis2=-1) / predicted)
    present = counts.sum(-1) > 0
    mean: NDArray[np.float64] = (per_class * present).sum(-1) / present.sum(-1)
    return mean


def bootstrap_counts(counts: np.ndarray, repeats: int = 1000, seed: int = 0) -> np.ndarray:
    """Confusion counts of ``repeats`` resampled test sets: each class's beats are redrawn among themselves.

    Beats are drawn one by one, as if independent; beats of one patient are not, so intervals read too narrow
    for new patients.

    Args:
        counts: (5, 5).

    Returns:
        (repeats, 5, 5)
    """
    rng = np.random.default_rng(seed)
    sizes = counts.sum(1)
    shares = counts / np.maximum(sizes, 1)[:, None]
    shares[sizes == 0, 0] = 1.0
    return np.stack([rng.multinomial(size, share, repeats) for size, share in zip(sizes, shares, strict=True)], axis=1)


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The central interval that holds ``level`` of the values."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
