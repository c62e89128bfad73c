"""The MIT-BIH Arrhythmia Database 1.0.0: find or download its records, verify them, cut them into beats.

Data: Moody & Mark (2001), Goldberger et al. (2000), Open Data Commons Attribution License 1.0.
"""

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import requests
import urllib3

from nsr_core.data.beats import BEAT_LENGTH, Beats
from nsr_core.data.cutting import cut_segments, find_windows, scale_rows
from nsr_core.errors import UserError
from nsr_core.files import (
    CACHE_VARIABLE,
    CannotWrite,
    cache_dir,
    file_digest,
    named_folder,
    remove_leftovers,
    short,
    write_atomically,
)
from nsr_core.progress import Progress, no_progress

ROOT_VARIABLE = "NSR_MITDB_DIR"
GIVE_FOLDER = f"Name it with --root or in {ROOT_VARIABLE}."
BASE_URL = "https://physionet.org/files/mitdb/1.0.0/"
CUT_BEATS_FILE = "mitbih-beats-v2.npz"
#: Of earlier versions, without a digest of what it holds.
OLD_CUT_BEATS_FILE = "mitbih-beats-v1.npz"
#: In ``CUT_BEATS_FILE``, beside the columns.
DIGEST = "sha256"
#: In the user's cache.
DOWNLOAD_FOLDER = "mitdb-1.0.0"
DOWNLOAD_ATTEMPTS = 3
#: No file is larger than a record's signals: 650,000 samples of two, twelve bits each.
LARGEST_FILE = 650_000 * 2 * 12 // 8
#: That connecting may take, then each wait for more, and a whole file.
CONNECT_SECONDS, WAIT_SECONDS, FILE_SECONDS = 10.0, 30.0, 300.0


def _read_checksums() -> dict[str, str]:
    lines = files("nsr_core.data").joinpath("mitdb-1.0.0.sha256").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


CHECKSUMS = _read_checksums()
RECORDS = tuple(sorted({name.split(".")[0] for name in CHECKSUMS}))


def load_mitbih(root: str | os.PathLike[str] | None = None, progress: Progress = no_progress) -> Beats:
    """The 109,446 beats of the 48 records, cut once and cached.

    Args:
        root: folder with the records. Without it: the folder named by ``NSR_MITDB_DIR``; else the
            beats or records in the user's cache; else a download from PhysioNet (about 92 MB).
        progress: called for every file downloaded and every record cut.

    Raises:
        UserError: a file is missing, or its SHA-256 is not the published one, or the download failed.
    """
    cut_beats = cache_dir() / CUT_BEATS_FILE
    folder = given_folder(root)
    if folder is not None:
        verify(folder)
    if cut_beats.exists():
        try:
            return _load(cut_beats)
        except Exception:  # noqa: S110  # damaged in whatever way: the beats are cut again
            pass
    if folder is None:
        folder = download(progress=progress)
    packed = _cut_all(folder, progress)
    with suppress(CannotWrite):  # the next time they are cut again, which takes half a minute
        _keep(packed, cut_beats)
    return packed.unpack()


def is_at_hand(root: str | os.PathLike[str] | None = None) -> bool:
    """Whether ``load_mitbih`` would find its files without a download; whether they are whole, it finds out itself."""
    folder = given_folder(root)
    if folder is not None:
        return os.path.isdir(folder)
    downloaded = cache_dir() / DOWNLOAD_FOLDER
    return (cache_dir() / CUT_BEATS_FILE).exists() or all((downloaded / name).is_file() for name in CHECKSUMS)


def given_folder(root: str | os.PathLike[str] | None) -> Path | None:
    """The records folder that the caller or the environment names; None where neither does."""
    named = root or os.environ.get(ROOT_VARIABLE)
    return named_folder(named) if named else None


def download(
    folder: Path | None = None,
    base_url: str = BASE_URL,
    progress: Progress = no_progress,
    attempts: int = DOWNLOAD_ATTEMPTS,
) -> Path:
    """Fetch what is missing of the 144 record files; each is checked before it gets its name.

    Interrupted, the next call goes on with the first file that is not there yet.

    Returns:
        The folder, by default ``mitdb-1.0.0`` in the user's cache.

    Raises:
        UserError: no answer from the server, or none within ``FILE_SECONDS``, or a file with the wrong SHA-256 (it is
            deleted), or no room for it.
    """
    folder = folder or cache_dir() / DOWNLOAD_FOLDER
    remove_leftovers(folder)
    for done, (name, digest) in enumerate(CHECKSUMS.items()):
        progress(done, len(CHECKSUMS), f"downloading {name}")
        path = folder / name
        try:
            if not path.is_file() or file_digest(path) != digest:
                content = _fetch_again(base_url + name, digest, attempts)
                write_atomically(path, partial(Path.write_bytes, data=content))
        except _WrongContent as error:
            raise UserError(
                f"{name} from {base_url} does not have the published SHA-256 and was deleted{error}. "
                "Try again later, or give a folder with the records.",
                command_line=GIVE_FOLDER,
            ) from error
        except CannotWrite as error:
            raise UserError(str(error), command_line=f"Or choose another folder with {CACHE_VARIABLE}.") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise UserError(
                f"{name} could not be downloaded from {base_url} ({reason[:300]}); {done} of {len(CHECKSUMS)} "
                "files are there and kept. Check the connection to the internet and try again: it goes on where it stopped. "
                "Or give a folder with the records.",
                command_line=GIVE_FOLDER,
            ) from error
    progress(len(CHECKSUMS), len(CHECKSUMS), "all files downloaded")
    return folder


class _WrongContent(Exception):
    """What came is not what was published; says what it seems to be."""


def _fetch_again(url: str, digest: str, attempts: int) -> bytes:
    """``_fetch``, tried so often, with a pause in between."""
    for attempt in range(1, attempts):
        try:
            return _fetch(url, digest)
        except (requests.RequestException, urllib3.exceptions.HTTPError, _WrongContent):
            time.sleep(attempt)
    return _fetch(url, digest)


def _fetch(url: str, digest: str) -> bytes:
    """What lies at an address, checked; no more is read than a record's file can have, nor for longer."""
    content, ends = bytearray(), time.monotonic() + FILE_SECONDS
    with requests.get(url, stream=True, timeout=(CONNECT_SECONDS, WAIT_SECONDS)) as answer:
        answer.raise_for_status()
        # As it comes, not in whole blocks: one that trickles would never end.
        while part := answer.raw.read1(1 << 16, decode_content=True):
            content += part
            if len(content) > LARGEST_FILE:
                raise _WrongContent(f": it has more than {LARGEST_FILE:,} bytes, as no file of the records")
            if time.monotonic() > ends:
                raise requests.Timeout(f"it took longer than {FILE_SECONDS:g} s")
    if hashlib.sha256(content).hexdigest() != digest:
        is_page = content.lstrip()[:1] == b"<"
        raise _WrongContent(": it is a web page, perhaps of a proxy or of a login" if is_page else "")
    return bytes(content)


def verify(folder: Path) -> None:
    """Check that all 144 record files are in ``folder`` and are the published ones, byte for byte.

    Raises:
        UserError: naming the folder or the first file that is missing or altered.
    """
    if not os.path.isdir(folder):
        raise UserError(
            f"{short(folder)} is not a folder. Give one with the MIT-BIH records 100.dat, 100.hea, 100.atr, ..."
        )
    for name, expected in CHECKSUMS.items():
        path = folder / name
        if not path.is_file():
            raise UserError(
                f"{name} is missing in {folder}: all 48 records are needed (.dat, .hea and .atr each). "
                "Complete the folder, or leave it out and let the records be downloaded."
            )
        if file_digest(path) != expected:
            raise UserError(
                f"{path} is not the file that PhysioNet published as mitdb 1.0.0 (its SHA-256 differs), so it is "
                "not used. Replace it with the published one."
            )


@dataclass(frozen=True)
class _PackedBeats:
    """What the cache holds: the decimated 11-bit samples, a fifth of the size of the scaled beats.

    ``samples`` lists all beats' signal samples one after the other, in ADC units; ``low`` and ``high``
    are the extremes of each whole segment in the same units.
    """

    samples: np.ndarray
    low: np.ndarray
    high: np.ndarray
    y: np.ndarray
    length: np.ndarray
    record: np.ndarray
    sample: np.ndarray
    lead: np.ndarray
    mv_min: np.ndarray
    mv_max: np.ndarray
    cut_short: np.ndarray
    truncated: np.ndarray

    def columns(self) -> dict[str, np.ndarray]:
        return dict(vars(self))

    def unpack(self) -> Beats:
        rows = np.zeros((len(self.y), BEAT_LENGTH), np.int16)
        rows[np.arange(BEAT_LENGTH) < self.length[:, None]] = self.samples
        kept = {name: value for name, value in vars(self).items() if name not in ("samples", "low", "high", "y")}
        x = scale_rows(rows, self.low, self.high, self.length)
        return Beats(x=x, y=self.y.astype(np.int64), source="mitbih", **kept)


def _keep(packed: _PackedBeats, path: Path) -> None:
    """Write the cache, in the place of one of an earlier version.

    Raises:
        CannotWrite: the system refuses.
    """
    columns = packed.columns()
    digest = np.array(_digest(columns))
    remove_leftovers(path.parent)
    write_atomically(path, lambda partial: np.savez(partial, **columns, **{DIGEST: digest}))  # type: ignore[arg-type]
    with suppress(OSError):
        path.with_name(OLD_CUT_BEATS_FILE).unlink(missing_ok=True)


def _load(path: Path) -> Beats:
    """What ``_keep`` wrote.

    Raises:
        Exception: of whatever kind, where it is anything else.
    """
    with np.load(path, allow_pickle=False) as stored:
        columns = dict(stored)
    if str(columns.pop(DIGEST)) != _digest(columns):
        raise ValueError("its numbers are not those that were cut")
    return _PackedBeats(**columns).unpack()


def _digest(columns: dict[str, np.ndarray]) -> str:
    """SHA-256 over the columns' names, types and bytes."""
    digest = hashlib.sha256()
    for name in sorted(columns):
        column = np.ascontiguousarray(columns[name])
        digest.update(f"{name} {column.dtype.str} {column.shape}\n".encode())
        digest.update(column.tobytes())
    return digest.hexdigest()


def _cut_all(folder: Path, progress: Progress) -> _PackedBeats:
    parts = []
    for done, record in enumerate(RECORDS):
        progress(done, len(RECORDS), f"cutting record {record}")
        parts.append(_cut_record(folder, record))
    progress(len(RECORDS), len(RECORDS), "all records cut")
    return _PackedBeats(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _cut_record(folder: Path, record: str) -> dict[str, np.ndarray]:
    """One record's beats, from its first signal, as the columns of ``_PackedBeats``."""
    import wfdb  # slow to import, and beats that are cut already do not need it

    recording = wfdb.rdrecord(str(folder / record), channels=[0], physical=False)
    annotations = wfdb.rdann(str(folder / record), "atr")
    signal = recording.d_signal[:, 0].astype(np.int16)
    windows = find_windows(annotations.sample, annotations.symbol)
    cut = cut_segments(signal, windows)
    gain, baseline = recording.adc_gain[0], recording.baseline[0]
    count = len(windows)
    return {
        "samples": np.concatenate(cut.kept),
        "low": cut.low,
        "high": cut.high,
        "y": np.array([window.label for window in windows], np.int8),
        "length": cut.length,
        "record": np.full(count, record, "<U3"),
        "sample": np.array([window.start for window in windows], np.int64),
        "lead": np.full(count, recording.sig_name[0], "<U4"),
        "mv_min": ((cut.low - baseline) / gain).astype(np.float32),
        "mv_max": ((cut.high - baseline) / gain).astype(np.float32),
        "cut_short": np.array([window.cut_short for window in windows]),
        "truncated": cut.truncated,
    }
