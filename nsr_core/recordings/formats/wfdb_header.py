"""A WFDB header, checked against itself before any of it is believed.

wfdb's own reader passes over what it does not understand: a rate of -360 becomes the default of 250.
Format: https://physionet.org/physiotools/wag/header-5.htm
"""

import math
import re
from dataclasses import dataclass

from wfdb.io.header import parse_header_content, rx_signal

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import MICRO, quote

HEADER_BYTES = 100_000
LINE_CHARACTERS = 1000
#: The last three are packed by an audio codec (FLAC).
PACKED = ("508", "516", "524")
FORMATS = ("8", "16", "24", "32", "61", "80", "160", "212", "310", "311", *PACKED)
DEFAULT_FS_HZ, DEFAULT_GAIN, DEFAULT_UNIT = 250.0, 200.0, "mV"
_RECORD_NAME = re.compile(r"[-\w]+(?P<segments>/\d+)?$")
_SEGMENT = re.compile(r"([-\w]+|~)$")
_RATE = re.compile(r"(?P<rate>\d+\.?\d*|\.\d+)(/\S*)?$")
#: What a signal file's name may be made of; a path or an address it cannot.
_FILE_NAME = re.compile(r"[-\w]+(\.\w+)?$")
_LAYOUT = re.compile(r"\d+(x\d+)?(:\d+)?(\+\d+)?$")
_GAIN = re.compile(r"-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(\(-?\d+\))?(/\S*)?$")


@dataclass(frozen=True)
class SignalLine:
    """One signal.

    Attributes:
        file: that holds it, a plain name.
        layout: the line behind the name, as it stands.
        format: one of ``FORMATS``.
        per_frame: samples in each frame.
        skew: frames that it lags behind.
        offset: bytes of the file before the first sample.
        is_calibrated: whether the line names a gain.
        gain, baseline, unit: a sample is ``(digital - baseline) / gain`` of the unit.
        name: of the signal; empty where there is none.
    """

    file: str
    layout: str
    format: str
    per_frame: int
    skew: int
    offset: int
    is_calibrated: bool
    gain: float
    baseline: int
    unit: str
    name: str


@dataclass(frozen=True)
class Header:
    """One record; ``frames`` is None where the header does not say how many there are."""

    frames_hz: float
    frames: int | None
    signals: tuple[SignalLine, ...]


def read_header(name: str, content: bytes) -> Header:
    """The header of a record of one segment.

    Raises:
        UserError: it is no header, contradicts itself, or needs what is not read: segments, paths, packed samples.
    """
    lines = _lines(name, content)
    fields = lines[0].split()
    record_name = _RECORD_NAME.match(fields[0])
    if record_name is None or len(fields) < 2 or not fields[1].isdigit():
        raise _fault(name, f"its first line is {quote(lines[0])}, expected the record's name and its number of signals")
    if record_name["segments"]:
        raise _fault(name, "it lists segments where it should describe signals")
    count = int(fields[1])
    if count == 0:
        raise _fault(name, "it has no signals")
    if count != len(lines) - 1:
        raise _fault(name, f"it announces {fields[1][:12]} signals and describes {len(lines) - 1}")
    frames_hz = _rate(name, fields)
    frames = _frames(name, fields)
    signals = tuple(_signal(name, line) for line in lines[1:])
    for other in signals:
        first = next(signal for signal in signals if signal.file == other.file)
        if (first.format, first.offset) != (other.format, other.offset):
            raise _fault(name, f"the signals in {quote(first.file)} differ in format or offset")
    return Header(frames_hz, frames, signals)


@dataclass(frozen=True)
class Segment:
    """A part of a record: the name of its header without ending, ``~`` for a gap, and its frames; 0 for a layout."""

    name: str
    frames: int


def read_segments(name: str, content: bytes) -> tuple[float, list[Segment]] | None:
    """Frames a second and the segments of a record that has some; None of a record that describes signals itself.

    Raises:
        UserError: it announces segments and does not list them.
    """
    lines = _lines(name, content)
    fields = lines[0].split()
    match = _RECORD_NAME.match(fields[0])
    if match is None or not match["segments"]:
        return None
    segments = []
    for line in lines[1:]:
        parts = line.split()
        if len(parts) != 2 or not _SEGMENT.match(parts[0]) or not parts[1].isdigit() or len(parts[1]) > 15:
            raise _fault(name, f"{quote(line)} does not name a segment and its length")
        segments.append(Segment(parts[0], int(parts[1])))
    if len(segments) != int(match["segments"][1:]) or not any(segment.name != "~" for segment in segments):
        raise _fault(name, f"it announces {match['segments'][1:][:12]} segments and lists {len(segments)}")
    return _rate(name, fields), segments


def signal_names(name: str, content: bytes) -> list[str]:
    """Of a header, also of a layout, whose signals are in no file."""
    found = [rx_signal.match(line) for line in _lines(name, content)[1:]]
    return [match["sig_name"].strip() for match in found if match]


def named_files(name: str, content: bytes) -> list[str]:
    """The signal files that a header names, each once; ``read_header`` has made sure that they are no paths."""
    return list(dict.fromkeys(signal.file for signal in read_header(name, content).signals))


def _lines(name: str, content: bytes) -> list[str]:
    if len(content) > HEADER_BYTES:
        raise _fault(name, f"it has {len(content):,} bytes, expected at most {HEADER_BYTES:,}")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = text.translate(MICRO).encode("ascii", errors="ignore").decode()
    lines: list[str] = parse_header_content(text)[0]
    if not lines or any(len(line) > LINE_CHARACTERS for line in lines):
        raise _fault(name, "it is empty" if not lines else f"a line is longer than {LINE_CHARACTERS:,} characters")
    return lines


def _rate(name: str, fields: list[str]) -> float:
    if len(fields) < 3:
        return DEFAULT_FS_HZ
    match = _RATE.match(fields[2])
    if match is None or float(match["rate"]) == 0:
        raise _fault(name, f"its sampling rate is {quote(fields[2])}, expected a number above 0")
    return float(match["rate"])


def _frames(name: str, fields: list[str]) -> int | None:
    if len(fields) < 4:
        return None
    if not fields[3].isdigit():
        raise _fault(name, f"its number of samples is {quote(fields[3])}, expected a whole number")
    return int(fields[3]) or None


def _signal(name: str, line: str) -> SignalLine:
    fields = line.split(maxsplit=1)
    if len(fields) < 2:
        raise _fault(name, f"{quote(line)} does not describe a signal")
    file, layout = fields
    if not _FILE_NAME.match(file):
        raise _fault(name, f"it names {quote(file)}, expected the plain name of a file beside it, not a path")
    fields = layout.split()
    match = rx_signal.match(f"file {layout}")
    if match is None or not _LAYOUT.match(fields[0]):
        raise _fault(name, f"{quote(fields[0])} is not a signal's format")
    if match["fmt"] not in FORMATS:
        raise UserError(
            f"{quote(name)} has samples of format {match['fmt'][:8]}, expected one of {', '.join(FORMATS)}. "
            "Convert the record, for instance with xform."
        )
    per_frame = int(match["samps_per_frame"] or 1)
    if per_frame == 0:
        raise _fault(name, "a signal has no samples in a frame")
    is_calibrated = len(fields) > 1 and _is_gain(name, fields[1])
    baseline = match["baseline"] or match["adc_zero"] or "0"
    if len(baseline) > 12:
        raise _fault(name, f"a signal's baseline is {quote(baseline)}, expected a whole number of a sample")
    return SignalLine(
        file=file,
        layout=layout,
        format=match["fmt"],
        per_frame=per_frame,
        skew=int(match["skew"] or 0),
        offset=int(match["byte_offset"] or 0),
        is_calibrated=is_calibrated,
        gain=float(match["adc_gain"]) if is_calibrated else DEFAULT_GAIN,
        baseline=int(baseline) if baseline != "-" else 0,
        unit=match["units"] or DEFAULT_UNIT,
        name=match["sig_name"].strip(),
    )


def _is_gain(name: str, text: str) -> bool:
    """Whether there is a gain; one of 0 says that there is none."""
    if not _GAIN.match(text):
        raise _fault(name, f"a signal's gain is {quote(text)}, expected a number, and a unit behind a stroke")
    gain = float(re.split(r"[(/]", text)[0])
    if math.isinf(gain):
        raise _fault(name, f"a signal's gain is {quote(text)}, expected a finite number")
    return gain != 0


def _fault(name: str, what: str) -> UserError:
    return UserError(f"{quote(name)} cannot be read as a WFDB header: {what}. Give the record's own .hea file.")
