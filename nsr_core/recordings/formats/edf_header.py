"""An EDF or BDF header, checked against itself and the file's size before its samples are believed.

Formats: https://www.edfplus.info/specs/edf.html and .../edfplus.html; BDF is EDF with samples of 24 bits.
"""

import math
from dataclasses import dataclass

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.limits import Limits, short_count

#: How every EDF file begins.
VERSION = b"0       "
BDF_VERSION = b"\xffBIOSEMI"
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
BYTES = 256
#: Where the number of records stands, and how wide it is.
RECORDS_AT, RECORDS_WIDTH = 236, 8
#: The widths of a signal's fields. The file has the first of all signals, then the second of all, and so on.
_SIGNAL_FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefiltering": 80,
    "samples": 8,
    "reserved": 32,
}


@dataclass(frozen=True)
class Signal:
    """One signal of the header.

    Attributes:
        label: as it stands.
        unit: as it stands, in Latin-1 or UTF-8.
        samples: in a record.
        start: in a record, samples of the signals before it.
        gain, offset: a sample is ``gain * (digital + offset)``, as edfio has it.
        fault: why it cannot be scaled, in words; empty where it can.
    """

    label: str
    unit: str
    samples: int
    start: int
    gain: float
    offset: float
    fault: str

    @property
    def is_annotations(self) -> bool:
        return self.label in ANNOTATIONS


@dataclass(frozen=True)
class Header:
    """What the header says and the file keeps.

    Attributes:
        records: whole data records that the file holds.
        announced: as many the header says there are; -1 where it does not know.
        record_s: seconds of a record; 0 only where there is nothing but annotations.
        signals: annotations among them.
        bytes: of the header.
        sample_bytes: 2 of EDF, 3 of BDF.
        record_bytes: of a record.
        is_discontinuous: whether records may not follow one another at once.
    """

    records: int
    announced: int
    record_s: float
    signals: tuple[Signal, ...]
    bytes: int
    sample_bytes: int
    record_bytes: int
    is_discontinuous: bool


def is_edf(content: bytes) -> bool:
    """Whether these bytes begin as an EDF or a BDF file does."""
    start = content[:BYTES]
    return len(start) == BYTES and start.startswith((VERSION, BDF_VERSION)) and start[252:].strip().isdigit()


def read_header(name: str, content: bytes, limits: Limits) -> Header:
    """The header of an EDF, EDF+, BDF or BDF+ file. A signal that cannot be scaled is named, not refused.

    Raises:
        UserError: it is no such header, a field is not what it must be, or the file ends too early.
    """
    if not is_edf(content):
        raise _fault(name, "it does not begin as an EDF file does")
    count = _whole(name, content, 252, 4, "number of signals")
    if count < 1:
        raise _fault(name, "it has no signals")
    limits.check_channels(count)
    size = BYTES * (1 + count)
    if _whole(name, content, 184, 8, "header size") != size or len(content) < size:
        raise _fault(name, f"a header of {count} signals has {size:,} bytes; it says or holds another number")
    samples = _samples(name, content, count)
    signals = tuple(_signal(content, count, number, samples) for number in range(count))
    record_s = _number(name, content, 244, 8, "duration of a record")
    if record_s < 0 or (record_s == 0 and not all(signal.is_annotations for signal in signals)):
        raise _fault(name, f"a record lasts {record_s:g} s, expected more than 0 s")
    sample_bytes = 3 if content[: len(BDF_VERSION)] == BDF_VERSION else 2
    record_bytes = sample_bytes * sum(samples)
    announced = _whole(name, content, RECORDS_AT, RECORDS_WIDTH, "number of records")
    if announced < -1:
        raise _fault(name, f"it announces {announced} records")
    held = (len(content) - size) // record_bytes
    records = held if announced == -1 else min(held, announced)
    if records == 0:
        raise _fault(name, f"it announces {short_count(announced)} records and holds not one whole record")
    gaps = content[192:236].strip()[:5] in (b"EDF+D", b"BDF+D")
    return Header(records, announced, record_s, signals, size, sample_bytes, record_bytes, gaps)


def _samples(name: str, content: bytes, count: int) -> list[int]:
    """In a record, of each signal."""
    at = _at("samples", count)
    samples = [_whole(name, content, at + 8 * signal, 8, "samples") for signal in range(count)]
    if min(samples) < 0 or not any(samples):
        raise _fault(name, "a signal has no samples in a record")
    return samples


def _signal(content: bytes, count: int, number: int, samples: list[int]) -> Signal:
    """One signal; its two ranges scale its samples, so neither may be empty; those of annotations scale nothing."""
    label, unit = (
        _plain(content, _at(field, count) + _SIGNAL_FIELDS[field] * number, _SIGNAL_FIELDS[field])
        for field in ("label", "unit")
    )
    fields = [
        _text(content, _at(field, count) + 8 * number, 8)
        for field in ("physical_min", "physical_max", "digital_min", "digital_max")
    ]
    gain, offset, fault = 1.0, 0.0, ""
    if label not in ANNOTATIONS:
        try:
            low, high, least, most = (float(field.replace(",", ".")) for field in fields)
            gain = (high - low) / (most - least)
            offset = high / gain - most
        except (ValueError, ZeroDivisionError):
            gain = math.nan
        if not (math.isfinite(gain) and math.isfinite(offset)):
            ranges = " ".join(field or "-" for field in fields)
            gain, offset, fault = 1.0, 0.0, f"its ranges are {quote(ranges)}"
    return Signal(label, unit, samples[number], sum(samples[:number]), gain, offset, fault)


def _plain(content: bytes, at: int, width: int) -> str:
    """Text that should be ASCII and in practice is UTF-8 or Latin-1, where it names a microvolt."""
    raw = content[at : at + width]
    try:
        return raw.decode().rstrip()
    except UnicodeDecodeError:
        return raw.decode("latin-1").rstrip()


def _at(field: str, count: int) -> int:
    """Where a field of ``count`` signals begins."""
    names = list(_SIGNAL_FIELDS)
    return BYTES + count * sum(_SIGNAL_FIELDS[each] for each in names[: names.index(field)])


def _text(content: bytes, at: int, width: int) -> str:
    return content[at : at + width].decode("latin-1").rstrip()


def _whole(name: str, content: bytes, at: int, width: int, what: str) -> int:
    text = _text(content, at, width)
    try:
        return int(float(text.replace(",", ".")))
    except (ValueError, OverflowError):
        raise _fault(name, f"the {what} is {quote(text)}, expected a whole number") from None


def _number(name: str, content: bytes, at: int, width: int, what: str) -> float:
    text = _text(content, at, width)
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _fault(name, f"the {what} is {quote(text)}, expected a number")
    return value


def _fault(name: str, what: str) -> UserError:
    return UserError(f"{quote(name)} cannot be read as EDF: {what}. Export it again, or copy it again, whole.")
