"""An EDF or EDF+ file from memory."""

import math
import re
from collections.abc import Iterator

import edfio
import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats import edf_header
from nsr_core.recordings.formats.annotations import SYMBOLS
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.edf_header import ANNOTATIONS, Header
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.text import clean, quote, tidy_unit
from nsr_core.recordings.limits import Deadline, Limits
from nsr_core.recordings.recording import Channel, Marks

#: Electrodes often stand behind the kind of signal: "ECG II" is lead II.
_KIND = re.compile(r"^(ECG|EKG)[ :_-]+(?=\S)", re.IGNORECASE)
#: Of EDF+ annotations; of one that is longer, the rest is passed over.
LIST_BYTES = 4096
_LIST = re.compile(rb"[^\0]+")
_BDF_START = b"\xffBIOSEMI"
_KNOWN_SYMBOLS = frozenset(SYMBOLS.values()) - {" "}


def read_edf(given: Given) -> Contents:
    """The ordinary signals, each at its own rate and in its unit; EDF+ annotations where they are beat symbols.

    Raises:
        UserError: the file is damaged, discontinuous or without signals, or a limit is passed.
    """
    name, content, limits, deadline, progress = given.name, given.content, given.limits, given.deadline, given.progress
    if content.startswith(_BDF_START):
        raise UserError(f"{quote(name)} is a BDF file, which is not read. Export it as EDF.")
    header = edf_header.read_header(name, content, limits)
    if set(header.labels) == {ANNOTATIONS}:
        raise UserError(f"{quote(name)} holds annotations and no signal. Give the file with the ECG.")
    limits.check_samples(header.records * sum(header.samples))
    notes = _length_notes(header)
    signals = _open(name, content, header)
    channels = []
    for done, signal in enumerate(signals):
        deadline.check()
        progress(done, len(signals), f"reading {clean(name, 40)}")
        channels.append(
            Channel(
                name=_KIND.sub("", signal.label),
                unit=tidy_unit(signal.physical_dimension),
                fs_hz=signal.sampling_frequency,
                signal=_physical(signal),
            )
        )
    progress(len(signals), len(signals), "all signals read")
    marks, more_notes = _read_marks(content, header, limits, deadline)
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


def _open(name: str, content: bytes, header: Header) -> tuple[edfio.EdfSignal, ...]:
    """edfio's signals, not yet in memory. It gets the records that are there, and a header that says so."""
    end = header.bytes + header.records * header.record_bytes
    if header.announced != header.records or end != len(content):
        at, width = edf_header.RECORDS_AT, edf_header.RECORDS_WIDTH
        number = str(header.records).encode().ljust(width)
        content = b"".join([content[:at], number, memoryview(content)[at + width : end]])
    try:
        return edfio.read_edf(content, header_encoding="latin-1").signals
    except Exception as error:  # a field that is not checked here, because nothing here needs it
        raise UserError(f"{quote(name)} cannot be read as EDF. Export it again, or copy it again, whole.") from error


def _physical(signal: edfio.EdfSignal) -> np.ndarray:
    """(n,) float64 that may be written to, which edfio's own array may not."""
    with np.errstate(all="ignore"):
        data = np.asarray(signal.data, np.float64)
    data.flags.writeable = True
    return data


def _read_marks(content: bytes, header: Header, limits: Limits, deadline: Deadline) -> tuple[Marks | None, list[str]]:
    """Those annotations whose text is a symbol, if most are: in a hypnogram, R is no beat but a sleep stage."""
    found: list[tuple[float, str]] = []
    others = 0
    duration_s = header.records * header.record_s
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
    """Onset in seconds from the first sample, and text, of every annotation in the file's order.

    A list of a record is ``onset[\\x15duration]\\x14text\\x14text\\x14\\x00`` over and over; the first list of the first
    record has an empty text and says when the first sample was taken.
    """
    start_s = None
    ends = [2 * sum(header.samples[: signal + 1]) for signal in range(len(header.samples))]
    parts = [
        (end - 2 * samples, end)
        for label, end, samples in zip(header.labels, ends, header.samples, strict=True)
        if label == ANNOTATIONS
    ]
    for record in range(header.records if parts else 0):
        if record % 1024 == 0:
            deadline.check()
        begin = header.bytes + record * header.record_bytes
        for first, end in parts:
            for entry in _LIST.finditer(content, begin + first, begin + end):
                onset, *texts = entry[0][:LIST_BYTES].split(b"\x14")
                onset_s = _seconds(onset)
                if not texts or onset_s is None:
                    continue
                start_s = onset_s if start_s is None else start_s
                for text in filter(None, texts):
                    yield onset_s - start_s, text.decode("utf-8", errors="replace")


def _seconds(onset: bytes) -> float | None:
    try:
        value = float(onset.partition(b"\x15")[0][:32])
    except ValueError:
        return None
    return value if math.isfinite(value) else None


EDF = Format(
    key="edf",
    title="EDF or EDF+",
    endings=(".edf", ".rec"),
    recognise=lambda name, content: content.startswith(_BDF_START) or edf_header.is_edf(content),
    read=read_edf,
    reads="every signal, each at its own rate; EDF+ annotations whose text is an MIT-BIH symbol, if most are",
)
