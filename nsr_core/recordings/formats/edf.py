"""An EDF, EDF+ or BDF file: its samples are read in the stretches that are asked for."""

import math
import re
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats import edf_header
from nsr_core.recordings.formats.annotations import SYMBOLS
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.edf_header import Header, Signal
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.pages import Records
from nsr_core.recordings.formats.text import counted, quote, tidy_unit
from nsr_core.recordings.limits import Deadline, Limits
from nsr_core.recordings.recording import Channel, Marks, Samples

#: Electrodes often stand behind the kind of signal: "ECG II" is lead II.
_KIND = re.compile(r"^(ECG|EKG)[ :_-]+(?=\S)", re.IGNORECASE)
#: Of EDF+ annotations; of one that is longer, the rest is passed over.
LIST_BYTES = 4096
_LIST = re.compile(rb"[^\0]+")
#: How far a record may begin from where the one before ends, and how long a recording with gaps may last.
_EVEN_S, _LONGEST_S = 1e-3, 7 * 86400.0
_KNOWN_SYMBOLS = frozenset(SYMBOLS.values()) - {" "}


def read_edf(given: Given) -> Contents:
    """The ordinary signals, each at its own rate and in its unit; EDF+ annotations where they are beat symbols.

    The samples stay where they are until they are looked at (``Samples``).

    Raises:
        UserError: the file is damaged or without signals, or a limit is passed.
    """
    name, content, limits = given.name, given.content, given.limits
    header = edf_header.read_header(name, content, limits)
    ordinary = [signal for signal in header.signals if not signal.is_annotations]
    if not ordinary:
        raise UserError(f"{quote(name)} holds annotations and no signal. Give the file with the ECG.")
    usable = [signal for signal in ordinary if not signal.fault and signal.samples]
    if not usable:
        raise UserError(
            f"{quote(name)} cannot be read as EDF: no signal can be scaled; of {quote(ordinary[0].label)}, "
            f"{ordinary[0].fault or 'there are no samples'}. Export it again, or copy it again, whole."
        )
    limits.check_streamed(header.records * sum(signal.samples for signal in usable))
    notes = _length_notes(header)
    dead = [signal for signal in ordinary if signal not in usable]
    if dead:
        shown = quote(dead[0].label or "a signal without name")
        notes.append(
            f"Left out: {counted(len(dead), 'signal')} that cannot be scaled, such as {shown} ({dead[0].fault or 'no samples'})."
        )
    begins_s = _record_starts(content, header, given.deadline) if header.is_discontinuous else None
    channels = [_channel(content, header, signal, begins_s, limits) for signal in usable]
    given.progress(1, 1, "all signals found")
    marks, more_notes = _read_marks(content, header, begins_s, limits, given.deadline)
    if begins_s is not None and _has_gaps(begins_s, header.record_s):
        notes.append("The recording has gaps (EDF+D); the samples in them are missing.")
    if header.is_discontinuous and begins_s is None:
        notes.append(
            "The records of this EDF+D file do not all say when they begin, or overlap. They were put one after another, so times, "
            "and marks by them, may be wrong."
        )
    return Contents(channels, marks, notes + more_notes)


def _length_notes(header: Header) -> list[str]:
    if header.announced == header.records:
        return []
    if header.announced == -1:
        return ["The recording was not closed by its recorder; all that is there was read."]
    return [
        f"The file is cut off: its header announces {header.announced:,} records of {header.record_s:g} s, "
        f"{header.records:,} are there."
    ]


def _channel(content: bytes, header: Header, signal: Signal, begins_s: np.ndarray | None, limits: Limits) -> Channel:
    fs_hz = signal.samples / header.record_s
    width = header.sample_bytes
    records = Records(content, header.bytes, header.record_bytes, width * signal.start, signal.samples, width)
    read = partial(_physical, records, signal)
    count = header.records * signal.samples
    if begins_s is not None and _has_gaps(begins_s, header.record_s):
        first = np.round(begins_s * fs_hz).astype(np.int64)
        count = int(first[-1]) + signal.samples
        limits.check_streamed(count)
        read = partial(_with_gaps, read, first, signal.samples)
    return Channel(_KIND.sub("", signal.label), tidy_unit(signal.unit), fs_hz, Samples(count, read))


def _physical(records: Records, signal: Signal, first: int, last: int) -> np.ndarray:
    """(last - first,) float64."""
    return signal.gain * (records.digital(first, last) + signal.offset)


def _with_gaps(
    read: Callable[[int, int], np.ndarray], begins: np.ndarray, samples: int, first: int, last: int
) -> np.ndarray:
    """The samples of records that begin where ``begins`` says; NaN between them."""
    found = np.full(last - first, np.nan)
    low = max(0, int(np.searchsorted(begins, first, "right")) - 1)
    for record in range(low, int(np.searchsorted(begins, last))):
        begin = int(begins[record])
        start, stop = max(first, begin), min(last, begin + samples)
        if start < stop:
            found[start - first : stop - first] = read(
                record * samples + start - begin, record * samples + stop - begin
            )
    return found


def _record_starts(content: bytes, header: Header, deadline: Deadline) -> np.ndarray | None:
    """(records,) seconds from the first record, as the first annotation of each says; None where they do not rise."""
    begins = {
        record: onset_s
        for record, onset_s, texts in reversed(list(_entries(content, header, deadline)))
        if not any(texts)
    }
    if set(begins) != set(range(header.records)):
        return None
    found = np.array([begins[record] - begins[0] for record in range(header.records)])
    is_right = len(found) < 2 or bool((np.diff(found) >= header.record_s * 0.999).all())
    return found if is_right and found[-1] < _LONGEST_S else None


def _has_gaps(begins_s: np.ndarray, record_s: float) -> bool:
    return bool(np.abs(begins_s - record_s * np.arange(len(begins_s))).max() > _EVEN_S)


def _read_marks(
    content: bytes, header: Header, begins_s: np.ndarray | None, limits: Limits, deadline: Deadline
) -> tuple[Marks | None, list[str]]:
    """Those annotations whose text is a symbol, if most are: in a hypnogram, R is no beat but a sleep stage."""
    found: list[tuple[float, str]] = []
    others = 0
    duration_s = (header.records - 1) * header.record_s if begins_s is None else float(begins_s[-1])
    duration_s += header.record_s
    for onset_s, text in _annotations(content, header, deadline):
        if text in _KNOWN_SYMBOLS and 0 <= onset_s <= duration_s and len(found) < limits.marks:
            found.append((onset_s, text))
        else:
            others += 1
    found.sort(key=lambda each: each[0])
    if len(found) <= others:
        found, others = [], len(found) + others
    notes = [f"{others:,} EDF+ annotations that are no beat symbols are not used."] if others else []
    if not found:
        return None, notes
    times, symbols = zip(*found, strict=True)
    return Marks(np.array(times, np.float64), symbols), notes


def _annotations(content: bytes, header: Header, deadline: Deadline) -> Iterator[tuple[float, str]]:
    """Onset in seconds from the first sample, and text, of every annotation in the file's order."""
    start_s = None
    for _, onset_s, texts in _entries(content, header, deadline):
        start_s = onset_s if start_s is None else start_s
        for text in filter(None, texts):
            yield onset_s - start_s, text.decode("utf-8", errors="replace")


def _entries(content: bytes, header: Header, deadline: Deadline) -> Iterator[tuple[int, float, list[bytes]]]:
    """Record, onset in seconds and texts of every entry.

    A list of a record is ``onset[\\x15duration]\\x14text\\x14text\\x14\\x00`` over and over; the first list of each record
    has an empty text and says when the record's first sample was taken.
    """
    width = header.sample_bytes
    parts = [
        (width * signal.start, width * (signal.start + signal.samples))
        for signal in header.signals
        if signal.is_annotations
    ]
    for record in range(header.records if parts else 0):
        if record % 1024 == 0:
            deadline.check()
        begin = header.bytes + record * header.record_bytes
        for first, end in parts:
            for entry in _LIST.finditer(content[begin + first : begin + end]):
                onset, *texts = entry[0][:LIST_BYTES].split(b"\x14")
                onset_s = _seconds(onset)
                if texts and onset_s is not None:
                    yield record, onset_s, texts


def _seconds(onset: bytes) -> float | None:
    try:
        value = float(onset.partition(b"\x15")[0][:32])
    except ValueError:
        return None
    return value if math.isfinite(value) else None


EDF = Format(
    key="edf",
    title="EDF, EDF+ or BDF",
    endings=(".edf", ".rec", ".bdf"),
    recognise=lambda name, content: edf_header.is_edf(content),
    is_streamed=True,
    read=read_edf,
    reads="every signal, each at its own rate; annotations of EDF+ whose text is an MIT-BIH symbol, if most are",
)
