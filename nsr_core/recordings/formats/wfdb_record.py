"""A WFDB record from memory: its samples read by wfdb from a private folder that does not outlive the reading."""

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePath

import numpy as np
import wfdb

from nsr_core.errors import UserError
from nsr_core.recordings.formats.annotations import read_annotations
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.text import clean, quote, tidy_unit
from nsr_core.recordings.formats.wfdb_header import DEFAULT_FS_HZ, Header, SignalLine, named_files, read_header
from nsr_core.recordings.limits import short_count
from nsr_core.recordings.recording import UNKNOWN_UNIT, Channel

HEADER_ENDING = ".hea"
#: Endings of annotation files; of several, the first is read.
ANNOTATIONS = (".atr", ".qrs", ".ecg", ".ari", ".ann", ".man", ".wqrs", ".gqrs", ".pu", ".q1c", ".q2c")
#: Samples in so many bytes, by format; of the others, one sample in its bits.
_SAMPLES_IN_BYTES = {"8": (1, 1), "80": (1, 1), "24": (1, 3), "32": (1, 4), "212": (2, 3), "310": (3, 4), "311": (3, 4)}
_SAMPLE_IN_TWO_BYTES = (1, 2)


def pick_files(header: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of the files that make up the record, the first annotation file of ``ANNOTATIONS`` among them.

    Raises:
        UserError: one that the header names is not there.
    """
    picked = {header: files[header]}
    for name in named_files(header, files[header]):
        if name not in files:
            raise UserError(
                f"{quote(header)} names {quote(name)}, which was not given. Give the header together with "
                "the files that it names, or all of them in one zip."
            )
        picked[name] = files[name]
    annotations = _annotation_file(header, files)
    if annotations:
        picked[annotations] = files[annotations]
    return picked


def _annotation_file(header: str, files: Mapping[str, bytes]) -> str | None:
    beside = {PurePath(name).suffix.lower(): name for name in files if PurePath(name).stem == PurePath(header).stem}
    return next((beside[ending] for ending in ANNOTATIONS if ending in beside), None)


def read_wfdb(given: Given) -> Contents:
    """The signals of a record in physical units, and its annotations.

    Raises:
        UserError: a file is damaged or does not fit the header, or a limit is passed.
    """
    header_name, files, limits, deadline = given.name, given.files, given.limits, given.deadline
    annotations = _annotation_file(header_name, files)
    header = read_header(header_name, files[header_name])
    limits.check_channels(len(header.signals))
    frames, notes = _count_frames(header_name, header, files)
    limits.check_samples(frames * sum(signal.per_frame for signal in header.signals))
    given.progress(0, 2, f"reading {clean(header_name, 40)}")
    channels = _read_signals(header_name, header, files, frames)
    if not all(signal.is_calibrated for signal in header.signals):
        notes.append("A signal has no gain in the header: its amplitude is relative, its unit is not known.")
    deadline.check()
    given.progress(1, 2, "reading the annotations")
    marks = None
    if annotations:
        duration_s = frames / header.frames_hz
        marks, more_notes = read_annotations(
            annotations, files[annotations], header.frames_hz, duration_s, limits, deadline
        )
        notes += more_notes
    given.progress(2, 2, "record read")
    return Contents(channels, marks, notes)


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
    samples, size = _SAMPLES_IN_BYTES.get(signals[0].format, _SAMPLE_IN_TWO_BYTES)
    available = max(0, len(content) - signals[0].offset) * samples // size
    return available // sum(signal.per_frame for signal in signals)


def _read_signals(name: str, header: Header, files: Mapping[str, bytes], frames: int) -> list[Channel]:
    """Each signal at its own rate, missing samples NaN.

    The files get names of ours, and so does what the header says about them: what it named cannot be reached.
    """
    own_names = {signal.file: f"{number}.dat" for number, signal in enumerate(header.signals)}
    lines = [f"record {len(header.signals)} {DEFAULT_FS_HZ:g} {frames}"]
    lines += [f"{own_names[signal.file]} {signal.layout}" for signal in header.signals]
    with tempfile.TemporaryDirectory(prefix="nsr-recording-") as folder:
        Path(folder, "record.hea").write_text("\n".join([*lines, ""]), encoding="ascii")
        for file, own_name in own_names.items():
            Path(folder, own_name).write_bytes(files[file])
        try:
            with np.errstate(all="ignore"):
                record = wfdb.rdrecord(str(Path(folder, "record")), smooth_frames=False, ignore_skew=True)
        except Exception as error:  # wfdb meets damage with whatever its arithmetic raises
            raise UserError(
                f"{quote(name)} and its signal files cannot be read as a WFDB record. Copy them again, all of them."
            ) from error
    return [
        Channel(
            name=heading or "",
            unit=tidy_unit(unit) if signal.is_calibrated else UNKNOWN_UNIT,
            fs_hz=header.frames_hz * signal.per_frame,
            signal=_undo_skew(samples, signal.skew * signal.per_frame),
        )
        for heading, unit, signal, samples in zip(
            record.sig_name, record.units, header.signals, record.e_p_signal, strict=True
        )
    ]


def _undo_skew(signal: np.ndarray, lag: int) -> np.ndarray:
    """The signal ``lag`` samples earlier; the end is missing. wfdb does this only where all lag alike."""
    if lag:
        signal[:-lag] = signal[lag:]
        signal[-lag:] = np.nan
    return signal


WFDB = Format(
    key="wfdb",
    title="a WFDB record",
    endings=(HEADER_ENDING,),
    recognise=lambda name, content: name.lower().endswith(HEADER_ENDING),
    read=read_wfdb,
    reads="the header with the signal files that it names, and an annotation file of the same name",
    belonging=pick_files,
    companions=(".dat", *ANNOTATIONS),
)
