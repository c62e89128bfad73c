"""A recording out of the files that somebody gives: CSV, EDF or WFDB, told apart by content first and ending second."""

import hashlib
import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path, PurePath

from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress
from nsr_core.recordings.archive import is_zip, unzip
from nsr_core.recordings.contents import Contents, keep_usable
from nsr_core.recordings.csv_file import read_csv
from nsr_core.recordings.csv_text import is_text
from nsr_core.recordings.edf import read_edf
from nsr_core.recordings.edf_header import is_edf
from nsr_core.recordings.limits import LIMITS, Deadline, Limits
from nsr_core.recordings.recording import Recording
from nsr_core.recordings.text import NAME_LENGTH, clean, quote
from nsr_core.recordings.wfdb_header import named_files
from nsr_core.recordings.wfdb_record import ANNOTATIONS, pick_files, read_wfdb

ACCEPTED = "a CSV file, an EDF file, a WFDB record (.hea with its .dat files), or a zip of one of these"
HEADER_ENDING = ".hea"
PATH_LENGTH = 200
_CSV_ENDINGS = (".csv", ".tsv", ".txt", ".tab", ".asc")
_EDF_ENDINGS = (".edf", ".rec")
_BDF_START = b"\xffBIOSEMI"


def read_recording(
    files: Mapping[str, bytes],
    *,
    fs_hz: float | None = None,
    progress: Progress = no_progress,
    limits: Limits = LIMITS,
) -> Recording:
    """The recording in these files. Nothing is kept: WFDB passes through a temporary folder, the rest stays in memory.

    Args:
        files: content by name: one CSV or EDF file; a WFDB header with the files that it names and perhaps one of
            annotations; or one zip of these.
        fs_hz: samples a second of a CSV file that does not say, or whose time column is uneven. Other files say.
        progress: told of the parts read.
        limits: of size, duration and time.

    Raises:
        UserError: the files are no recording, damaged, or beyond a limit; the message says which and what to do.
    """
    deadline = Deadline(limits)
    if fs_hz is not None:
        limits.check_rate(fs_hz)
    if not files:
        raise UserError(f"No file was given. Give {ACCEPTED}.")
    if len(files) > limits.files:
        raise UserError(
            f"{len(files):,} files were given, at most {limits.files} are read. Give those of one recording."
        )
    limits.check_bytes(sum(len(content) for content in files.values()))
    zips = [name for name, content in files.items() if is_zip(content)]
    if zips and len(files) > 1:
        raise UserError(
            f"{quote(zips[0])} was given with other files. Give the zip alone, or only files without a zip."
        )
    if zips:
        files = unzip(zips[0], files[zips[0]], limits, deadline)
        if not files:
            raise UserError(f"{quote(zips[0])} holds no file. Give {ACCEPTED}.")
    headers = [name for name in files if name.lower().endswith(HEADER_ENDING)]
    if headers:
        return _read_wfdb(headers, files, limits, deadline, progress)
    return _read_single(files, fs_hz, limits, deadline, progress)


def read_path(
    path: str | os.PathLike,
    *,
    fs_hz: float | None = None,
    progress: Progress = no_progress,
    limits: Limits = LIMITS,
) -> Recording:
    """The recording in a file; of a WFDB record, its header or its name without ending is given.

    The files that a header names are taken from its folder, and the first annotation file of ``ANNOTATIONS`` that is there.

    Raises:
        UserError: as ``read_recording``; also if a file is missing or cannot be read.
    """
    given = Path(path)
    header = Path(f"{given}{HEADER_ENDING}")
    if not _is_file(given) and _is_file(header):
        given = header
    if not _is_file(given):
        raise UserError(f"{_shown(given)} is not a file. Give {ACCEPTED}.")
    paths = [given]
    if given.suffix.lower() == HEADER_ENDING:
        limits.check_bytes(_size(given))
        marks = (given.with_suffix(ending) for ending in ANNOTATIONS)
        named = [given.with_name(name) for name in named_files(given.name, _read_bytes(given))]
        paths += [*filter(_is_file, named), *islice(filter(_is_file, marks), 1)]
    limits.check_bytes(sum(map(_size, paths)))
    files = {each.name: _read_bytes(each) for each in paths}
    return read_recording(files, fs_hz=fs_hz, progress=progress, limits=limits)


def _read_wfdb(
    headers: list[str], files: Mapping[str, bytes], limits: Limits, deadline: Deadline, progress: Progress
) -> Recording:
    if len(headers) > 1:
        raise UserError(f"{len(headers)} WFDB headers were given, expected one. Give the files of one record.")
    picked, annotations = pick_files(headers[0], files)
    contents = read_wfdb(headers[0], annotations, picked, limits, deadline, progress)
    others = [name for name in files if name not in picked]
    if others:
        contents.notes.append(f"Not part of the record and not read: {len(others)} files, such as {quote(others[0])}.")
    return _recording(headers[0], "wfdb", contents, picked, limits)


def _read_single(
    files: Mapping[str, bytes], fs_hz: float | None, limits: Limits, deadline: Deadline, progress: Progress
) -> Recording:
    if len(files) != 1:
        raise UserError(f"{len(files)} files were given and no WFDB header among them. Give one recording: {ACCEPTED}.")
    name, content = next(iter(files.items()))
    kind = _kind(name, content)
    if kind == "edf":
        contents = read_edf(name, content, limits, deadline, progress)
    else:
        contents = read_csv(name, content, fs_hz, limits, deadline, progress)
    return _recording(name, kind, contents, files, limits)


def _kind(name: str, content: bytes) -> str:
    """``csv`` or ``edf``; UserError where it is neither."""
    ending = PurePath(name).suffix.lower()
    if not content:
        raise UserError(f"{quote(name)} is empty. Give {ACCEPTED}.")
    if content.startswith(_BDF_START) or ending == ".bdf":
        raise UserError(f"{quote(name)} is a BDF file, which is not read. Export it as EDF.")
    if is_edf(content) or ending in _EDF_ENDINGS:
        return "edf"
    if ending == ".dat" or ending in ANNOTATIONS:
        raise UserError(
            f"{quote(name)} is a part of a WFDB record. Give its header (.hea) and its .dat files together."
        )
    if ending == ".zip":
        raise UserError(f"{quote(name)} is not a zip: it does not begin as one does. Copy or pack it again.")
    if ending in _CSV_ENDINGS or is_text(content):
        return "csv"
    raise UserError(f"{quote(name)} is of a kind that is not known. Give {ACCEPTED}.")


def _recording(name: str, kind: str, contents: Contents, files: Mapping[str, bytes], limits: Limits) -> Recording:
    usable = keep_usable(contents, limits)
    return Recording(
        name=clean(PurePath(name).stem, NAME_LENGTH) or kind,
        kind=kind,
        channels=tuple(usable.channels),
        marks=usable.marks,
        digest=_digest(files),
        notes=tuple(usable.notes),
    )


def _digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 of names and contents in the names' order, each with its length, so that none runs into the next."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        for part in (name.encode(errors="surrogatepass"), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _shown(path: Path) -> str:
    """A path for a message: longer than what is quoted out of files, as the person has typed it."""
    return f'"{clean(str(path), PATH_LENGTH)}"'


def _is_file(path: Path) -> bool:
    """Also of what is typed by hand: too long, say, which ``Path`` takes for an error."""
    try:
        return path.is_file()
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{_shown(path)} cannot be read ({error.strerror or error}). Check the file and its rights.")
