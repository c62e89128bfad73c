"""The cut, too, can mislead: each beat cut a little earlier and later, at every sample within reach.

Where a beat's window opens is a choice, a cardiologist's mark or a detector's. One sample of 360 a second decides many readings
(docs/recordings.md). There are few cuts within reach, so all of them are read: what is said of them is exact, not a search.
"""

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import DECIMATION, RECORD_FS_HZ, Beats
from nsr_core.data.cutting import Window
from nsr_core.evaluation.robustness import predict
from nsr_core.models import Network
from nsr_core.recordings.beats import CutRecording, beats_of_windows

#: The cuts lie within so many samples at 360 Hz of the beat's own, on either side: 14 ms.
REACH = 5
SHIFTS = tuple(range(-REACH, REACH + 1))
REACH_MS = 1000 * REACH / RECORD_FS_HZ


def shifted_beats(cut: CutRecording, by: int) -> Beats:
    """The k usable beats, each cut ``by`` samples at 360 Hz later (negative: earlier).

    Only where a beat's window opens moves; where it closes follows from the next beats, which stay. A cut that would open before
    the stretch opens with it.
    """
    start = np.maximum(cut.sample[cut.row] + by, 0)
    stop = np.maximum(cut.stop[cut.row], start + 1)
    columns = (start, stop, cut.beats.y, cut.beats.cut_short)
    windows = [Window(*window) for window in zip(*(column.tolist() for column in columns), strict=True)]
    return beats_of_windows(cut.lead, windows, cut.key)


def shifted_ranges(cut: CutRecording, by: int) -> np.ndarray:
    """(k,) highest less lowest value of the window that ``shifted_beats`` scales to [0, 1], in the lead's unit."""
    start = np.maximum(cut.sample[cut.row] + by, 0)
    windows = zip(start.tolist(), np.maximum(cut.stop[cut.row], start + 1).tolist(), strict=True)
    return np.array([np.ptp(cut.lead.signal[first:last:DECIMATION]) for first, last in windows])


def read_shifted(network: Network, cut: CutRecording) -> np.ndarray:
    """(k, 11) int64, what a network reads of each usable beat at each of ``SHIFTS``."""
    if not len(cut.row):
        return np.empty((0, len(SHIFTS)), np.int64)
    return np.column_stack([predict(network, shifted_beats(cut, by).x) for by in SHIFTS])


def stands_over(readings: np.ndarray) -> np.ndarray:
    """(k,) int64, at how many of the cuts a beat is read as at its own, that one included; ``readings`` of ``read_shifted``."""
    alike: NDArray[np.int64] = (readings == readings[:, [REACH]]).sum(axis=1)
    return alike
