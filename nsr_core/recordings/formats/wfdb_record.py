"""A WFDB record from memory: its samples read by wfdb from a private folder that does not outlive the reading."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath

import numpy as np
import wfdb

from nsr_core.errors import UserError
from nsr_core.files import remove_leftovers, scratch_prefix
from nsr_core.recordings.formats.annotations import read_annotations
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.pages import Records
from nsr_core.recordings.formats.text import clean, quote, tidy_unit
from nsr_core.recordings.formats.wfdb_header import (
    DEFAULT_FS_HZ,
    PACKED,
    Header,
    Segment,
    SignalLine,
    named_files,
    read_header,
    read_segments,
    signal_names,
)
from nsr_core.recordings.limits import short_count
from nsr_core.recordings.recording import UNKNOWN_UNIT, Channel, Samples

HEADER_ENDING = ".hea"
#: Endings of annotation files; of several, the first is read.
ANNOTATIONS = (".atr", ".qrs", ".ecg", ".ari", ".ann", ".man", ".wqrs", ".gqrs", ".pu", ".q1c", ".q2c")
#: By format, how many samples stand together in how many bytes; in the others each stands alone.
_SAMPLES_IN_BYTES = {"8": (1, 1), "80": (1, 1), "24": (1, 3), "32": (1, 4), "212": (2, 3), "310": (3, 4), "311": (3, 4)}
_SAMPLE_IN_TWO_BYTES = (1, 2)
#: By format, the number that says that a sample is missing.
_MISSING = {
    "80": -(1 << 7), "508": -(1 << 7), "310": -(1 << 9), "311": -(1 << 9), "212": -(1 << 11), "16": -(1 << 15),
    "61": -(1 << 15), "160": -(1 << 15), "516": -(1 << 15), "24": -(1 << 23), "524": -(1 << 23), "32": -(1 << 31),
}  # fmt: skip
GAP = "~"
#: The format that stores differences, which can only be read from the beginning.
DIFFERENCES = "8"
#: In a FLAC file, where rate, channels, bits and samples stand, in 64 bits.
_FLAC_START = 18
FRAMES_AT_ONCE = 1_000_000


def pick_files(header: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of the files that make up the record, its segments and the first annotation file of ``ANNOTATIONS`` among them.

    Raises:
        UserError: one that the header names is not there.
    """
    picked = {header: files[header]}
    found = read_segments(header, files[header])
    if found is None:
        names = named_files(header, files[header])
    else:
        names = [f"{segment.name}{HEADER_ENDING}" for segment in found[1] if segment.name != GAP]
    for name in names:
        if name not in files:
            raise UserError(
                f"{quote(header)} names {quote(name)}, which was not given. Give the header together with "
                "the files that it names, or all of them in one zip."
            )
        picked[name] = files[name]
    for segment in found[1] if found else []:
        if segment.name != GAP and segment.frames:
            picked |= _without_annotations(pick_files(_one_level(f"{segment.name}{HEADER_ENDING}", files), files))
    annotations = _annotation_file(header, files)
    if annotations:
        picked[annotations] = files[annotations]
    return picked


def _one_level(name: str, files: Mapping[str, bytes]) -> str:
    """A segment's header; UserError where it has segments again, among which may be itself."""
    if read_segments(name, files[name]) is not None:
        raise UserError(f"{quote(name)} is a segment that has segments itself. Give the record's own .hea file.")
    return name


def _without_annotations(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not name.lower().endswith(ANNOTATIONS)}


def _annotation_file(header: str, files: Mapping[str, bytes]) -> str | None:
    beside = {PurePath(name).suffix.lower(): name for name in files if PurePath(name).stem == PurePath(header).stem}
    return next((beside[ending] for ending in ANNOTATIONS if ending in beside), None)


def read_wfdb(given: Given) -> Contents:
    """The signals of a record in physical units, and its annotations.

    Raises:
        UserError: a file is damaged or does not fit the header, or a limit is passed.
    """
    found = read_segments(given.name, given.content)
    if found is None:
        frames_hz, frames, channels, notes = _read_plain(given, given.name)
    else:
        frames_hz, frames, channels, notes = _read_segments(given, *found)
    given.deadline.check()
    marks, annotations = None, _annotation_file(given.name, given.files)
    if annotations:
        marks, more_notes = read_annotations(
            annotations, given.files[annotations], frames_hz, frames / frames_hz, given.limits, given.deadline
        )
        notes += more_notes
    given.progress(1, 1, "record read")
    return Contents(channels, marks, notes)


def _read_plain(given: Given, name: str) -> tuple[float, int, list[Channel], list[str]]:
    """Frames a second, frames, signals and notes of a record of one segment."""
    header = read_header(name, given.files[name])
    given.limits.check_channels(len(header.signals))
    frames, notes = _count_frames(name, header, given.files)
    samples = frames * sum(signal.per_frame for signal in header.signals)
    if _stay_where_they_are(header):
        given.limits.check_streamed(samples)
        channels = _mapped_signals(name, header, given.files, frames)
    else:
        size = sum(np.dtype(_word(signal.format)).itemsize * signal.per_frame for signal in header.signals)
        given.limits.check_samples(frames * size // np.dtype(np.float64).itemsize)
        channels = _unpacked_signals(name, header, given, frames)
    if not all(signal.is_calibrated for signal in header.signals):
        notes.append("A signal has no gain in the header: its amplitude is relative, its unit is not known.")
    return header.frames_hz, frames, channels, notes


def _read_segments(
    given: Given, frames_hz: float, segments: list[Segment]
) -> tuple[float, int, list[Channel], list[str]]:
    """The segments one after another: each signal where a segment has it, missing where none has, or in a gap."""
    names: list[str] = []
    found: dict[str, list[tuple[int, Channel]]] = {}
    notes: dict[str, None] = {}
    at = 0
    for segment in segments:
        given.deadline.check()
        header = f"{segment.name}{HEADER_ENDING}"
        if segment.name != GAP and segment.frames == 0:
            names += signal_names(header, given.files[header])
        elif segment.name != GAP:
            rate, frames, channels, more_notes = _read_plain(given, header)
            if frames != segment.frames or abs(rate - frames_hz) > 1e-6 * frames_hz:
                raise UserError(
                    f"{quote(header)} has {frames:,} samples at {rate:g} Hz, but {quote(given.name)} says {segment.frames:,} at "
                    f"{frames_hz:g} Hz. Give the segments of one record."
                )
            notes |= dict.fromkeys(more_notes)
            for number, channel in enumerate(channels):
                found.setdefault(channel.name or f"channel {number + 1}", []).append((at, channel))
        at += segment.frames
    listed = [name for name in names if name in found]
    joined = [_joined(name, found[name], frames_hz, at, given) for name in dict.fromkeys((*listed, *found))]
    return frames_hz, at, joined, list(notes)


def _joined(name: str, parts: list[tuple[int, Channel]], frames_hz: float, frames: int, given: Given) -> Channel:
    first = parts[0][1]
    fs_hz = first.fs_hz or frames_hz
    per_frame = round(fs_hz / frames_hz)
    if any((part.fs_hz, part.unit) != (first.fs_hz, first.unit) for _, part in parts):
        raise UserError(f"The segments have {quote(name)} at different rates or in different units. Give one segment.")
    given.limits.check_streamed(frames * per_frame)
    begins = np.array([at * per_frame for at, _ in parts], np.int64)
    return Channel(
        name,
        first.unit,
        fs_hz,
        Samples(frames * per_frame, partial(_from_parts, begins, [part.signal for _, part in parts])),
    )


def _from_parts(begins: np.ndarray, parts: list[np.ndarray | Samples], first: int, last: int) -> np.ndarray:
    """The samples of parts that begin where ``begins`` says; NaN between them."""
    found = np.full(last - first, np.nan)
    low = max(0, int(np.searchsorted(begins, first, "right")) - 1)
    for begin, part in zip(begins[low:].tolist(), parts[low:], strict=True):
        if begin >= last:
            break
        start, stop = max(first, begin), min(last, begin + len(part))
        if start < stop:
            found[start - first : stop - first] = part[start - begin : stop - begin]
    return found


def _count_frames(name: str, header: Header, files: Mapping[str, bytes]) -> tuple[int, list[str]]:
    """The frames to read, after a look at what the signal files hold, and notes."""
    held = {
        file: _frames_held([signal for signal in header.signals if signal.file == file], files[file])
        for file in dict.fromkeys(signal.file for signal in header.signals)
    }
    shortest = min(held, key=lambda file: held[file])
    frames = header.frames or held[shortest]
    if frames == 0:
        raise UserError(f"{quote(shortest)} holds no sample of each signal in {quote(name)}. Give the whole file.")
    if frames > held[shortest]:
        raise UserError(
            f"{quote(shortest)} holds {held[shortest]:,} samples of each signal, but {quote(name)} announces "
            f"{short_count(frames)}. Give the file that belongs to the header, and whole."
        )
    if any(skewed.skew >= frames for skewed in header.signals):
        raise UserError(f"{quote(name)} shifts a signal by more than its length. Give the record's own .hea file.")
    if max(held.values()) - frames > header.frames_hz:
        return frames, ["A signal file is longer than the header says; the rest is not read."]
    return frames, []


def _frames_held(signals: list[SignalLine], content: bytes) -> int:
    """Whole frames of these signals in the file that they share."""
    per_frame = sum(signal.per_frame for signal in signals)
    if signals[0].format in PACKED:
        return _packed_samples(content, len(signals)) // signals[0].per_frame
    samples, size = _SAMPLES_IN_BYTES.get(signals[0].format, _SAMPLE_IN_TWO_BYTES)
    available = max(0, len(content) - signals[0].offset) * samples // size
    return available // per_frame


def _packed_samples(content: bytes, channels: int) -> int:
    """Of each channel in a FLAC file, as its first block says; 0 where it is none or has other channels."""
    if content[:4] != b"fLaC" or len(content) < _FLAC_START + 8:
        return 0
    said = int.from_bytes(content[_FLAC_START : _FLAC_START + 8], "big")
    return said & ((1 << 36) - 1) if (said >> 41 & 7) + 1 == channels else 0


def _stay_where_they_are(header: Header) -> bool:
    """Whether all samples are plain words of 16 bits, which need no unpacking."""
    return all(signal.format == "16" for signal in header.signals)


def _mapped_signals(name: str, header: Header, files: Mapping[str, bytes], frames: int) -> list[Channel]:
    """Signals of format 16, read where they are."""
    channels = []
    for number, signal in enumerate(header.signals):
        together = [(at, other) for at, other in enumerate(header.signals) if other.file == signal.file]
        size = 2 * sum(other.per_frame for _, other in together)
        start = 2 * sum(other.per_frame for at, other in together if at < number)
        records = Records(files[signal.file], signal.offset, size, start, signal.per_frame)
        channels.append(_channel(header, signal, frames, records.digital))
    return channels


def _channel(header: Header, signal: SignalLine, frames: int, digital: Callable[[int, int], np.ndarray]) -> Channel:
    """A signal at its own rate; missing samples, and those that it lags behind at the end, are NaN."""
    count, lag = frames * signal.per_frame, signal.skew * signal.per_frame
    missing = _MISSING.get(signal.format)

    def read(first: int, last: int) -> np.ndarray:
        found = np.full(last - first, np.nan)
        stop = min(last + lag, count)
        if first + lag < stop:
            part = digital(first + lag, stop)
            with np.errstate(all="ignore"):
                physical = (part - signal.baseline) / signal.gain
            found[: len(part)] = np.where(part == missing, np.nan, physical)
        return found

    unit = tidy_unit(signal.unit) if signal.is_calibrated else UNKNOWN_UNIT
    return Channel(signal.name, unit, header.frames_hz * signal.per_frame, Samples(count, read))


def _unpacked_signals(name: str, header: Header, given: Given, frames: int) -> list[Channel]:
    """Signals of the other formats, unpacked by wfdb in stretches, and kept as the whole numbers that they are.

    The files get names of ours, and so does what the header says about them: what it named cannot be reached.
    """
    own_names = {signal.file: f"{number}.dat" for number, signal in enumerate(header.signals)}
    lines = [f"record {len(header.signals)} {DEFAULT_FS_HZ:g} {frames}"]
    lines += [f"{own_names[signal.file]} {_without_gain(signal.layout)}" for signal in header.signals]
    at_once = frames if any(signal.format == DIFFERENCES for signal in header.signals) else FRAMES_AT_ONCE
    digital = [np.empty(frames * signal.per_frame, _word(signal.format)) for signal in header.signals]
    with _private_folder() as folder:
        try:
            Path(folder, "record.hea").write_text("\n".join([*lines, ""]), encoding="ascii")
            for file, own_name in own_names.items():
                Path(folder, own_name).write_bytes(given.files[file])
        except OSError as error:
            raise _no_room(error) from error
        for start in range(0, frames, at_once):
            given.deadline.check()
            given.progress(start, frames, f"reading {clean(name, 40)}")
            stop = min(frames, start + at_once)
            for whole, part, signal in zip(digital, _unpack(name, folder, start, stop), header.signals, strict=True):
                part[np.isnan(part)] = _MISSING.get(signal.format, 0)
                whole[start * signal.per_frame : stop * signal.per_frame] = part
    return [
        _channel(header, signal, frames, partial(_stretch, whole))
        for signal, whole in zip(header.signals, digital, strict=True)
    ]


@contextmanager
def _private_folder() -> Iterator[str]:
    """A temporary folder of this reading's own, which goes with it, or with the next start if its process is killed.

    Raises:
        UserError: there is no room for one.
    """
    try:
        remove_leftovers(Path(tempfile.gettempdir()))
        folder = tempfile.TemporaryDirectory(prefix=scratch_prefix("recording"))
    except OSError as error:
        raise _no_room(error) from error
    with folder as path:
        yield path


def _no_room(error: OSError) -> UserError:
    return UserError(
        f"The temporary folder of the machine that reads the record cannot be written ({error.strerror or error}). Free some "
        "space there, or give the signals in format 16, which are read without it.",
        command_line="Or name another folder in TMPDIR.",
    )


def _without_gain(layout: str) -> str:
    """The layout with a gain of 1, which makes wfdb's physical values the whole numbers that are kept."""
    form, *rest = layout.split()
    return " ".join([form, "1(0)/mV", *rest[1:4]])


def _stretch(whole: np.ndarray, first: int, last: int) -> np.ndarray:
    return whole[first:last].astype(np.int64)


def _word(fmt: str) -> type[np.signedinteger]:
    return np.int32 if fmt in ("24", "32", "524") else np.int16


def _unpack(name: str, folder: str, start: int, stop: int) -> list[np.ndarray]:
    try:
        with np.errstate(all="ignore"):
            record = wfdb.rdrecord(
                str(Path(folder, "record")), sampfrom=start, sampto=stop, smooth_frames=False, ignore_skew=True
            )
    except Exception as error:  # wfdb meets damage with whatever its arithmetic raises
        raise UserError(
            f"{quote(name)} and its signal files cannot be read as a WFDB record. Copy them again, all of them."
        ) from error
    channels: list[np.ndarray] = record.e_p_signal
    return channels


WFDB = Format(
    key="wfdb",
    title="a WFDB record",
    endings=(HEADER_ENDING,),
    recognise=lambda name, content: name.lower().endswith(HEADER_ENDING),
    is_streamed=True,
    read=read_wfdb,
    reads="the header with the signal files that it names, and an annotation file of the same name",
    belonging=pick_files,
    companions=(".dat", *ANNOTATIONS),
)
