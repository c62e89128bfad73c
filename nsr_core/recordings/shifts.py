"""The cut, too, can mislead: each beat cut a little earlier and later, at every sample within reach.

Where a beat's window opens is a choice, a cardiologist's mark or a detector's. One sample of 360 a second decides many readings
(docs/recordings.md). There are few cuts within reach, so all of them are read: what is said of them is exact, not a search.
"""

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import BEAT_LENGTH, DECIMATION, RECORD_FS_HZ, Beats
from nsr_core.data.cutting import Window, scale_rows
from nsr_core.evaluation.robustness import predict
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress
from nsr_core.recordings.beats import CutRecording, beats_of_windows
from nsr_core.recordings.pieces import beats_at_once

#: How far from the beat's own cut the others lie, at most, on either side: in samples at 360 Hz, 14 ms.
REACH = 5
SHIFTS = tuple(range(-REACH, REACH + 1))
READING = "reading the beats, cut earlier and later"
REACH_MS = 1000 * REACH / RECORD_FS_HZ


def shifted_beats(cut: CutRecording, by: int, rows: slice | np.ndarray = slice(None)) -> Beats:
    """The usable beats, or ``rows`` of them, each cut ``by`` samples at 360 Hz later (negative: earlier).

    Only where a beat's window opens moves; where it closes follows from the next beats, which stay. A cut that would open before
    the stretch opens with it.
    """
    start = np.maximum(cut.sample[cut.row[rows]] + by, 0)
    stop = np.maximum(cut.stop[cut.row[rows]], start + 1)
    columns = (start, stop, cut.beats.y[rows], cut.beats.cut_short[rows])
    windows = [Window(*window) for window in zip(*(column.tolist() for column in columns), strict=True)]
    return beats_of_windows(cut.lead, windows, cut.key)


def shifted_x(cut: CutRecording, by: int, rows: slice | np.ndarray = slice(None)) -> NDArray[np.float32]:
    """(rows, 187) ``shifted_beats(cut, by, rows).x`` to the bit, in a third of its time: not window by window."""
    signal, start = cut.lead.signal, np.maximum(cut.sample[cut.row[rows]] + by, 0)
    stop = np.maximum(cut.stop[cut.row[rows]], start + 1)
    length = -(-(np.minimum(stop, len(signal)) - start) // DECIMATION)
    values = signal.take(start[:, None] + DECIMATION * np.arange(BEAT_LENGTH), mode="clip")
    inside = np.arange(BEAT_LENGTH) < length[:, None]
    low, high = np.where(inside, values, np.inf).min(axis=1), np.where(inside, values, -np.inf).max(axis=1)
    for row in np.flatnonzero(length > BEAT_LENGTH).tolist():  # scaled by all of it, also by what is cut off
        whole = signal[start[row] : stop[row] : DECIMATION]
        low[row], high[row] = whole.min(), whole.max()
    x: NDArray[np.float32] = scale_rows(values, low, high, np.minimum(length, BEAT_LENGTH))
    return x


def shifted_ranges(cut: CutRecording, by: int, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
    """(rows,) highest less lowest value of the window that ``shifted_beats`` scales to [0, 1], in the lead's unit."""
    start = np.maximum(cut.sample[cut.row[rows]] + by, 0)
    windows = zip(start.tolist(), np.maximum(cut.stop[cut.row[rows]], start + 1).tolist(), strict=True)
    return np.array([np.ptp(cut.lead.signal[first:last:DECIMATION]) for first, last in windows])


def read_shifted(network: Network, cut: CutRecording, *, progress: Progress = no_progress) -> np.ndarray:
    """(k, 11) int64, what a network reads of each usable beat at each of ``SHIFTS``; ``progress`` is called with beats."""
    if not len(cut.row):
        return np.empty((0, len(SHIFTS)), np.int64)
    label = np.empty((len(cut.row), len(SHIFTS)), np.int64)
    for rows in beats_at_once(len(label)):
        for column, by in enumerate(SHIFTS):
            label[rows, column] = predict(network, shifted_x(cut, by, rows))
            progress(rows.start + (len(label[rows]) * (column + 1)) // len(SHIFTS), len(label), READING)
    return label


def stands_over(readings: np.ndarray) -> np.ndarray:
    """(k,) int64, at how many of the cuts a beat is read as at its own, that one included; ``readings`` of ``read_shifted``."""
    alike: NDArray[np.int64] = (readings == readings[:, [REACH]]).sum(axis=1)
    return alike
