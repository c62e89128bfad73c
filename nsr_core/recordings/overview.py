"""A whole recording in as few numbers as a screen has columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.grid import Lead


@dataclass(frozen=True)
class Envelope:
    """The lowest and the highest value of a lead in each of ``m`` equal parts.

    Attributes:
        time_s: (m,) the middle of each part, in seconds from the start of the recording.
        low, high: (m,) in the lead's unit; NaN where a part has no sample.
    """

    time_s: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def envelope(lead: Lead, parts: int) -> Envelope:
    """The envelope in ``parts`` parts, or in as many as there are samples."""
    count = len(lead.signal)
    edges = np.unique(np.linspace(0, count, min(parts, count), endpoint=False).astype(np.int64))
    stops = np.append(edges[1:], count)
    lost = np.logical_and.reduceat(lead.missing, edges)
    low, high = (
        np.where(lost, np.nan, extreme.reduceat(lead.signal, edges).astype(np.float64))
        for extreme in (np.minimum, np.maximum)
    )
    return Envelope(lead.start_s + (edges + stops) / 2 / RECORD_FS_HZ, low, high)


def first_of_each(time_s: NDArray[np.float64], start_s: float, seconds: float, parts: int) -> NDArray[np.int64]:
    """Rows of the first of ``time_s`` in each of ``parts`` equal parts of a stretch, where there is one.

    Args:
        time_s: (n,) in any order; the first is the one that comes first in it.
    """
    part = np.floor((time_s - start_s) / max(seconds, 1e-9) * parts).astype(np.int64)
    return np.sort(np.unique(part, return_index=True)[1])
