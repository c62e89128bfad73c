"""Back from a beat to its record: the stretch of the recording around it, with its marks and its window."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from nsr_core.data.beats import BEAT_LENGTH, DECIMATION, RECORD_FS_HZ
from nsr_core.data.cutting import CLASS_OF_SYMBOL, find_windows
from nsr_core.data.mitbih import DOWNLOAD_FOLDER, GIVE_FOLDER, given_folder
from nsr_core.errors import UserError
from nsr_core.files import cache_dir

#: The files of a record, by their endings.
ENDINGS = (".hea", ".dat", ".atr")
#: The label of a mark that is no beat.
NO_BEAT = -1


@dataclass(frozen=True)
class Strip:
    """A stretch of a record's first signal, ``n`` samples at 360 Hz with ``m`` marks, and one beat's window in it.

    Attributes:
        record, lead: their names.
        time_s: (n,) seconds from the start of the record.
        mv: (n,) the signal in mV.
        mark_s: (m,) seconds from the start of the record.
        symbols: the marks' m symbols, as in the record's annotation file.
        labels: (m,) int, index into ``CLASSES``, or ``NO_BEAT``.
        notes: the marks' m texts, such as ``(AFIB`` at a change of rhythm; mostly empty.
        start_s, stop_s: the window's bounds, from the start of the record.
        kept_stop_s: where the part that fits into 187 samples ends; ``stop_s`` unless the beat was truncated.
        window_mv: (k,) the whole window in mV at 360 Hz, also where it leaves the strip.
        ended_by: the symbol of the next mark, from which the window's end is measured.
    """

    record: str
    lead: str
    time_s: np.ndarray
    mv: np.ndarray
    mark_s: np.ndarray
    symbols: tuple[str, ...]
    labels: np.ndarray
    notes: tuple[str, ...]
    start_s: float
    stop_s: float
    kept_stop_s: float
    window_mv: np.ndarray
    ended_by: str

    @property
    def decimated_mv(self) -> np.ndarray:
        """(ceil(k / 3),) every third sample of the window: 120 Hz, before scaling and before the cut at 187."""
        return self.window_mv[::DECIMATION]


def find_records(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder with the records: ``root``, else the one that ``NSR_MITDB_DIR`` names, else the user's cache.

    Raises:
        UserError: there is no such folder.
    """
    folder = given_folder(root) or cache_dir() / DOWNLOAD_FOLDER
    if not folder.is_dir():
        raise UserError(
            f"The records are not in {folder}. Download them, or give a folder with 100.dat, 100.hea, 100.atr and the others.",
            command_line=GIVE_FOLDER,
        )
    return folder


def read_strip(
    folder: str | os.PathLike[str], record: str, sample: int, seconds_before: float, seconds_after: float
) -> Strip:
    """Read the part of a record around one beat, and no more of its signal than is needed.

    Args:
        folder: holds the record's .hea, .dat and .atr.
        record: its name.
        sample: position of the beat's mark at 360 Hz (``Beats.sample``).
        seconds_before, seconds_after: how much is shown on either side of the mark; less at the record's ends.

    Raises:
        UserError: a file is missing, or the record has no beat with a window there.
    """
    path = _find(Path(folder), record)
    header = wfdb.rdheader(str(path))
    marks = wfdb.rdann(str(path), "atr")
    window = next((each for each in find_windows(marks.sample, marks.symbol) if each.start == sample), None)
    if window is None:
        raise UserError(f"Record {record} has no beat at sample {sample}. Take one of those that were cut from it.")
    stop = min(window.stop, header.sig_len)
    first = max(0, sample - round(seconds_before * RECORD_FS_HZ))
    last = min(header.sig_len, sample + round(seconds_after * RECORD_FS_HZ) + 1)
    mv, lead = _read_mv(path, first, max(last, stop))
    shown = np.flatnonzero((marks.sample >= first) & (marks.sample < last))
    symbols = tuple(marks.symbol[mark] for mark in shown)
    kept = min(stop, sample + BEAT_LENGTH * DECIMATION)
    return Strip(
        record=record,
        lead=lead,
        time_s=np.arange(first, last) / RECORD_FS_HZ,
        mv=mv[: last - first],
        mark_s=marks.sample[shown] / RECORD_FS_HZ,
        symbols=symbols,
        labels=np.array([CLASS_OF_SYMBOL.get(symbol, NO_BEAT) for symbol in symbols], np.int64),
        notes=tuple(marks.aux_note[mark].rstrip("\x00") for mark in shown),
        start_s=sample / RECORD_FS_HZ,
        stop_s=stop / RECORD_FS_HZ,
        kept_stop_s=kept / RECORD_FS_HZ,
        window_mv=mv[sample - first : stop - first],
        ended_by=marks.symbol[_place_of_beat(marks, sample) + 1],
    )


def _place_of_beat(marks: wfdb.Annotation, sample: int) -> int:
    """Which of the marks is the beat at ``sample``, where there may be a mark of another kind too."""
    here = np.flatnonzero(marks.sample == sample).tolist()
    return next(place for place in here if marks.symbol[place] in CLASS_OF_SYMBOL)


def _find(folder: Path, record: str) -> Path:
    """The record's path without an ending; ``record`` must be a plain name, for it may come from an address."""
    for ending in ENDINGS:
        if not record.isalnum() or not (folder / (record + ending)).is_file():
            raise UserError(
                f'There is no file "{record}{ending}" in {folder}. Give a folder with the MIT-BIH records '
                "100.dat, 100.hea, 100.atr and the others.",
                command_line=GIVE_FOLDER,
            )
    return folder / record


def _read_mv(path: Path, first: int, last: int) -> tuple[np.ndarray, str]:
    """Samples ``first`` to ``last`` of the first signal in mV, and its lead."""
    read = wfdb.rdrecord(str(path), sampfrom=first, sampto=last, channels=[0], physical=False)
    mv = (read.d_signal[:, 0].astype(np.float64) - read.baseline[0]) / read.adc_gain[0]
    return mv, read.sig_name[0]
