"""What a reader of one format hands on, and what is checked of every recording whatever its format."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.shape import (
    LEAST_SAMPLES,
    beat_range,
    ecg_by_name,
    excerpt,
    heart_rate,
    is_constant,
    is_counter,
    is_ramp,
    looks_like_ecg,
    other_by_name,
    pieces,
)
from nsr_core.recordings.formats.text import channel_names
from nsr_core.recordings.limits import Limits
from nsr_core.recordings.recording import MV_PER_UNIT, UNKNOWN_UNIT, Channel, Marks, Samples

#: Outside of these no heart beats and no beat lies, from its lowest to its highest, on the skin: the file must be wrong.
LEAST_BPM, MOST_BPM = 12.0, 350.0
LEAST_MV, MOST_MV = 0.02, 30.0
#: Nothing is said about the looks of a signal of fewer samples, which cannot be read anyway.
LEAST_JUDGED = 500
#: Shorter signals stay the arrays that they are.
COMPACTED = 1_000_000


@dataclass(frozen=True)
class Contents:
    """The channels, annotations and notes of one recording, as read; ``suggested`` names the channel that is an ECG."""

    channels: Sequence[Channel]
    marks: Marks | None = None
    notes: list[str] = field(default_factory=list)
    suggested: str | None = None


def keep_usable(contents: Contents, limits: Limits, *, by_hand_hz: float | None = None) -> Contents:
    """The same with names made unique, infinite samples made missing, and what is no signal left out, each with a note.

    A channel is unusable if it has no sample, or a known rate outside the limits (an EDF of a sleep laboratory
    carries oxygen saturation at 1 Hz beside the ECG). One that never changes, only rises or counts is left out where
    another remains. The channels that are ECGs by name, then those that look like one, come first. A unit or a rate that
    no heart can have is taken away, so that the person is asked for it.

    Args:
        by_hand_hz: the rate that the person gave; it is believed, with a note where it contradicts the file or the heart.

    Raises:
        UserError: no channel is left, or one is too long.
    """
    limits.check_channels(len(contents.channels))
    limits.check_samples(sum(len(each.signal) for each in contents.channels if isinstance(each.signal, np.ndarray)))
    names = channel_names([channel.name for channel in contents.channels])
    kept, left_out, infinite = [], [], 0
    for name, channel in zip(names, contents.channels, strict=True):
        infinite += _drop_infinite(channel.signal)
        reason = _why_unusable(channel, limits)
        if reason:
            left_out.append(f"{name} ({reason})")
        else:
            kept.append(replace(channel, name=name, signal=_compact(channel.signal)))
    if not kept:
        raise UserError(f"No signal can be used: {_listed(left_out)}. Give a recording with an ECG.")
    kept, still = _without_lines(kept)
    for channel in kept:
        if channel.fs_hz is not None:
            limits.check_hours(len(channel.signal), channel.fs_hz)
    notes = list(contents.notes)
    if left_out + still:
        notes.append(f"Left out: {_listed(left_out + still)}.")
    if infinite:
        notes.append(f"{infinite:,} infinite values are taken as missing.")
    kept, more_notes = _with_rate_by_hand(kept, by_hand_hz)
    kept, suggested = _ecg_first(kept)
    doubted, doubts = _doubt(kept, suggested, by_hand_hz)
    notes += more_notes + doubts
    if suggested is None and max(len(channel.signal) for channel in kept) >= LEAST_JUDGED:
        notes.append(_no_ecg(doubted))
    return Contents(doubted, contents.marks, notes, suggested)


def _without_lines(channels: list[Channel]) -> tuple[list[Channel], list[str]]:
    """Those that are signals, if any is, and the others in words."""
    reasons = [_why_no_signal(channel) for channel in channels]
    if all(reasons):
        return channels, []
    kept = [channel for channel, reason in zip(channels, reasons, strict=True) if not reason]
    return kept, [f"{channel.name} ({reason})" for channel, reason in zip(channels, reasons, strict=True) if reason]


def _why_no_signal(channel: Channel) -> str:
    signal = excerpt(channel.signal)
    if len(signal) >= LEAST_SAMPLES and is_constant(signal):
        return "never changes"
    if is_ramp(signal):
        return "only rises or falls"
    return "counts" if is_counter(signal) and not ecg_by_name(channel.name) else ""


def _with_rate_by_hand(channels: list[Channel], fs_hz: float | None) -> tuple[list[Channel], list[str]]:
    """The rate by hand in place of the first rate that the file says, and a note where they differ."""
    said = next((channel.fs_hz for channel in channels if channel.fs_hz), None)
    if fs_hz is None or said is None or abs(said / fs_hz - 1) <= 1e-3:
        return channels, []
    note = f"The file says {said:.6g} Hz. The {fs_hz:.6g} Hz given by hand are used in its place; check them."
    return [replace(each, fs_hz=fs_hz) if each.fs_hz == said else each for each in channels], [note]


def _ecg_first(channels: list[Channel]) -> tuple[list[Channel], str | None]:
    """ECGs by name, then by shape, then the others, each in the file's order; and the first that is an ECG."""
    named = [channel for channel in channels if ecg_by_name(channel.name)]
    others = [channel for channel in channels if channel not in named]
    unnamed = [channel for channel in others if not other_by_name(channel.name)]
    shaped = [] if named else [each for each in unnamed if looks_like_ecg(each.signal, each.fs_hz)]
    first = named + shaped
    return [*first, *(each for each in others if each not in shaped)], first[0].name if first else None


def _no_ecg(channels: Sequence[Channel]) -> str:
    if len(channels) == 1:
        return f"{channels[0].name} does not look like an ECG. Check the file, its lead and its sampling rate."
    return "None of the signals looks like an ECG. Choose the lead that is one."


def _doubt(channels: list[Channel], suggested: str | None, by_hand_hz: float | None) -> tuple[list[Channel], list[str]]:
    """The channels without a rate or a unit that no heart can have; the rate given by hand stays, with a note."""
    ecg = next((channel for channel in channels if channel.name == suggested), None)
    if ecg is None or ecg.fs_hz is None or is_counter(excerpt(ecg.signal)):
        return channels, []
    notes = []
    fs_hz, bpm = ecg.fs_hz, heart_rate(ecg.signal, ecg.fs_hz)
    if bpm is not None and not LEAST_BPM <= bpm <= MOST_BPM:
        what = f"At {fs_hz:.6g} Hz the heart would beat {bpm:,.3g} times a minute"
        if by_hand_hz is None:
            notes.append(f"{what}, so the file's rate is not taken. Give the sampling rate by hand.")
            channels = [replace(each, fs_hz=None) if each.fs_hz == fs_hz else each for each in channels]
        else:
            notes.append(f"{what}: check the rate that was given by hand.")
    wrong = [
        channel.name
        for channel in channels
        if ecg_by_name(channel.name) or channel.name == suggested
        if _is_no_voltage(channel, fs_hz)
    ]
    if wrong:
        shown = next(channel for channel in channels if channel.name == wrong[0])
        notes.append(
            f"In {shown.unit} a beat of {shown.name} would have {beat_range(shown.signal, fs_hz) * MV_PER_UNIT[shown.unit]:,.3g} mV, "
            "which no heart has, so the file's unit is not taken. Give the unit by hand."
        )
    return [replace(each, unit=UNKNOWN_UNIT) if each.name in wrong else each for each in channels], notes


def _is_no_voltage(channel: Channel, fs_hz: float) -> bool:
    scale = MV_PER_UNIT.get(channel.unit)
    if scale is None or is_constant(excerpt(channel.signal)) or len(channel.signal) < 2 * fs_hz:
        return False
    return not LEAST_MV <= scale * beat_range(channel.signal, fs_hz) <= MOST_MV


def _drop_infinite(signal: np.ndarray | Samples) -> int:
    """Makes infinite samples NaN, in place; their number. What is scaled from whole numbers has none."""
    if isinstance(signal, Samples):
        return 0
    infinite = np.isinf(signal)
    count = int(np.count_nonzero(infinite))
    if count:
        signal[infinite] = np.nan
    return count


def _compact(signal: np.ndarray | Samples) -> np.ndarray | Samples:
    """A long array in half its memory where that loses nothing, as of whole numbers; its slices are float64 as before."""
    if isinstance(signal, Samples) or len(signal) < COMPACTED:
        return signal
    small = np.empty(len(signal), np.float32)
    for start in range(0, len(signal), COMPACTED):
        part = signal[start : start + COMPACTED]
        with np.errstate(over="ignore"):
            small[start : start + COMPACTED] = part
        if not np.array_equal(small[start : start + COMPACTED], part, equal_nan=True):
            return signal
    return Samples(len(small), lambda first, last: small[first:last].astype(np.float64))


def _why_unusable(channel: Channel, limits: Limits) -> str | None:
    if len(channel.signal) == 0 or not any(np.isfinite(part).any() for part in pieces(channel.signal)):
        return "no samples"
    if channel.fs_hz is not None and not limits.allow_rate(channel.fs_hz):
        return f"{channel.fs_hz:.4g} Hz, expected {limits.fs_min_hz:g} to {limits.fs_max_hz:g} Hz"
    return None


def _listed(left_out: list[str]) -> str:
    """The first few of them: a message must stay readable."""
    shown = ", ".join(left_out[:3])
    more = len(left_out) - 3
    return f"{shown} and {more} more" if more > 0 else shown
