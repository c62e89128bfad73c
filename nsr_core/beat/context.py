"""A beat among its neighbours: about two beats on either side in the recording that it was cut from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nsr_core.data.strip import NO_BEAT, read_strip

#: Beats shown on either side, and the signal beyond the outermost of them.
NEIGHBOURS = 2
LEAD_IN_S, LEAD_OUT_S = 0.3, 0.5
#: Further away than this nothing is shown: two beats at 20 a minute.
REACH_S = 6.0


@dataclass(frozen=True)
class Context:
    """The stretch around a beat, ``n`` samples with ``m`` beats; times in seconds from the start of the recording.

    Attributes:
        lead: its name.
        in_mv: whether ``signal`` is in mV; else in a unit that is not known.
        time_s, signal: (n,) the stretch.
        beat_s: (m,) where the beats are marked, ascending.
        symbols: the beats' m symbols, as in the annotation files; empty where nobody gave them one.
        at: which of the beats it is.
        stop_s: where its window ends; it begins at its mark.
    """

    lead: str
    in_mv: bool
    time_s: np.ndarray
    signal: np.ndarray
    beat_s: np.ndarray
    symbols: tuple[str, ...]
    at: int
    stop_s: float

    @property
    def start_s(self) -> float:
        """Where the beat is marked."""
        return float(self.beat_s[self.at])

    @property
    def rr_before_s(self) -> float:
        """From the beat before to this one; NaN where there is none."""
        return float(self.beat_s[self.at] - self.beat_s[self.at - 1]) if self.at else np.nan

    @property
    def rr_after_s(self) -> float:
        """From this beat to the next one; NaN where there is none."""
        return float(self.beat_s[self.at + 1] - self.beat_s[self.at]) if self.at + 1 < len(self.beat_s) else np.nan

    @property
    def rate_bpm(self) -> float:
        """Beats a minute by all intervals of the stretch; NaN where it has one beat only."""
        return 60 / float(np.diff(self.beat_s).mean()) if len(self.beat_s) > 1 else np.nan


def around(
    lead: str,
    in_mv: bool,
    time_s: np.ndarray,
    signal: np.ndarray,
    beat_s: np.ndarray,
    symbols: Sequence[str],
    at: int,
    stop_s: float,
) -> Context:
    """The context of one of a recording's beats: cut down to its neighbours. Arguments as in ``Context``."""
    near = np.abs(beat_s - beat_s[at]) <= REACH_S
    first = max(at - NEIGHBOURS, int(near.argmax()))
    last = min(at + NEIGHBOURS, len(beat_s) - 1 - int(near[::-1].argmax()))
    shown = slice(first, last + 1)
    end = max(float(beat_s[last]), stop_s) + LEAD_OUT_S
    part = (time_s >= beat_s[first] - LEAD_IN_S) & (time_s <= end)
    return Context(lead, in_mv, time_s[part], signal[part], beat_s[shown], tuple(symbols[shown]), at - first, stop_s)


def record_context(folder: str | os.PathLike[str], record: str, sample: int) -> Context:
    """The context of a beat of the MIT-BIH records, from the record itself.

    Args:
        folder: holds the record's .hea, .dat and .atr.
        record: its name.
        sample: position of the beat's mark at 360 Hz (``Beats.sample``).

    Raises:
        UserError: a file is missing, or the record has no beat with a window there.
    """
    strip = read_strip(folder, record, sample, REACH_S, REACH_S)
    beats = np.flatnonzero(strip.labels != NO_BEAT)
    beat_s = strip.mark_s[beats]
    at = int(np.abs(beat_s - strip.start_s).argmin())
    symbols = [strip.symbols[beat] for beat in beats.tolist()]
    return around(strip.lead, True, strip.time_s, strip.mv, beat_s, symbols, at, strip.stop_s)
