"""Blocks of CSV lines to numbers: fast where every line is as it should be, exactly and with line numbers where not."""

import csv
import io
import math
import re

import numpy as np
import pandas as pd

from nsr_core.errors import UserError
from nsr_core.recordings.formats.csv_cells import MISSING, QUOTES, clock_seconds, is_stamp, number
from nsr_core.recordings.formats.csv_layout import Layout
from nsr_core.recordings.formats.csv_text import decode
from nsr_core.recordings.formats.text import quote

_MISSING_SPELLINGS = sorted({spelling(text) for text in MISSING for spelling in (str, str.upper, str.title)} | {"NaN"})
#: Blank lines and comments.
_SKIPPED = re.compile(rb"^ *(#[^\n]*)?(\n|\Z)", re.MULTILINE)
_DECIMAL_POINT = bytes.maketrans(b",", b".")


def read_block(block: bytes, first_line: int, layout: Layout) -> np.ndarray:
    """(columns, lines) float64 of whole lines, without blank lines and comments; time stamps in seconds.

    Args:
        block: the lines.
        first_line: the number of the first of them, for messages.
        layout: of the file.

    Raises:
        UserError: naming line and column of text where a number should be, or a line with too few or many columns.
    """
    if not block.strip(b" \n"):
        return np.empty((layout.columns, 0))
    regular = _SKIPPED.sub(b"", block) if b"#" in block or b"\n\n" in block else block
    if not regular:
        return np.empty((layout.columns, 0))
    if _is_regular(regular, layout):
        try:
            return _read_fast(regular, layout)
        except ValueError:  # of pandas, which says neither line nor column; parser errors are ValueErrors, too
            pass
    return _read_exactly(block, first_line, layout)


def _is_regular(block: bytes, layout: Layout) -> bool:
    """Whether each line has as many cells as the layout says; a blank line has not, where more than one is due."""
    if not layout.separator:
        return b"," not in block
    characters = np.frombuffer(block, np.uint8)
    line_ends = np.flatnonzero(characters == ord("\n"))
    if not block.endswith(b"\n"):
        line_ends = np.append(line_ends, len(block))
    separators = np.flatnonzero(characters == ord(layout.separator))
    per_line = np.diff(np.searchsorted(separators, line_ends), prepend=0)
    return bool((per_line == layout.columns - 1).all())


def _read_fast(block: bytes, layout: Layout) -> np.ndarray:
    plain = block.translate(_DECIMAL_POINT if layout.decimal == "," else None, QUOTES.encode())
    frame = pd.read_csv(
        io.BytesIO(plain),
        sep=layout.separator or ",",
        header=None,
        names=list(range(layout.columns)),
        dtype={column: object if column == layout.stamps else np.float64 for column in range(layout.columns)},
        na_values=_MISSING_SPELLINGS,
        keep_default_na=False,
        skipinitialspace=True,
        quoting=csv.QUOTE_NONE,
        engine="c",
        low_memory=False,
    )
    values = np.empty((layout.columns, len(frame)))
    for column in range(layout.columns):
        values[column] = (
            _stamp_seconds(list(map(str, frame[column])), layout) if column == layout.stamps else frame[column]
        )
    return values


def _read_exactly(block: bytes, first_line: int, layout: Layout) -> np.ndarray:
    """The same line by line."""
    rows: list[list[float]] = []
    stamps: list[str] = []
    for line, raw in enumerate(block.split(b"\n"), start=first_line):
        text = decode(raw).strip(" ")
        if not text or text.lstrip().startswith("#"):
            continue
        cells = layout.split(text)
        if len(cells) != layout.columns:
            raise UserError(
                f"Line {line:,} has {len(cells)} columns, expected {layout.columns} as in the lines before. "
                "Mend or remove the line."
            )
        rows.append([_cell_value(cell, line, column, layout) for column, cell in enumerate(cells)])
        if layout.stamps is not None:
            stamps.append(cells[layout.stamps])
    values = np.array(rows, np.float64).reshape(-1, layout.columns).T
    if layout.stamps is not None:
        try:
            values[layout.stamps] = _stamp_seconds(stamps, layout)
        except ValueError as error:  # each looks like a time, but one has a month 13, or is a date among times of day
            raise UserError(
                f"Column {layout.stamps + 1}, after line {first_line - 1:,}: one of the times from {quote(stamps[0])} "
                f"to {quote(stamps[-1])} is none. Mend it, or leave the column out and give the sampling rate by hand."
            ) from error
    return values


def _cell_value(cell: str, line: int, column: int, layout: Layout) -> float:
    if column == layout.stamps:
        if is_stamp(cell):
            return math.nan
        raise _fault(cell, line, column, "a time as in the lines before")
    value = number(cell)
    if value is None:
        raise _fault(cell, line, column, "a number")
    return value


def _stamp_seconds(stamps: list[str], layout: Layout) -> np.ndarray:
    """Seconds of each; ValueError where one is no time."""
    if layout.are_dates:
        dates = pd.to_datetime(pd.Series(stamps, dtype=str), format="ISO8601", utc=True)
        return ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(np.float64)
    seconds = np.array(list(map(clock_seconds, stamps)), np.float64)
    if not np.isfinite(seconds).all():
        raise ValueError("a stamp is no time of day")
    return seconds


def _fault(cell: str, line: int, column: int, expected: str) -> UserError:
    return UserError(
        f"Line {line:,}, column {column + 1}: {quote(cell)}, expected {expected}. Mend or remove the line; "
        "a sample that is missing is left empty or written NaN."
    )
