"""A recording out of the files that somebody gives: which format, which files belong together, and what they hold."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path, PurePath

import numpy as np

from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress
from nsr_core.recordings.formats import FORMATS, accepted, format_of
from nsr_core.recordings.formats.archive import is_zip, unzip
from nsr_core.recordings.formats.contents import Contents, keep_usable
from nsr_core.recordings.formats.foreign import foreign_kind
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.pages import give_back, open_bytes
from nsr_core.recordings.formats.text import NAME_LENGTH, clean, counted, quote
from nsr_core.recordings.limits import LIMITS, Deadline, Limits
from nsr_core.recordings.recording import Recording

PATH_LENGTH, NOTE_LENGTH = 200, 400
ZIP_ENDING = ".zip"
DIGESTED_BYTES = 1 << 24


def read_recording(
    files: Mapping[str, bytes],
    *,
    fs_hz: float | None = None,
    progress: Progress = no_progress,
    limits: Limits = LIMITS,
) -> Recording:
    """The recording in these files. Nothing is kept: WFDB passes through a temporary folder, the rest stays in memory.

    Args:
        files: content by name: those of one recording in one of ``FORMATS``, or one zip of them.
        fs_hz: samples a second of a file that does not say, or whose time column is uneven.
        progress: called with the parts read.
        limits: of size, duration and time.

    Raises:
        UserError: the files are no recording, damaged, or beyond a limit; the message says which and what to do.
    """
    size = sum(map(len, files.values()))
    deadline = Deadline(limits, size)
    if fs_hz is not None:
        limits.check_rate(fs_hz)
    if not files:
        raise UserError(f"No file was given. Give {accepted()}.")
    if len(files) > limits.files:
        raise UserError(
            f"{len(files):,} files were given, at most {limits.files} are read. Give those of one recording."
        )
    limits.check_bytes(size, streamed=True)
    files = _unzipped(files, limits, deadline)
    name, kind = _main(files)
    if kind.needs and find_spec(kind.needs) is None:
        raise UserError(
            f"{quote(name)} is {kind.title}, which needs the package {kind.needs}, and that is not installed. "
            'Install it: pip install "nsr-ecg[recordings]"'
        )
    limits.check_bytes(size, streamed=kind.is_streamed)
    if kind.is_streamed:
        limits = replace(limits, samples=limits.text_samples)
    picked = kind.belonging(name, files) if kind.belonging else {name: files[name]}
    with np.errstate(all="ignore"):  # a file may hold any numbers, up to those that overflow a sum
        contents = kind.read(Given(name, picked, fs_hz, limits, deadline, progress))
        usable = keep_usable(contents, limits, by_hand_hz=fs_hz)
    others = [other for other in files if other not in picked]
    if others:
        usable.notes.append(
            f"Not part of the record and not read: {counted(len(others), 'file')}, such as {quote(others[0])}."
        )
    return _recording(name, kind.key, usable, picked)


def read_path(
    path: str | os.PathLike[str],
    *,
    fs_hz: float | None = None,
    progress: Progress = no_progress,
    limits: Limits = LIMITS,
) -> Recording:
    """The recording in a file; of several files that belong together, the one to begin with, such as a WFDB header.

    The other files are taken from its folder. A WFDB header may be given without its ending.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.csv"
    ...     _ = path.write_text("ECG (mV)\\n" + "0.1\\n0.2\\n" * 500, encoding="utf-8")
    ...     recording = read_path(path, fs_hz=250.0)
    >>> recording.channels[0].name, len(recording.channels[0].signal)
    ('ECG', 1000)

    Raises:
        UserError: as ``read_recording``; also if a file is missing or cannot be read.
    """
    given = _completed(Path(path))
    folder = _Folder(given.parent, limits)
    kind = format_of(given.name, folder[given.name])
    picked = kind.belonging(given.name, folder) if kind and kind.belonging else {given.name: folder[given.name]}
    return read_recording(picked, fs_hz=fs_hz, progress=progress, limits=limits)


class _Folder(Mapping[str, bytes]):
    """The files of a folder by name, read when they are asked for, and once; together no more than a limit allows."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self._read: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._read:
            if name not in self:
                raise KeyError(name)
            path = self._path / name
            self._limits.check_bytes(_size(path) + sum(map(len, self._read.values())), streamed=True)
            self._read[name] = _read_bytes(path)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and PurePath(name).name == name and _is_file(self._path / name)

    def __iter__(self) -> Iterator[str]:
        return (each.name for each in sorted(self._path.iterdir()) if _is_file(each))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _completed(path: Path) -> Path:
    """The file that is meant: itself, or with the ending of a format of several files."""
    if _is_file(path):
        return path
    for kind in FORMATS.values():
        for ending in kind.endings if kind.belonging else ():
            if _is_file(Path(f"{path}{ending}")):
                return Path(f"{path}{ending}")
    raise UserError(f"{_shown(path)} is not a file. Give {accepted()}.")


def _unzipped(files: Mapping[str, bytes], limits: Limits, deadline: Deadline) -> Mapping[str, bytes]:
    """The files, or those in the one zip among them."""
    zips = [name for name, content in files.items() if is_zip(content) and _is_container(name, content)]
    if not zips:
        return files
    if len(files) > 1:
        raise UserError(
            f"{quote(zips[0])} was given with other files. Give the zip alone, or only files without a zip."
        )
    inner = unzip(zips[0], files[zips[0]], limits, deadline)
    if not inner:
        raise UserError(f"{quote(zips[0])} holds no file. Give {accepted()}.")
    return inner


def _is_container(name: str, content: bytes) -> bool:
    """Whether a zip holds files, and is not itself the file of a format, as workbooks are."""
    return not any(each.recognise(name, content) for each in FORMATS.values())


def _main(files: Mapping[str, bytes]) -> tuple[str, Format]:
    """The file to begin with, and its format.

    A file that a format claims for another one does not begin anything. Among several beginnings those count that are
    more than text, or text with a table in it, so that a note beside a recording does no harm.
    """
    formats = {name: format_of(name, content) for name, content in files.items()}
    begins = [name for name, kind in formats.items() if kind and kind.belonging]
    begins = _unclaimed(begins, formats, files)
    if not begins and len(files) > 1:
        begins = [name for name, kind in formats.items() if kind and kind.is_recording(name, files[name])]
    if len(begins) > 1:
        shown = ", ".join(map(quote, begins[:3]))
        raise UserError(
            f"{len(begins)} recordings were given ({shown}), expected one. Give the files of one recording alone."
        )
    if not begins and len(files) > 1:
        raise UserError(f"{len(files)} files were given and none begins a recording. Give {accepted()}.")
    name = begins[0] if begins else next(iter(files))
    kind = formats[name]
    if not files[name] and not (kind and kind.belonging):
        raise UserError(f"{quote(name)} is empty. Give {accepted()}.")
    if kind is None or (name.lower().endswith(ZIP_ENDING) and not is_zip(files[name])):
        raise _unknown(name, files[name])
    return name, kind


def _unclaimed(begins: list[str], formats: Mapping[str, Format | None], files: Mapping[str, bytes]) -> list[str]:
    """Those that no other of them claims as a part of it, as a WFDB header claims its segments'."""
    if len(begins) < 2:
        return begins
    claimed: set[str] = set()
    lacking: UserError | None = None
    for name in begins:
        kind = formats[name]
        try:
            claimed |= set(kind.belonging(name, files) if kind and kind.belonging else ()) - {name}
        except UserError as error:
            lacking = lacking or error
    left = [name for name in begins if name not in claimed]
    if len(left) != 1 and lacking:
        raise lacking
    return left or begins


def _unknown(name: str, content: bytes) -> UserError:
    what = foreign_kind(content)
    if what:
        return UserError(f"{quote(name)} is {what}. Give {accepted()}.")
    ending = PurePath(name).suffix.lower()
    of = next((each for each in FORMATS.values() if ending in each.companions), None)
    if of:
        return UserError(
            f"{quote(name)} is a part of {of.title}. Give its {of.endings[0]} file and the files that it names together."
        )
    if ending == ZIP_ENDING:
        return UserError(f"{quote(name)} is not a zip: it does not begin as one does. Copy or pack it again.")
    return UserError(f"{quote(name)} is of a kind that is not known. Give {accepted()}.")


def _recording(name: str, kind: str, usable: Contents, files: Mapping[str, bytes]) -> Recording:
    return Recording(
        name=clean(PurePath(name).stem, NAME_LENGTH) or kind,
        kind=kind,
        channels=tuple(usable.channels),
        marks=usable.marks,
        digest=_digest(files),
        notes=tuple(clean(note, NOTE_LENGTH) for note in usable.notes),
        suggested=usable.suggested,
    )


def _digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 of names and contents in the names' order, each with its length, so that none runs into the next."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        for part in (name.encode(errors="surrogatepass"), content):
            digest.update(len(part).to_bytes(8, "big"))
            for start in range(0, len(part), DIGESTED_BYTES):
                digest.update(part[start : start + DIGESTED_BYTES])
                give_back(part)
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
        return open_bytes(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{_shown(path)} cannot be read ({error.strerror or error}). Check the file and its rights.")
