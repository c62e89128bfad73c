"""The order in which an epoch shows the beats: every class equally often, classes interleaved."""

import numpy as np


def balanced_order(y: np.ndarray, classes: int, rng: np.random.Generator) -> np.ndarray:
    """One epoch's row numbers under the paper protocol.

    Each class is tiled to the size of the largest and shuffled; then one of each class follows the other.
    A class without a beat is left out.

    Args:
        y: (n,) labels.
        classes: number of classes.
        rng: shuffles.

    Returns:
        (present classes * size of the largest,) int64 row numbers into ``y``.
    """
    rows = [np.flatnonzero(y == label) for label in range(classes)]
    present = [of_class for of_class in rows if len(of_class)]
    largest = max(map(len, present))
    tiled = [rng.permutation(np.resize(of_class, largest)) for of_class in present]
    return np.stack(tiled, axis=1).reshape(-1)


def steps_of(counts: np.ndarray, batch_size: int) -> int:
    """How many batches such an epoch has; ``counts`` are the beats of each class."""
    return -(-int(counts.max() * np.count_nonzero(counts)) // batch_size)
