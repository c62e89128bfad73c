"""The published set of Kachuee et al. (2018) as its two CSV files, for comparison with what others report.

188 columns without a header: 187 samples in [0, 1] and the class, 0 to 4 for N S V F Q. What the files do
not say (record, position, lead, mV, marks) is left empty; the length can only be guessed.
"""

import csv
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd

from nsr_core.data.beats import BEAT_LENGTH, CLASSES, Beats
from nsr_core.errors import UserError
from nsr_core.files import named_folder, short
from nsr_core.progress import Progress, no_progress

ROOT_VARIABLE = "NSR_KAGGLE_DIR"
GIVE_FOLDER = f"Name it with --root or in {ROOT_VARIABLE}."
FILES = {"train": "mitbih_train.csv", "test": "mitbih_test.csv"}
COLUMNS = BEAT_LENGTH + 1
#: The files were written with rounding; a value this far outside [0, 1] is clipped instead of refused.
TOLERANCE = 1e-6


def load_kaggle(root: str | os.PathLike[str] | None = None, progress: Progress = no_progress) -> Beats:
    """The beats of ``mitbih_train.csv`` and ``mitbih_test.csv``, in this order.

    ``length`` is the position of a row's last sample that is not 0, plus 1: an approximation, one too few
    where a beat ends on its minimum. ``truncated`` says that it is 187, also of a beat that just fits.
    ``cut_short`` is False and the mV range NaN throughout: the files do not tell.

    Args:
        root: folder with the two files; without it, the folder named by ``NSR_KAGGLE_DIR``.
        progress: called for both files.

    Raises:
        UserError: the folder or a file is missing, or a line is not what it should be; the message names
            file, line, what stands there and what should.
    """
    folder = _find_folder(root)
    parts = []
    for done, name in enumerate(FILES.values()):
        progress(done, len(FILES), f"reading {name}")
        parts.append(_read_table(folder / name))
    progress(len(FILES), len(FILES), "both files read")
    table = np.concatenate(parts)
    x = table[:, :BEAT_LENGTH].clip(0.0, 1.0)
    length = (BEAT_LENGTH - np.argmax(x[:, ::-1] != 0, axis=1)).astype(np.int16)
    count = len(table)
    return Beats(
        x=x,
        y=table[:, BEAT_LENGTH].astype(np.int64),
        length=length,
        record=np.repeat(list(FILES), [len(part) for part in parts]),
        sample=np.arange(count, dtype=np.int64),
        lead=np.full(count, ""),
        mv_min=np.full(count, np.nan, np.float32),
        mv_max=np.full(count, np.nan, np.float32),
        cut_short=np.zeros(count, bool),
        truncated=length == BEAT_LENGTH,
        source="kaggle",
    )


def _find_folder(root: str | os.PathLike[str] | None) -> Path:
    named = root or os.environ.get(ROOT_VARIABLE)
    wanted = f"a folder with {' and '.join(FILES.values())}, unpacked"
    if not named:
        raise UserError(f"The published CSV is not downloaded for you. Give {wanted}.", command_line=GIVE_FOLDER)
    folder = named_folder(named)
    if not os.path.isdir(folder):
        raise UserError(f"{short(folder)} is not a folder. Give {wanted}.", command_line=GIVE_FOLDER)
    for name in FILES.values():
        if not (folder / name).is_file():
            raise UserError(f"{name} is missing in {folder}. Give {wanted}.", command_line=GIVE_FOLDER)
    return folder


def _read_table(path: Path) -> np.ndarray:
    """(n, 188) float32, checked. The fast reader only notices that something is wrong; ``_explain`` says what."""
    try:
        frame = pd.read_csv(path, header=None, dtype=np.float32, quoting=csv.QUOTE_NONE)
        table = frame.to_numpy()
    except ValueError as error:  # parser errors are ValueErrors, and so is text for a number
        raise _explain(path, str(error)) from error
    if not _is_valid(table):
        raise _explain(path, "a value is not valid")
    return table


def _is_valid(table: np.ndarray) -> bool:
    """Whether this is n > 0 beats with their classes. NaN fails every comparison, and so the whole table."""
    if table.shape[1] != COLUMNS:
        return False
    x, label = table[:, :BEAT_LENGTH], table[:, BEAT_LENGTH]
    in_range = x.min() >= -TOLERANCE and x.max() <= 1 + TOLERANCE
    return bool(in_range and np.isin(label, np.arange(len(CLASSES))).all() and (x > 0).any(axis=1).all())


def _explain(path: Path, reason: str) -> UserError:
    """The error for a file that ``_read_table`` refused: its first bad line, read slowly and exactly."""
    remedy = f"Replace {path.name} with the published file, or mend or remove the line."
    empty = True
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            empty = False
            fault = _find_fault(line.strip().split(","))
            if fault:
                return UserError(f"{path}, line {number}: {fault} {remedy}")
    if empty:
        return UserError(
            f"{path}, line 1: the file is empty, expected lines of {COLUMNS} numbers. "
            f"Replace {path.name} with the published file."
        )
    return UserError(f"{path} cannot be read as {COLUMNS} columns of numbers ({reason}). {remedy}")


def _find_fault(fields: list[str]) -> str | None:
    """What is wrong with one line, as a sentence; None where nothing is."""
    if len(fields) != COLUMNS:
        return f"the number of columns is {len(fields)}, expected {COLUMNS} ({BEAT_LENGTH} samples and the class)."
    values = []
    for column, text in enumerate(fields, start=1):
        try:
            values.append(float(text))
        except ValueError:
            return f'"{text[:40]}" in column {column}, expected a number (the files have no header).'
        if not math.isfinite(values[-1]):
            return f'"{text}" in column {column}, expected a finite number.'
        if column <= BEAT_LENGTH and not -TOLERANCE <= values[-1] <= 1 + TOLERANCE:
            return f"{text} in column {column}, expected a sample between 0 and 1."
    if values[-1] not in range(len(CLASSES)):
        return f"class {fields[-1]} in column {COLUMNS}, expected 0, 1, 2, 3 or 4 ({' '.join(CLASSES)})."
    if max(values[:-1]) <= 0:
        return f"all {BEAT_LENGTH} samples are 0, expected a beat."
    return None
