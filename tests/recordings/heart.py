"""A heart made by hand, whose beats stand where they are put (``from tests.recordings import heart``)."""

import numpy as np

from nsr_core.recordings.recording import Channel, Marks, Recording


def beat_train(count: int, at: np.ndarray, height: float = 1.0) -> np.ndarray:
    """(count,) a QRS complex of 1 mV with its highest sample at each position, and a T wave 0.25 s later; at 360 Hz."""
    signal, time = np.zeros(count), np.arange(count)
    for position in at:
        near = time[max(0, int(position) - 360) : max(0, int(position) + 360)]
        for size, delay, width in ((1.0, 0, 4), (-0.25, 9, 5), (-0.15, -9, 4), (0.3, 90, 25)):
            signal[near] += height * size * np.exp(-(((near - position - delay) / width) ** 2))
    return signal


def even_beats(number: int, interval: int = 300, first: int = 120) -> np.ndarray:
    """(number,) positions."""
    return first + interval * np.arange(number)


def recording(
    signal: np.ndarray, *, unit: str = "mV", fs_hz: float | None = 360.0, marks: Marks | None = None, name="made"
):
    """A recording of one lead, ``II``."""
    return Recording(name, "csv", (Channel("II", unit, fs_hz, np.asarray(signal, np.float64)),), marks, "d" * 64)


def marks_at(sample: np.ndarray, symbols: str | list[str]) -> Marks:
    """Marks at positions at 360 Hz."""
    return Marks(np.asarray(sample) / 360, tuple(symbols))
