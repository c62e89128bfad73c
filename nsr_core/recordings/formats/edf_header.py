"""An EDF header, checked against itself and the file's size before edfio sees the file.

Format: https://www.edfplus.info/specs/edf.html and .../edfplus.html
"""

import math
from dataclasses import dataclass

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.limits import Limits, short_count

#: How every EDF file begins.
VERSION = b"0       "
ANNOTATIONS = "EDF Annotations"
BYTES = 256
#: Where the number of records stands, and how wide it is.
RECORDS_AT, RECORDS_WIDTH = 236, 8
_BYTES_PER_SAMPLE = 2
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
class Header:
    """What the header says and the file keeps.

    Attributes:
        records: whole data records that the file holds.
        announced: as many the header says there are; -1 where it does not know.
        record_s: seconds of a record; 0 only where there is nothing but annotations.
        labels: of the signals, annotations among them.
        samples: of each signal in a record.
        bytes: of the header.
        record_bytes: of a record.
    """

    records: int
    announced: int
    record_s: float
    labels: tuple[str, ...]
    samples: tuple[int, ...]
    bytes: int
    record_bytes: int


def is_edf(content: bytes) -> bool:
    """Whether these bytes begin as an EDF file does."""
    return len(content) >= BYTES and content.startswith(VERSION) and content[252:BYTES].strip().isdigit()


def read_header(name: str, content: bytes, limits: Limits) -> Header:
    """The header of an EDF or a continuous EDF+ file.

    Raises:
        UserError: it is no such header, a field is not what it must be, or the file ends too early.
    """
    if not is_edf(content):
        raise _fault(name, "it does not begin as an EDF file does")
    if content[192:236].strip().startswith(b"EDF+D"):
        raise UserError(
            f"{quote(name)} is a discontinuous EDF+ file (EDF+D), which is not read. Save one continuous stretch of it."
        )
    count = _whole(name, content, 252, 4, "number of signals")
    if count < 1:
        raise _fault(name, "it has no signals")
    limits.check_channels(count)
    size = BYTES * (1 + count)
    if _whole(name, content, 184, 8, "header size") != size or len(content) < size:
        raise _fault(name, f"a header of {count} signals has {size:,} bytes; it says or holds another number")
    samples = tuple(_field_of_all(name, content, count, "samples"))
    labels = tuple(_text(content, _at("label", count) + 16 * signal, 16) for signal in range(count))
    _check_ranges(name, content, count, labels)
    if min(samples) < 1:
        raise _fault(name, "a signal has no samples in a record")
    record_s = _number(name, content, 244, 8, "duration of a record")
    if record_s < 0 or (record_s == 0 and set(labels) != {ANNOTATIONS}):
        raise _fault(name, f"a record lasts {record_s:g} s, expected more than 0 s")
    record_bytes = _BYTES_PER_SAMPLE * sum(samples)
    announced = _whole(name, content, RECORDS_AT, RECORDS_WIDTH, "number of records")
    if announced < -1:
        raise _fault(name, f"it announces {announced} records")
    held = (len(content) - size) // record_bytes
    records = held if announced == -1 else min(held, announced)
    if records == 0:
        raise _fault(name, f"it announces {short_count(announced)} records and holds not one whole record")
    return Header(records, announced, record_s, labels, samples, size, record_bytes)


def _check_ranges(name: str, content: bytes, count: int, labels: tuple[str, ...]) -> None:
    """A signal's two ranges scale its samples, so neither may be empty; those of annotations scale nothing."""
    digital_min = _field_of_all(name, content, count, "digital_min")
    digital_max = _field_of_all(name, content, count, "digital_max")
    for signal, label in enumerate(labels):
        if label == ANNOTATIONS:
            continue
        if digital_min[signal] >= digital_max[signal]:
            raise _fault(name, f"{quote(label)} has digital values from {digital_min[signal]} to {digital_max[signal]}")
        low, high = (
            _number(name, content, _at(field, count) + 8 * signal, 8, field.replace("_", " "))
            for field in ("physical_min", "physical_max")
        )
        if low == high:
            raise _fault(name, f"{quote(label)} has physical values from {low:g} to {high:g}")


def _at(field: str, count: int) -> int:
    """Where a field of ``count`` signals begins."""
    names = list(_SIGNAL_FIELDS)
    return BYTES + count * sum(_SIGNAL_FIELDS[each] for each in names[: names.index(field)])


def _field_of_all(name: str, content: bytes, count: int, field: str) -> list[int]:
    width = _SIGNAL_FIELDS[field]
    start = _at(field, count)
    return [_whole(name, content, start + width * signal, width, field.replace("_", " ")) for signal in range(count)]


def _text(content: bytes, at: int, width: int) -> str:
    return content[at : at + width].decode("latin-1").rstrip()


def _whole(name: str, content: bytes, at: int, width: int, what: str) -> int:
    text = _text(content, at, width)
    try:
        return int(text)
    except ValueError:
        raise _fault(name, f"the {what} is {quote(text)}, expected a whole number") from None


def _number(name: str, content: bytes, at: int, width: int, what: str) -> float:
    text = _text(content, at, width)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _fault(name, f"the {what} is {quote(text)}, expected a number")
    return value


def _fault(name: str, what: str) -> UserError:
    return UserError(f"{quote(name)} cannot be read as EDF: {what}. Export it again, or copy it again, whole.")
