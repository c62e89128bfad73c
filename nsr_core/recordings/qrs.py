"""Where QRS complexes are: the local maxima of one wavelet's energy that stand out against what is usual around them.

A Ricker wavelet (the second derivative of a Gaussian, deviation 14 ms) passes what QRS complexes are made of, about 7 to
30 Hz, and leaves P and T waves and wander behind; narrow and broad complexes, upright and inverted, answer alike. The root
of its smoothed square has one maximum in each complex. A maximum within 0.19 s of a larger one is a part of that one.
What is too short for a complex, such as a contact's spike, leaves next to nothing in the running median over 25 ms: there the
median takes the signal's place. Complexes leave more: of the 109,494 annotated beats 87 leave less than half of it, one less than 0.4.

What is usual is given by ranks, not by means: the recording is divided into pieces long enough for a beat at 25 a minute,
each counts with its largest maximum, and the level at a beat is a low rank over nine of them. So neither an artefact,
however large, nor a few ventricular beats move it. A complex reaches at least 0.3 of the level; as a second look, 0.2 where the
rhythm misses one; and 0.4 of the complex before where a T wave may be.

Everything is local: what happens at one place decides nothing a minute away, and a long recording is searched in pieces
that overlap. All numbers were chosen on DS1, the half of the MIT-BIH records that de Chazal et al. (2004) train on;
docs/recordings.md has the result for both halves.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_filter1d, maximum_filter1d, median_filter, percentile_filter

from nsr_core.data.beats import RECORD_FS_HZ

#: Deviations of the wavelet and of what smooths its square, in samples at 360 Hz.
WAVELET, ENERGY = 5.0, 17.0
#: Samples of the running median, and the share of the energy below which what is left in it counts.
MEDIAN, SPIKE = 9, 0.25
#: A maximum is the largest within this number of samples to each side.
APART = 68
#: A piece, in seconds, how many of them tell a level, and of which rank in percent it is.
PIECE_S, PIECES, RANK = 2.5, 9, 30
#: A piece whose largest maximum stays below this share of the third quartile over all pieces has no beat, and is passed over.
DEAD = 0.1
#: In units of the level: a complex, and one that the rhythm misses.
USUAL, MISSED = 0.3, 0.2
#: How soon a T wave comes, at most, in seconds, and how high it is, as a share of the complex.
T_WAVE_S, T_WAVE = 0.36, 0.4
#: One is missed where an interval has this many times its neighbours' median; it lies this share of that away from both.
GAP, ROOM = 1.6, 0.4
NEIGHBOURS = 15
#: Searched at once, and beyond that on either side, in samples: some minutes, and all that a filter reaches.
AT_ONCE, OVERLAP = 1 << 18, 1 << 10


def find_qrs(signal: np.ndarray) -> np.ndarray:
    """(beats,) int64, ascending, roughly the middle of each QRS complex in a signal at 360 Hz, in any unit."""
    at, height = _maxima(signal)
    if not height.any():
        return np.empty(0, np.int64)
    height = height / _level(at, height, len(signal))
    return _with_missed(at, height, (height > USUAL) & ~_t_waves(at, height))


def _maxima(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and heights of the energy's maxima, found piece by piece; the same whatever the pieces."""
    scale = max(float(signal.max()), -float(signal.min())) or 1.0  # squares of any number stay finite
    places, heights = [], []
    for start in range(0, len(signal), AT_ONCE):
        first = max(start - OVERLAP, 0)
        piece = np.asarray(signal[first : start + AT_ONCE + OVERLAP], np.float64) / scale
        median = median_filter(piece, MEDIAN, mode="nearest")
        energy = _energy(piece)
        spike = _energy(median) < SPIKE * energy
        if spike.any():
            energy = _energy(np.where(spike, median, piece))
        found = np.flatnonzero(energy == maximum_filter1d(energy, 2 * APART + 1))
        found = found[(found >= start - first) & (found < start - first + AT_ONCE)]
        places.append(found + first)
        heights.append(energy[found])
    return np.concatenate(places).astype(np.int64), np.concatenate(heights)


def _energy(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    time = np.arange(-int(4 * WAVELET), int(4 * WAVELET) + 1) / WAVELET
    wavelet = (1 - time**2) * np.exp(-(time**2) / 2)
    wavelet -= wavelet.mean()  # a signal that stands still has no energy, wherever it stands
    answer = convolve1d(signal - np.median(signal), wavelet, mode="nearest")
    energy: NDArray[np.float64] = np.sqrt(gaussian_filter1d(answer**2, ENERGY))
    return energy


def _level(at: NDArray[np.int64], height: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(maxima,) how high a complex usually is around each."""
    pieces = max(round(count / (PIECE_S * RECORD_FS_HZ)), 1)
    highest = np.zeros(pieces)
    np.maximum.at(highest, at * pieces // count, height)
    usual = _third_quartile(highest)
    highest[highest < DEAD * usual] = usual
    middles = (np.arange(pieces) + 0.5) * count / pieces
    usual_heights: NDArray[np.float64] = percentile_filter(highest, RANK, PIECES)
    return np.interp(at, middles, usual_heights)


def _third_quartile(highest: np.ndarray) -> float:
    """Of few pieces the third highest or the lowest: an artefact of a second lies in two at most."""
    count = len(highest)
    return float(np.sort(highest)[max(min(3 * (count - 1) // 4, count - 3), 0)])


def _t_waves(at: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(maxima,) whether each may be the T wave of the one before."""
    soon = np.diff(at) < T_WAVE_S * RECORD_FS_HZ
    return np.append(False, soon & (height[1:] < T_WAVE * height[:-1]))


def _with_missed(at: NDArray[np.int64], height: NDArray[np.float64], usual: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The usual ones, and in each gap that the rhythm leaves the highest of the others."""
    found = at[usual]
    if len(found) < 3:
        return found
    intervals = np.diff(found)
    typical = median_filter(intervals.astype(float), NEIGHBOURS, mode="nearest")
    candidate = ~usual & (height > MISSED)
    others, heights = at[candidate], height[candidate]
    missed = []
    for gap in np.flatnonzero(intervals > GAP * typical):
        room = ROOM * typical[gap]
        first, last = np.searchsorted(others, [found[gap] + room, found[gap + 1] - room])
        if first < last:
            missed.append(others[first + heights[first:last].argmax()])
    return np.sort(np.append(found, np.array(missed, np.int64)))
