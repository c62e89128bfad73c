"""Large deflections that no beat accounts for: nothing is read of them, so a person should look.

A missed beat, flutter or an artefact can all be as large as a beat. Which of these it is, this does not say.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.pieces import pieces

#: A deflection counts from this share of the usual beat's on.
LEAST = 0.6
#: What lies so close before or after a beat belongs to it: its P wave, its QRS complex, its T wave; in seconds.
BEFORE_S, AFTER_S = 0.25, 0.5
#: The baseline is the median over 1 s, at every 0.1 s; a deflection is smoothed over 14 ms and the largest within 0.25 s.
BASELINE, BASELINE_STEP, SMOOTH, APART = 360, 36, 5, 90
#: How far from a beat's place its deflection may be, in samples.
REACH = 22
#: So many medians are taken at once, since their windows are copied.
AT_ONCE = 4096
#: Beyond a piece of a long signal so much is seen, which is more than the filters reach.
OVERLAP_S = 2.0


def unclassified(signal: NDArray[np.float64], sample: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m,) int64, ascending, where a deflection is large and no beat is near; ``sample`` (n,) places of the beats, at 360 Hz."""
    if not len(sample):
        return np.empty(0, np.int64)
    at_beats = np.empty(len(sample))
    places, heights = [], []
    for piece in pieces(len(signal), RECORD_FS_HZ, OVERLAP_S, period=BASELINE_STEP):
        seen = np.asarray(signal[piece.seen], np.float64)
        height = np.abs(uniform_filter1d(seen - _baseline(seen), SMOOTH))
        here = slice(*np.searchsorted(sample, (piece.whole.start, piece.whole.stop)))
        at_beats[here] = maximum_filter1d(height, 2 * REACH + 1)[sample[here] - piece.seen.start]
        place = np.flatnonzero((height == maximum_filter1d(height, 2 * APART + 1))[piece.own])
        places.append(place + piece.whole.start)
        heights.append(height[piece.own][place])
    large = np.concatenate(heights) > LEAST * np.median(at_beats)
    place = np.concatenate(places)[large]
    following = np.searchsorted(sample, place)
    ahead = np.append(sample, np.iinfo(np.int64).max)[following] - place
    behind = place - np.append(np.iinfo(np.int64).min // 2, sample)[following]
    alone: NDArray[np.int64] = place[(ahead > BEFORE_S * RECORD_FS_HZ) & (behind > AFTER_S * RECORD_FS_HZ)]
    return alone


def _baseline(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the median over a second around each sample, straight between every tenth of a second."""
    around = sliding_window_view(np.pad(signal, BASELINE // 2, mode="edge"), BASELINE)[::BASELINE_STEP]
    parts = [np.median(around[start : start + AT_ONCE], axis=1) for start in range(0, len(around), AT_ONCE)]
    middle = np.concatenate(parts)
    times = np.arange(len(signal))
    return np.interp(times, BASELINE_STEP * np.arange(len(middle)), middle)
