"""What a reader of one format hands on, and what is checked of every recording whatever its format."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import channel_names
from nsr_core.recordings.limits import Limits
from nsr_core.recordings.recording import Channel, Marks


@dataclass(frozen=True)
class Contents:
    """The channels, annotations and notes of one recording, as read."""

    channels: Sequence[Channel]
    marks: Marks | None = None
    notes: list[str] = field(default_factory=list)


def keep_usable(contents: Contents, limits: Limits) -> Contents:
    """The same with names made unique, infinite samples made missing, and unusable channels left out, with a note.

    A channel is unusable if it has no sample, or a known rate outside the limits (an EDF of a sleep laboratory
    carries oxygen saturation at 1 Hz beside the ECG).

    Raises:
        UserError: no channel is left, or one is too long.
    """
    limits.check_channels(len(contents.channels))
    limits.check_samples(sum(len(channel.signal) for channel in contents.channels))
    names = channel_names([channel.name for channel in contents.channels])
    kept, left_out, infinite = [], [], 0
    for name, channel in zip(names, contents.channels, strict=True):
        infinite += _drop_infinite(channel.signal)
        reason = _why_unusable(channel, limits)
        if reason:
            left_out.append(f"{name} ({reason})")
        else:
            kept.append(Channel(name, channel.unit, channel.fs_hz, channel.signal))
    if not kept:
        raise UserError(f"No signal can be used: {_listed(left_out)}. Give a recording with an ECG.")
    for channel in kept:
        if channel.fs_hz is not None:
            limits.check_hours(len(channel.signal), channel.fs_hz)
    notes = list(contents.notes)
    if left_out:
        notes.append(f"Left out: {_listed(left_out)}.")
    if infinite:
        notes.append(f"{infinite:,} infinite values are taken as missing.")
    return Contents(kept, contents.marks, notes)


def _drop_infinite(signal: np.ndarray) -> int:
    """Makes infinite samples NaN, in place; their number."""
    infinite = np.isinf(signal)
    count = int(np.count_nonzero(infinite))
    if count:
        signal[infinite] = np.nan
    return count


def _why_unusable(channel: Channel, limits: Limits) -> str | None:
    if len(channel.signal) == 0 or np.isnan(channel.signal).all():
        return "no samples"
    if channel.fs_hz is not None and not limits.allow_rate(channel.fs_hz):
        return f"{channel.fs_hz:.4g} Hz, expected {limits.fs_min_hz:g} to {limits.fs_max_hz:g} Hz"
    return None


def _listed(left_out: list[str]) -> str:
    """The first few of them: a message must stay readable."""
    shown = ", ".join(left_out[:3])
    more = len(left_out) - 3
    return f"{shown} and {more} more" if more > 0 else shown
