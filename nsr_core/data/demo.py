"""Synthetic beats that need no file and no network, for a first look and for tests.

Per class, the training beats were sorted into clusters, and of each cluster only averages and quantiles
over many beats were kept (``demo-templates.npz``). A demo beat is the mean of one cluster, stretched to a
length drawn from that cluster, with a little noise and baseline wander. No real beat is in the project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import BEAT_LENGTH, CLASSES, FS_HZ, Beats, signal_mask
from nsr_core.data.cutting import scale_rows
from nsr_core.errors import UserError
from nsr_core.files import write_atomically

TEMPLATES_FILE = "demo-templates.npz"
#: Points of a cluster mean, whatever the length of its beats.
POINTS = 128
CLUSTERS_PER_CLASS = 16
#: A smaller cluster is dropped: its mean could look like one of its beats.
MIN_CLUSTER_BEATS = 20
#: Beats of one class that are clustered at most; more hardly change the means.
MAX_FIT_BEATS = 20_000
#: How much the logarithm of the length counts beside the 187 samples. Of 3, 6, 10, 15, 20 and 30, networks
#: recognised the beats from 20 and 30 best (a sharper second R peak), and 20 blurs the shapes less.
LENGTH_WEIGHT = 20.0
#: The quantiles that are kept; draws lie between the first and the last of them.
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
NOISE_STD = 0.005
WANDER_AMPLITUDE = 0.01
WANDER_HZ = (0.15, 0.5)
MEAN_STEPS = 255
UV_PER_MV = 1000


@dataclass(frozen=True)
class Templates:
    """``k`` clusters of beats, in the small integers of their file.

    Attributes:
        label: (k,) uint8, index into ``CLASSES``.
        count: (k,) uint16, beats in the cluster, at least ``MIN_CLUSTER_BEATS``.
        mean: (k, 128) uint8, mean of the beats after each was resampled to 128 points; 255 is 1.0.
        length: (k, 5) uint8, quantiles of the number of signal samples, at ``LEVELS``.
        mv_min_uv, mv_range_uv: (k, 5) int16, quantiles of a beat's minimum and of its range, in microvolts.
    """

    label: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    length: np.ndarray
    mv_min_uv: np.ndarray
    mv_range_uv: np.ndarray

    def save(self, path: Path) -> None:
        """Write them to ``path`` (``.npz``), in one step."""
        write_atomically(path, lambda partial: np.savez_compressed(partial, **vars(self)))


def load_templates() -> Templates:
    """The templates that come with the project."""
    with files("nsr_core.data").joinpath(TEMPLATES_FILE).open("rb") as file, np.load(file) as stored:
        return Templates(**stored)


def fit_demo(beats: Beats, rows: np.ndarray, seed: int) -> Templates:
    """Sort the beats at ``rows`` into clusters, class by class, and keep averages and quantiles of each.

    k-means on the 187 samples as they stand (so with the padding) and the weighted log of the length.
    Beats that lost their end, or whose window a mark cut short, are left out: they blur the means.
    Clusters of fewer than 20 beats are dropped.

    Args:
        beats: beats with known mV range (source ``"mitbih"``).
        rows: (m,) int, row numbers of the beats to learn from: the training part of a split.
        seed: for the choice of beats where a class has more than 20,000, and for the start of k-means.

    Raises:
        ValueError: a class has no 20 beats of the same kind among ``rows``.
    """
    rng = np.random.default_rng(seed)
    whole = rows[~beats.truncated[rows] & ~beats.cut_short[rows]]
    clusters = []
    for label, name in enumerate(CLASSES):
        own = rng.permutation(whole[beats.y[whole] == label])[:MAX_FIT_BEATS]
        groups = [group for group in _cluster(beats[own], seed) if len(group) >= MIN_CLUSTER_BEATS]
        if not groups:
            raise ValueError(
                f"class {name}: {len(own)} usable beats fall into no cluster of {MIN_CLUSTER_BEATS}; give more rows"
            )
        clusters += [_summarise(group, label) for group in groups]
    return Templates(**{name: np.array([cluster[name] for cluster in clusters]) for name in clusters[0]})


def load_demo(count: int = 1000, seed: int = 0, class_shares: Sequence[float] | None = None) -> Beats:
    """``count`` synthetic beats; the same seed gives the same beats, and a smaller count the first of them.

    Args:
        count: how many beats.
        seed: of all that is drawn.
        class_shares: five relative frequencies in the order of ``CLASSES``; without it the classes are
            balanced: every five beats hold one of each.

    Returns:
        Beats with source ``"demo"``, record ``"demo"`` and lead ``"synthetic"``; ``sample`` is a running number.

    Raises:
        UserError: ``count`` is below 1 or ``seed`` below 0.
        ValueError: ``class_shares`` is not five numbers of which none is negative and one is positive.
    """
    if count < 1 or seed < 0:
        raise UserError(
            f"{count} demo beats with seed {seed} cannot be made. Ask for at least 1 beat, with a seed of 0 or more."
        )
    templates = load_templates()
    # One stream for each kind of number, each drawn beat after beat: so the first beats do not depend on the count.
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3)]
    y = _draw_classes(count, class_shares, streams[0])
    which, at_length, at_min, at_range, phase, speed = streams[1].random((count, 6)).T
    cluster = _draw_clusters(templates, y, which)
    length = np.rint(_between_quantiles(templates.length[cluster], at_length)).astype(np.int16)
    mv_min = _between_quantiles(templates.mv_min_uv[cluster], at_min) / UV_PER_MV
    mv_range = _between_quantiles(templates.mv_range_uv[cluster], at_range) / UV_PER_MV
    rows = _stretch(templates.mean[cluster] / MEAN_STEPS, length)
    rows += NOISE_STD * streams[2].standard_normal((count, BEAT_LENGTH))
    rows += _wander(phase, speed)
    signal = signal_mask(length)
    low, high = np.where(signal, rows, np.inf).min(axis=1), np.where(signal, rows, -np.inf).max(axis=1)
    return Beats(
        x=scale_rows(rows, low, high, length),
        y=y,
        length=length,
        record=np.full(count, "demo"),
        sample=np.arange(count, dtype=np.int64),
        lead=np.full(count, "synthetic"),
        mv_min=mv_min.astype(np.float32),
        mv_max=(mv_min + mv_range).astype(np.float32),
        cut_short=np.zeros(count, bool),
        truncated=np.zeros(count, bool),
        source="demo",
    )


def to_points(x: np.ndarray, length: np.ndarray) -> np.ndarray:
    """(n, 187) beats to (n, 128): the signal samples of each stretched or squeezed to 128, as the cluster means are."""
    positions = np.arange(POINTS) * (np.asarray(length)[:, None] - 1) / (POINTS - 1)
    return _interpolate(x, positions)


def _cluster(beats: Beats, seed: int) -> list[Beats]:
    """The beats of one class in at most 16 groups."""
    from sklearn.cluster import KMeans  # here, because only fitting needs it and it is slow to import

    number = min(CLUSTERS_PER_CLASS, len(beats) // MIN_CLUSTER_BEATS)
    if number == 0:
        return []
    features = np.column_stack([beats.x, LENGTH_WEIGHT * np.log(beats.length)])
    group = KMeans(number, n_init=2, random_state=seed).fit_predict(features)
    return [beats[group == k] for k in range(number)]


def _summarise(group: Beats, label: int) -> dict[str, np.ndarray]:
    """One cluster as one row of every column of ``Templates``."""
    return {
        "label": np.uint8(label),
        "count": np.uint16(len(group)),
        "mean": np.rint(to_points(group.x, group.length).mean(axis=0) * MEAN_STEPS).astype(np.uint8),
        "length": np.rint(np.quantile(group.length, LEVELS)).astype(np.uint8),
        "mv_min_uv": np.rint(np.quantile(group.mv_min, LEVELS) * UV_PER_MV).astype(np.int16),
        "mv_range_uv": np.rint(np.quantile(group.mv_range, LEVELS) * UV_PER_MV).astype(np.int16),
    }


def _draw_classes(count: int, shares: Sequence[float] | None, rng: np.random.Generator) -> np.ndarray:
    """(count,) int64 class of each beat."""
    if shares is None:
        fives = -(-count // len(CLASSES))
        return np.argsort(rng.random((fives, len(CLASSES))), axis=1).ravel()[:count]
    weights = np.asarray(shares, np.float64)
    if weights.shape != (len(CLASSES),) or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
        raise ValueError(f"class_shares is {shares}, expected {len(CLASSES)} numbers >= 0 that are not all 0")
    return np.searchsorted(np.cumsum(weights / weights.sum())[:-1], rng.random(count), side="right")


def _draw_clusters(templates: Templates, y: np.ndarray, which: np.ndarray) -> np.ndarray:
    """(n,) row of ``templates`` for each beat: of its class, each cluster as often as it has beats."""
    cluster = np.empty(len(y), np.int64)
    for label in range(len(CLASSES)):
        rows = np.flatnonzero(templates.label == label)
        share = np.cumsum(templates.count[rows] / templates.count[rows].sum())
        own = y == label
        cluster[own] = rows[np.searchsorted(share[:-1], which[own], side="right")]
    return cluster


def _between_quantiles(quantiles: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(n, 5) quantiles and (n,) numbers in [0, 1) to (n,) values from the first quantile to the last."""
    return _interpolate(quantiles, at[:, None] * (len(LEVELS) - 1))[:, 0]


def _stretch(means: np.ndarray, length: np.ndarray) -> np.ndarray:
    """(n, 128) cluster means to (n, 187) rows with the mean spread over the first ``length`` samples."""
    points = np.arange(BEAT_LENGTH) * (POINTS - 1) / (length[:, None] - 1)
    return _interpolate(means, np.minimum(points, POINTS - 1))


def _interpolate(rows: NDArray[np.floating], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) rows read at (n, k) fractional positions, linearly."""
    below: NDArray[np.int64] = np.minimum(positions.astype(np.int64), rows.shape[1] - 2)
    left = np.take_along_axis(rows, below, axis=1).astype(np.float64)
    right = np.take_along_axis(rows, below + 1, axis=1)
    return left + (positions - below) * (right - left)


def _wander(phase: NDArray[np.float64], speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 187) slow sine waves, as breathing moves the baseline; ``phase`` and ``speed`` are in [0, 1)."""
    hz = WANDER_HZ[0] + speed * (WANDER_HZ[1] - WANDER_HZ[0])
    seconds = np.arange(BEAT_LENGTH) / FS_HZ
    return WANDER_AMPLITUDE * np.sin(2 * np.pi * (hz[:, None] * seconds + phase[:, None]))
