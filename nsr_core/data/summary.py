"""What there is in a set of beats: counts by class, part and record, lengths, padding, and a draw to look at."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nsr_core.data.beats import BEAT_LENGTH, CLASSES, FS_HZ, Beats
from nsr_core.data.demo import load_templates
from nsr_core.data.splits import DS1, DS2, Split

PARTS = ("train", "validation", "test")
#: What the split by patient does with a record.
RECORD_PARTS = ("DS1, train", "DS2, test", "left out, paced")
#: Width of a bin of the histogram of lengths: 3 samples, 25 ms.
BIN_SAMPLES = 3


@dataclass(frozen=True)
class PartCounts:
    """How many beats of each class are in each part of a split.

    Attributes:
        counts: (5, 3) int, classes by train, validation, test.
    """

    counts: NDArray[np.int64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """(5, 3) share of each class in its part."""
        shares: NDArray[np.float64] = self.counts / np.maximum(self.counts.sum(axis=0), 1)
        return shares

    @property
    def largest(self) -> int:
        """Training beats of the largest class, to which the others are tiled."""
        return int(self.counts[:, 0].max())

    @property
    def epoch(self) -> int:
        """Beats that one balanced epoch shows."""
        return self.largest * int((self.counts[:, 0] > 0).sum())

    def repeats(self, label: int) -> float:
        """How often one balanced epoch shows a training beat of class ``label``, on average; NaN where it has none."""
        count = int(self.counts[label, 0])
        return self.largest / count if count else float("nan")

    @property
    def rarest(self) -> int:
        """The class whose training beats are repeated most, an index into ``CLASSES``."""
        return int(np.nanargmax([self.repeats(label) for label in range(len(CLASSES))]))

    def table(self) -> pd.DataFrame:
        """One row per class: class, and for each part the count and the share."""
        columns = {"class": CLASSES} | dict(zip(PARTS, self.counts.T, strict=True))
        return pd.DataFrame(columns | {f"{part} share": self.shares[:, at] for at, part in enumerate(PARTS)})


def count_parts(beats: Beats, split: Split) -> PartCounts:
    """Beats by class and by part of the split."""
    parts = (split.train, split.validation, split.test)
    return PartCounts(np.column_stack([np.bincount(beats.y[rows], minlength=len(CLASSES)) for rows in parts]))


def class_table(beats: Beats) -> pd.DataFrame:
    """One row per class and one for all: beats, lengths, padding, what was cut, amplitude.

    Columns: class, beats, median_ms, padding (share of the 187 samples), cut_short, truncated, median_mv
    (peak to peak, NaN where mV are not known).
    """
    rows = {name: beats.y == label for label, name in enumerate(CLASSES)} | {"all": np.ones(len(beats), bool)}
    return pd.DataFrame([{"class": name, **_summarise(beats, mask)} for name, mask in rows.items()])


def record_table(beats: Beats) -> pd.DataFrame:
    """One row per MIT-BIH record: record, lead, part in the split by patient, beats, N S V F Q, median and 5 to 95 % of
    the beats' peak to peak in mV, padding.
    """
    return pd.DataFrame([_record_row(beats, record) for record in np.unique(beats.record).tolist()])


@dataclass(frozen=True)
class Lengths:
    """A histogram of how long the signal of a beat is.

    Attributes:
        edges_ms: (bins + 1,) bounds of the bins.
        share: (5, bins) share of each class's beats.
    """

    edges_ms: np.ndarray
    share: np.ndarray


def length_histogram(beats: Beats) -> Lengths:
    """Lengths by class, up to the 187 samples at which a beat is truncated."""
    # Between whole numbers, and such that the last bin ends with the longest beat.
    edges = np.arange(BEAT_LENGTH + 0.5, 0, -BIN_SAMPLES)[::-1]
    counts = np.array([np.histogram(beats.length[beats.y == label], edges)[0] for label in range(len(CLASSES))])
    return Lengths(edges * 1000 / FS_HZ, counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def matching_rows(
    beats: Beats, label: str | None = None, record: str | None = None, cut: str | None = None
) -> np.ndarray:
    """The rows of the beats of a class and of a record, ascending; those of any where it is None.

    Args:
        cut: ``"cut_short"`` or ``"truncated"``, for the beats that are so.
    """
    chosen = np.ones(len(beats), bool)
    if label is not None:
        chosen &= beats.y == CLASSES.index(label)
    if record is not None:
        chosen &= beats.record == record
    if cut is not None:
        chosen &= getattr(beats, cut)
    return np.flatnonzero(chosen)


def draw_beats(beats: Beats, rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """At most ``count`` of ``rows``, drawn at random: as many of each class as there are, classes in turn, in order."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(rows)
    # The first of each class come first, then the second of each, and so on, until there are enough.
    turn = np.empty(len(mixed), np.int64)
    for label in range(len(CLASSES)):
        own = np.flatnonzero(beats.y[mixed] == label)
        turn[own] = np.arange(len(own))
    drawn = mixed[np.lexsort((beats.y[mixed], turn))[:count]]
    return drawn[np.argsort(beats.y[drawn], kind="stable")]


def beat_table(beats: Beats) -> pd.DataFrame:
    """One row per beat: beat, class, lead, signal_samples, padding_samples, mv_min, mv_range, cut_short, truncated."""
    return pd.DataFrame(
        {
            "beat": beats.names(),
            "class": np.array(CLASSES)[beats.y],
            "lead": beats.lead,
            "signal_samples": beats.length,
            "padding_samples": BEAT_LENGTH - beats.length,
            "mv_min": beats.mv_min.astype(float).round(3),
            "mv_range": beats.mv_range.astype(float).round(3),
            "cut_short": beats.cut_short,
            "truncated": beats.truncated,
        }
    )


def csv_line(beats: Beats, row: int) -> int:
    """The line in its file of a beat of the published CSV, counted from 1."""
    file = beats.record == beats.record[row]
    return int(beats.sample[row] - beats.sample[file].min()) + 1


def median_mv(beats: Beats) -> float:
    """Peak to peak of the median beat in mV; NaN where nothing is known."""
    return _quantiles(beats.mv_range)[1]


def template_table() -> pd.DataFrame:
    """What demo beats are made from: class, clusters, fewest and most beats averaged in one, all of them."""
    templates = load_templates()
    rows = []
    for label, name in enumerate(CLASSES):
        count = templates.count[templates.label == label].astype(int)
        rows.append(
            {"class": name, "clusters": len(count), "fewest": count.min(), "most": count.max(), "all": count.sum()}
        )
    return pd.DataFrame(rows)


def _summarise(beats: Beats, mask: np.ndarray) -> dict[str, float]:
    length = beats.length[mask].astype(np.int64)
    return {
        "beats": int(mask.sum()),
        "median_ms": float(np.median(length)) * 1000 / FS_HZ if len(length) else float("nan"),
        "padding": 1 - length.sum() / (len(length) * BEAT_LENGTH) if len(length) else float("nan"),
        "cut_short": int(beats.cut_short[mask].sum()),
        "truncated": int(beats.truncated[mask].sum()),
        "median_mv": _quantiles(beats.mv_range[mask])[1],
    }


def _record_row(beats: Beats, record: str) -> dict[str, object]:
    own = beats[beats.record == record]
    low, median, high = _quantiles(own.mv_range)
    return {
        "record": record,
        "lead": str(own.lead[0]),
        "part": RECORD_PARTS[0 if record in DS1 else 1 if record in DS2 else 2],
        "beats": len(own),
        **own.class_counts(),
        "low_mv": low,
        "median_mv": median,
        "high_mv": high,
        "padding": 1 - own.length.astype(np.int64).sum() / own.x.size,
    }


def _quantiles(mv: np.ndarray) -> tuple[float, float, float]:
    """5 %, 50 % and 95 %; NaN where nothing is known."""
    known = mv[np.isfinite(mv)]
    if not len(known):
        return (float("nan"),) * 3
    low, median, high = np.quantile(known, (0.05, 0.5, 0.95))
    return float(low), float(median), float(high)
