"""How frequent the classes are among a split's test beats: what results on as many beats of each class are weighted back to."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nsr_core.data.beats import CLASSES, Beats
from nsr_core.data.splits import Split

#: Test beats by class (N, S, V, F, Q) of the splits of the 109,446 beats, by fingerprint (docs/data.md). Cards that were
#: written before they held these counts name one of these splits.
KNOWN_SPLITS = {
    "1bb884844f3b": (18_118, 556, 1_448, 162, 1_608),
    "27b9975b4a64": (44_238, 1_836, 3_221, 388, 7),
}
#: Where a card holds the counts of its split.
ON_CARD = "test_classes"


def frequencies_of(card: Mapping[str, Any]) -> np.ndarray | None:
    """(5,) how many test beats each class has in the split of a checkpoint's card; None where nothing says so."""
    split = card["split"]
    counts = split.get(ON_CARD) or KNOWN_SPLITS.get(split["fingerprint"])
    return None if counts is None else np.array(counts)


def class_counts(beats: Beats, split: Split) -> np.ndarray:
    """(5,) how many test beats each class has in a split of beats that are at hand."""
    return np.bincount(beats.y[split.test], minlength=len(CLASSES))
