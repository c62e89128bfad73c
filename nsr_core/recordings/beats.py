"""From a lead to beats: where each begins, whether it can be used, and the beats as a network takes them."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nsr_core.data.beats import BEAT_LENGTH, RECORD_FS_HZ, Beats
from nsr_core.data.cutting import CLASS_OF_SYMBOL, Window, cut_segments, find_windows, scale_rows
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress
from nsr_core.recordings.grid import Lead, to_grid
from nsr_core.recordings.pieces import beats_at_once
from nsr_core.recordings.quality import unusable
from nsr_core.recordings.recording import Marks, Recording

SOURCE = "own"
DETECTOR, MARKS = "detector", "marks"
#: Beats scaled at once, in double precision.
SCALED_AT_ONCE = 4096
#: The class of a beat that nobody named.
NO_CLASS = -1


@dataclass(frozen=True)
class CutRecording:
    """A stretch of one lead and all beats in it, ``n`` of them, ``k`` of which can be used.

    Attributes:
        recording: its name.
        digest: SHA-256 of the files that it was read from.
        key: names the recording and everything that was chosen: other beats, another key; the same choices said in another
            way, the same.
        lead: the stretch.
        beats_from: ``"detector"`` or ``"marks"``, the recording's own.
        sample: (n,) where each beat is marked, from the start of the stretch at 360 Hz.
        stop: (n,) where its window closes; the last ones may close beyond the stretch.
        reason: (n,) str, why a beat cannot be used, a key of ``quality.REASONS``; ``""`` where it can.
        marked: (n,) int64, the class that the recording's own marks give it, or ``NO_CLASS``.
        beats: the k usable ones; their ``y`` is ``marked``, or 0 where that says nothing.
        row: (k,) which of the n each usable beat is.
        unclassified: (m,) where a large deflection is no beat's, from the start of the stretch at 360 Hz.
    """

    recording: str
    digest: str
    key: str
    lead: Lead
    beats_from: str
    sample: np.ndarray
    stop: np.ndarray
    reason: np.ndarray
    marked: np.ndarray
    beats: Beats
    row: np.ndarray
    unclassified: np.ndarray

    @cached_property
    def time_s(self) -> np.ndarray:
        """(n,) seconds from the start of the recording."""
        return self.lead.start_s + self.sample / RECORD_FS_HZ

    @property
    def unclassified_s(self) -> np.ndarray:
        """(m,) seconds from the start of the recording."""
        return self.lead.start_s + self.unclassified / RECORD_FS_HZ


def has_beats(marks: Marks | None) -> bool:
    """Whether marks came along and name beats, so that they are what beats are best taken from."""
    return marks is not None and sum(symbol in CLASS_OF_SYMBOL for symbol in marks.symbols) > 1


def cut_recording(
    recording: Recording,
    channel: str,
    *,
    fs_hz: float | None = None,
    unit: str | None = None,
    start_s: float = 0.0,
    stop_s: float | None = None,
    use_marks: bool = False,
    progress: Progress = no_progress,
) -> CutRecording:
    """Cut a recording as the training beats were cut: by the same rule, at the same rate, with the same code.

    Args:
        channel: the name of its lead.
        fs_hz, unit, start_s, stop_s: as in ``to_grid``.
        use_marks: take the beats from the marks that came with the recording; without it they are found in the signal.
        progress: called before each step; raising from it stops the work.

    Raises:
        UserError: no such lead, no marks, what ``to_grid`` raises, or fewer than two beats.
    """
    from nsr_core.recordings.unclassified import unclassified  # scipy: only who cuts needs it

    if channel not in [each.name for each in recording.channels]:
        leads = ", ".join(each.name for each in recording.channels)
        raise UserError(f'{recording.name} has no lead "{channel}". Choose one of: {leads}.')
    progress(0, 3, f"bringing {channel} to {RECORD_FS_HZ:g} samples a second")
    lead = to_grid(recording.channel(channel), fs_hz=fs_hz, unit=unit, start_s=start_s, stop_s=stop_s)
    progress(1, 3, "finding the beats")
    sample, symbols = _marked(recording, lead) if use_marks else _found(lead)
    windows = [window for window in find_windows(sample, symbols) if 0 <= window.start < window.stop]
    if not windows:
        raise UserError(
            f"No two heartbeats were found in {channel} from {start_s:g} s on. Choose another lead or stretch, or check the "
            "sampling rate."
        )
    progress(2, 3, f"cutting {len(windows):,} beats")
    reason = unusable(lead, windows)
    # A window closes a fifth of the interval after next past the next beat; for the last one that interval is a guess.
    reason[-1] = reason[-1] or "end"
    row = np.flatnonzero(reason == "")
    own_unit = recording.channel(channel).unit
    stretch = (float(lead.fs_hz), float(lead.start_s), len(lead.signal))
    chosen = (recording.digest, channel, own_unit if unit is None else unit, *stretch, use_marks)
    key = f"{_plain(recording.name)}-{hashlib.sha256(repr(chosen).encode()).hexdigest()[:8]}"
    cut = CutRecording(
        recording=recording.name,
        digest=recording.digest,
        key=key,
        lead=lead,
        beats_from=MARKS if use_marks else DETECTOR,
        sample=np.array([window.start for window in windows], np.int64),
        stop=np.array([window.stop for window in windows], np.int64),
        reason=reason,
        marked=np.array([window.label if use_marks else NO_CLASS for window in windows], np.int64),
        beats=beats_of_windows(lead, [windows[place] for place in row.tolist()], key),
        row=row,
        unclassified=unclassified(lead.signal, sample[[symbol in CLASS_OF_SYMBOL for symbol in symbols]]),
    )
    progress(3, 3, "all beats cut")
    return cut


def _found(lead: Lead) -> tuple[np.ndarray, list[str]]:
    from nsr_core.recordings.peaks import find_peaks  # as above

    peaks = find_peaks(lead.signal)
    return peaks, ["N"] * len(peaks)


def _marked(recording: Recording, lead: Lead) -> tuple[np.ndarray, list[str]]:
    """All marks in the stretch, beats or not: both bound windows, as in the training records."""
    if recording.marks is None:
        raise UserError(f"{recording.name} came without marks. Let the beats be found in the signal.")
    return _on_stretch(recording.marks, lead)


def _on_stretch(marks: Marks, lead: Lead) -> tuple[np.ndarray, list[str]]:
    sample = np.round((marks.time_s - lead.start_s) * RECORD_FS_HZ).astype(np.int64)
    within = np.flatnonzero((sample >= 0) & (sample < len(lead.signal)))
    return sample[within], [marks.symbols[place] for place in within]


def beats_of_windows(lead: Lead, windows: list[Window], key: str) -> Beats:
    """The beats of some windows of a lead as a network takes them; ``key`` is their record."""
    cut = cut_segments(lead.signal, windows)
    count = len(windows)
    x = np.empty((count, BEAT_LENGTH), np.float32)
    for part in beats_at_once(count, SCALED_AT_ONCE):
        x[part] = scale_rows(_padded(cut.kept[part]), cut.low[part], cut.high[part], cut.length[part])
    mv = np.float32(1.0 if lead.in_mv else np.nan)
    return Beats(
        x=x,
        y=np.array([window.label for window in windows], np.int64),
        length=cut.length,
        record=np.full(count, key),
        sample=np.array([window.start for window in windows], np.int64),
        lead=np.full(count, lead.name),
        mv_min=cut.low.astype(np.float32) * mv,
        mv_max=cut.high.astype(np.float32) * mv,
        cut_short=np.array([window.cut_short for window in windows], bool),
        truncated=cut.truncated,
        source=SOURCE,
    )


def _padded(segments: list[np.ndarray]) -> np.ndarray:
    """(n, 187) float64, zero after the end of each."""
    rows = np.zeros((len(segments), BEAT_LENGTH))
    for row, kept in zip(rows, segments, strict=True):
        row[: len(kept)] = kept
    return rows


def _plain(name: str) -> str:
    """The name as part of a beat's name: letters, digits, dots and dashes, 24 at most."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:24] or "recording"
