"""From an annotated recording to beats, by the rule that made the published set of Kachuee et al. (2018).

The rule, applied to one signal at 360 Hz with all its annotations in order, beat or not:

1. For annotation ``i`` with a beat symbol, not the last one: ``d1 = a[i+1] - a[i]`` and
   ``d2 = a[i+2] - a[i+1]`` (``d2 = d1`` where there is no ``a[i+2]``).
2. The segment is ``signal[a[i] : a[i] + int(d1 + 0.2 * d2)]``, then every third sample of it.
3. Its minimum becomes 0 and its maximum 1; then it is cut at 187 samples, or padded with zeros to 187.

So the window opens on the R peak and closes a little after the next one. The set is said to be at
125 Hz everywhere; it is at 120 Hz.
"""

from dataclasses import dataclass

import numpy as np

from nsr_core.data.beats import BEAT_LENGTH, CLASS_SYMBOLS, CLASSES, DECIMATION

CLASS_OF_SYMBOL = {symbol: CLASSES.index(name) for name, symbols in CLASS_SYMBOLS.items() for symbol in symbols}


@dataclass(frozen=True)
class Window:
    """One beat's window in a recording: ``signal[start:stop:3]``, cut at 187 samples."""

    start: int
    stop: int
    label: int
    cut_short: bool


def find_windows(samples: np.ndarray, symbols: list[str]) -> list[Window]:
    """The windows of all beats among the annotations (step 1 and the bounds of step 2).

    Args:
        samples: (m,) int, positions of all annotations at 360 Hz, in order.
        symbols: their m symbols; a symbol that names no beat bounds its neighbours but opens no window.

    Returns:
        One window per annotation with a beat symbol, save the recording's last annotation.
    """
    windows = []
    for i in range(len(samples) - 1):
        label = CLASS_OF_SYMBOL.get(symbols[i])
        if label is None:
            continue
        to_next = int(samples[i + 1] - samples[i])
        to_second = int(samples[i + 2] - samples[i + 1]) if i + 2 < len(samples) else to_next
        start = int(samples[i])
        windows.append(
            Window(start, start + int(to_next + 0.2 * to_second), label, symbols[i + 1] not in CLASS_OF_SYMBOL)
        )
    return windows


def cut_window(signal: np.ndarray, window: Window) -> np.ndarray:
    """The decimated segment of one window, before scaling and before the cut at 187 (step 2)."""
    return signal[window.start : window.stop : DECIMATION]


@dataclass(frozen=True)
class Segments:
    """The segments of ``n`` windows, decimated and not yet scaled.

    Attributes:
        kept: n arrays, each segment's first 187 samples or all that it has.
        low, high: (n,) extremes of each whole segment, in the signal's unit and type.
        length: (n,) int16, samples kept.
        truncated: (n,) bool, whether the segment was longer than 187 samples.
    """

    kept: list[np.ndarray]
    low: np.ndarray
    high: np.ndarray
    length: np.ndarray
    truncated: np.ndarray


def cut_segments(signal: np.ndarray, windows: list[Window]) -> Segments:
    """The segments of all windows (step 2), none of them empty."""
    whole = [cut_window(signal, window) for window in windows]
    return Segments(
        kept=[segment[:BEAT_LENGTH] for segment in whole],
        low=np.array([segment.min() for segment in whole], signal.dtype),
        high=np.array([segment.max() for segment in whole], signal.dtype),
        length=np.array([min(len(segment), BEAT_LENGTH) for segment in whole], np.int16),
        truncated=np.array([len(segment) > BEAT_LENGTH for segment in whole], bool),
    )


def scale_rows(rows: np.ndarray, low: np.ndarray, high: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Rows in any unit to beats in [0, 1] (step 3).

    Args:
        rows: (n, 187) numbers; what stands after ``length`` samples is ignored.
        low, high: (n,) the values that become 0 and 1: extremes of the whole segment, also of the
            part that the cut at 187 removes. Where they are equal (a flat segment) the row becomes 0.
        length: (n,) number of signal samples.

    Returns:
        (n, 187) float32, zero on the padding.
    """
    scale = np.where(high > low, high - low.astype(np.float64), 1.0)[:, None]
    scaled = (rows - low.astype(np.float64)[:, None]) / scale
    scaled[np.arange(BEAT_LENGTH) >= np.asarray(length)[:, None]] = 0.0
    return scaled.astype(np.float32)
