"""What holds of every ``Recording`` that is read, whatever came in."""

import re

import numpy as np

from nsr_core.recordings.formats import FORMATS
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.recording import Channel, Marks, Recording


def check_recording(recording: Recording) -> None:
    """Raises ``AssertionError`` where one of these does not hold.

    - The name and the notes are single lines of printable text, not empty, notes shorter than 500 characters.
    - The kind is a key of ``FORMATS``, or the sample; the digest is a SHA-256.
    - There are 1 to ``LIMITS.channels`` channels, their names all different, and each is a channel as below.
    - All channels together have at most ``LIMITS.samples`` samples; none lasts longer than ``LIMITS.hours``.
    - Annotations, where there are any, are in order of time and lie within the longest channel.
    """
    check_line(recording.name, 100)
    assert recording.kind in (*FORMATS, "sample")
    assert re.fullmatch("[0-9a-f]{64}", recording.digest)
    assert isinstance(recording.notes, tuple)
    for note in recording.notes:
        check_line(note, 500)
    assert 1 <= len(recording.channels) <= LIMITS.channels
    assert len({channel.name for channel in recording.channels}) == len(recording.channels)
    for channel in recording.channels:
        check_channel(channel)
    assert sum(len(channel.signal) for channel in recording.channels) <= LIMITS.samples
    if recording.marks is not None:
        check_marks(recording.marks, recording.channels)


def check_channel(channel: Channel) -> None:
    """One dimension, floats, writeable; finite or NaN, not only NaN; name and unit short lines; a usable rate."""
    check_line(channel.name, 70)
    assert channel.unit == "" or check_line(channel.unit, 16)
    signal = channel.signal[:]
    assert signal.ndim == 1
    assert signal.dtype in (np.float64, np.float32)
    assert signal.flags.writeable
    assert len(signal) == len(channel.signal)
    assert not np.isinf(signal).any()
    assert np.isfinite(signal).any()
    if channel.fs_hz is not None:
        assert LIMITS.fs_min_hz <= channel.fs_hz <= LIMITS.fs_max_hz
        assert len(signal) / channel.fs_hz <= 3600 * LIMITS.hours


def check_marks(marks: Marks, channels: tuple[Channel, ...]) -> None:
    """As many times as symbols, all finite, in order, within the recording."""
    assert marks.time_s.shape == (len(marks.symbols),)
    assert marks.time_s.dtype == np.float64
    assert all(isinstance(symbol, str) and symbol for symbol in marks.symbols)
    if len(marks.symbols):
        longest_s = max(len(channel.signal) / channel.fs_hz for channel in channels if channel.fs_hz)
        assert marks.time_s[0] >= 0
        assert marks.time_s[-1] <= longest_s + 1
        assert (np.diff(marks.time_s) >= 0).all()


def check_line(text: str, length: int) -> bool:
    """A single line of printable text that is not empty and not too long."""
    assert text.strip()
    assert text.isprintable()
    assert len(text) <= length
    return True
