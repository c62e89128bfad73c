"""Where the heart beats: QRS complexes, each placed where the cardiologists' marks stand.

The networks are sensitive to where a window opens: one sample of 360 a second decides many readings (docs/recordings.md).
So each beat found is moved in two steps: to the sample that lies furthest from the baseline, and from there to the nearby
extreme of the signal between 8 and 20 Hz. Of the bands tried, the marks of the MIT-BIH records agree best with this one;
four fifths of them stand on its extreme to the sample.
"""

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.qrs import AT_ONCE, OVERLAP, find_qrs

#: How far a beat may move in each step, and half of what counts as the baseline around it, in samples at 360 Hz.
COARSE_REACH, FINE_REACH, BASELINE_REACH = 22, 9, 90
QRS_BAND_HZ = (8.0, 20.0)
#: How many times as large as the upward extreme the downward one must be to be taken.
DOWNWARD = 1.1
#: A signal that moves in fewer than this number of samples, its last ones, holds a step and no beat.
LEAST_MOVING = 30


def find_peaks(signal: np.ndarray) -> np.ndarray:
    """(beats,) int64, ascending positions of the beats in a signal at 360 Hz, in any unit."""
    moving = signal != signal[0]
    if not moving.any() or len(signal) - moving.argmax() < LEAST_MOVING:
        return np.empty(0, np.int64)
    found = find_qrs(signal)
    if not len(found):
        return found
    placed = [
        first + _placed(np.asarray(signal[first : start + AT_ONCE + OVERLAP], np.float64), here - first)
        for start in range(0, len(signal), AT_ONCE)
        for first in (max(start - OVERLAP, 0),)
        if len(here := found[(found >= start) & (found < start + AT_ONCE)])
    ]
    return np.unique(np.concatenate(placed))


def _placed(signal: np.ndarray, found: np.ndarray) -> np.ndarray:
    from scipy.signal import butter, sosfiltfilt  # slow to import, and pages that only name a recording do not need it

    band = butter(2, QRS_BAND_HZ, "bandpass", fs=RECORD_FS_HZ, output="sos")
    return _extreme(sosfiltfilt(band, signal), _furthest_from_baseline(signal, found))


def _furthest_from_baseline(signal: np.ndarray, at: np.ndarray) -> np.ndarray:
    baseline = np.median(_around(signal, at, BASELINE_REACH), axis=1, keepdims=True)
    nearby = np.abs(_around(signal, at, COARSE_REACH) - baseline)
    return _moved(at, nearby.argmax(axis=1), COARSE_REACH, len(signal))


def _extreme(filtered: np.ndarray, at: np.ndarray) -> np.ndarray:
    nearby = _around(filtered, at, FINE_REACH)
    down = -nearby.min(axis=1) > DOWNWARD * nearby.max(axis=1)
    return _moved(at, np.where(down, nearby.argmin(axis=1), nearby.argmax(axis=1)), FINE_REACH, len(filtered))


def _around(signal: NDArray[np.float64], at: NDArray[np.int64], reach: int) -> NDArray[np.float64]:
    """(beats, 2 * reach + 1) the signal around each position; beyond its ends its first or last value."""
    places = at[:, None] + np.arange(-reach, reach + 1)
    return signal.take(places, mode="clip")


def _moved(at: NDArray[np.int64], place: NDArray[np.int64], reach: int, count: int) -> NDArray[np.int64]:
    moved: NDArray[np.int64] = np.clip(at + place - reach, 0, count - 1)
    return moved
