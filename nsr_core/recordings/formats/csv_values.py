"""Blocks of lines to numbers: fast where every line is as it should be, one by one and with line numbers where not."""

import csv
import datetime
import io
import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nsr_core.errors import UserError
from nsr_core.recordings.formats.csv_cells import MISSING, is_missing, number, split_stamp
from nsr_core.recordings.formats.csv_head import BLANKS, is_comment
from nsr_core.recordings.formats.csv_layout import DATE, EMPTY, NUMBER, STAMP, TEXT, Layout
from nsr_core.recordings.formats.csv_text import decode
from nsr_core.recordings.formats.shape import ecg_by_name
from nsr_core.recordings.formats.text import quote

_MISSING_SPELLINGS = sorted({spelling(text) for text in MISSING for spelling in (str, str.upper, str.title)} | {"NaN"})
#: Blank lines and comments, but for a spreadsheet's ``#N/A``.
_SKIPPED = re.compile(rb"^[ \t]*((#(?!N/?[AD]\b|NV\b|[A-Z/0]+[!?])|%|//)[^\n]*)?(\n|\Z)", re.MULTILINE | re.IGNORECASE)
_PAIR = re.compile(rb"([+-]?\d+),(\d+)(,|\s*$)", re.MULTILINE)
#: The share of the lines that may be faulty, and are taken as missing; the same of the cells of a column.
FAULTY_SHARE = 0.01
SECONDS_A_DAY = 86400.0


@dataclass
class Faults:
    """What could not be taken: whole lines, and cells by column, each with the first of them in words."""

    lines: int = 0
    first_line: str = ""
    cells: dict[int, int] = field(default_factory=dict)
    first_cell: dict[int, str] = field(default_factory=dict)

    def line(self, number: int, cells: int, columns: int) -> None:
        self.lines += 1
        self.first_line = self.first_line or f"Line {number:,} has {cells} columns, expected {columns}"

    def cell(self, line: int, column: int, cell: str, expected: str) -> None:
        self.cells[column] = self.cells.get(column, 0) + 1
        self.first_cell.setdefault(column, f"Line {line:,}, column {column + 1}: {quote(cell)}, expected {expected}")


@dataclass
class Days:
    """The dates in stamps, in the order in which they come, as days since the first."""

    known: dict[str, float] = field(default_factory=dict)

    def day(self, date: str) -> float:
        if date not in self.known:
            self.known[date] = self._since_first(date)
        return self.known[date]

    def _since_first(self, date: str) -> float:
        if not self.known:
            return 0.0
        first, this = _day_number(next(iter(self.known))), _day_number(date)
        days = -1.0 if first is None or this is None else float(this - first)
        return days if 0 < days < 100 else max(self.known.values()) + 1.0


def _day_number(date: str) -> int | None:
    """A date's day, year first or last, day before month or after it; None where that is no date."""
    parts = [int(part) for part in re.findall(r"\d+", date)]
    if len(parts) == 1 and len(date) == 8:
        parts = [int(date[:4]), int(date[4:6]), int(date[6:])]
    if len(parts) != 3:
        return None
    year, *rest = parts if parts[0] > 31 else (parts[2], parts[1], parts[0])
    for month, day in (rest, rest[::-1]):
        try:
            return datetime.date(year, month, day).toordinal()
        except (ValueError, OverflowError):
            continue
    return None


def read_block(block: bytes, first_line: int, layout: Layout, faults: Faults, days: Days) -> np.ndarray:
    """(columns, lines) float64 of whole lines, without blank lines and comments; stamps in seconds, dates in days.

    Columns of text are NaN. A line of another length is one of missing samples, and so is a cell that is no number.

    Args:
        block: the lines.
        first_line: the number of the first of them.
        layout: of the file.
        faults: what could not be taken is added to them.
        days: the dates so far.
    """
    regular = _SKIPPED.sub(b"", block)
    if not regular.strip():
        return np.empty((layout.columns, 0))
    if layout.pairs:
        regular = _PAIR.sub(rb"\1.\2\3", regular)
    if _is_regular(regular, layout):
        try:
            return _read_fast(regular, layout, days)
        except ValueError:  # of pandas, which says neither line nor column; parser errors are ValueErrors, too
            pass
    return _read_exactly(block, first_line, layout, faults, days)


def _is_regular(block: bytes, layout: Layout) -> bool:
    """Whether each line has as many cells as the layout says; a blank line has not, where more than one is due."""
    if layout.quoted or layout.style.thousands:
        return False
    if layout.separator == BLANKS:
        return True  # pandas notices
    if not layout.separator:
        return b"," not in block or layout.style.decimal == ","
    characters = np.frombuffer(block, np.uint8)
    line_ends = np.flatnonzero(characters == ord("\n"))
    if not block.endswith(b"\n"):
        line_ends = np.append(line_ends, len(block))
    separators = np.flatnonzero(characters == ord(layout.separator))
    per_line = np.diff(np.searchsorted(separators, line_ends), prepend=0)
    return bool((per_line == layout.columns - 1).all())


def _read_fast(block: bytes, layout: Layout, days: Days) -> np.ndarray:
    block = block.translate(None, b"\"'")
    frame = pd.read_csv(
        io.BytesIO(block),
        sep=layout.separator or "\x1f",
        header=None,
        names=list(range(layout.columns)),
        index_col=False,
        dtype={column: np.float64 if kind == NUMBER else object for column, kind in enumerate(layout.kinds)},
        na_values=_MISSING_SPELLINGS,
        keep_default_na=False,
        skipinitialspace=True,
        decimal=layout.style.decimal,
        quoting=csv.QUOTE_NONE,
        engine="c",
        low_memory=False,
        encoding_errors="replace",
        on_bad_lines="error",
    )
    if layout.separator == BLANKS and len(frame) and frame.iloc[:, -1].isna().any():
        raise ValueError("a line may have too few columns")
    values = np.full((layout.columns, len(frame)), np.nan)
    for column, kind in enumerate(layout.kinds):
        if kind == NUMBER:
            values[column] = frame[column]
        elif kind == EMPTY:
            values[column] = pd.to_numeric(frame[column], errors="coerce")
        elif kind in (STAMP, DATE):
            values[column] = _seconds([str(cell).strip() for cell in frame[column]], kind, days)
    return values


def _seconds(cells: list[str], kind: str, days: Days) -> np.ndarray:
    """Of stamps the seconds, of dates the days; ValueError where one is none."""
    if kind == DATE:
        return np.array([days.day(cell) for cell in cells], np.float64)
    split = [split_stamp(cell) for cell in cells]
    seconds = np.array([second for _, second in split], np.float64)
    dates = [date for date, _ in split]
    if any(dates):
        seconds += SECONDS_A_DAY * np.array([days.day(date) for date in dates])
    return seconds


def _read_exactly(block: bytes, first_line: int, layout: Layout, faults: Faults, days: Days) -> np.ndarray:
    """The same line by line."""
    rows: list[list[float]] = []
    for line, raw in enumerate(block.split(b"\n"), start=first_line):
        text = decode(raw)
        if not text.strip() or is_comment(text):
            continue
        cells = layout.split(text)
        if len(cells) != layout.columns:
            if len(cells) == layout.columns + 1 and not cells[-1]:
                cells = cells[:-1]
            elif len(cells) == layout.columns - 1 and layout.kinds[-1] == EMPTY:
                cells = [*cells, ""]
            else:
                faults.line(line, len(cells), layout.columns)
                rows.append([np.nan] * layout.columns)
                continue
        rows.append([_value(cell, line, column, layout, faults, days) for column, cell in enumerate(cells)])
    return np.array(rows, np.float64).reshape(-1, layout.columns).T


def _value(cell: str, line: int, column: int, layout: Layout, faults: Faults, days: Days) -> float:
    kind = layout.kinds[column]
    if kind == TEXT:
        return np.nan
    if kind in (STAMP, DATE):
        try:
            return float(_seconds([cell], kind, days)[0]) if not is_missing(cell) else np.nan
        except ValueError:
            faults.cell(line, column, cell, "a time as in the lines before")
            return np.nan
    value = number(layout.style.plain(cell))
    if value is None:
        if kind == NUMBER:
            faults.cell(line, column, cell, "a number")
        return np.nan
    return value


def check_faults(faults: Faults, layout: Layout, lines: int) -> tuple[list[str], set[int]]:
    """Notes about what was taken as missing, and the columns that hold too much of it to be signals.

    Raises:
        UserError: too many lines are faulty, or too many cells of every column, for this to be a table.
    """
    remedy = "Mend or remove the line; a sample that is missing is left empty or written NaN."
    most = FAULTY_SHARE * lines
    if faults.lines > max(most, 1 if lines > 10 else 0):
        raise UserError(f"{faults.first_line} as in the lines before. {remedy}")
    bad = {column for column, count in faults.cells.items() if count > most}
    numbers = {column for column, kind in enumerate(layout.kinds) if kind == NUMBER}
    needed = {column for column in bad if layout.kinds[column] == STAMP or ecg_by_name(layout.headings[column])}
    if bad and (numbers <= bad or needed):
        raise UserError(f"{faults.first_cell[min(needed or bad)]}. {remedy}")
    notes = []
    if faults.lines:
        what = "1 line is" if faults.lines == 1 else f"{faults.lines:,} lines are"
        notes.append(f"{what} not as the others and taken as missing samples. {faults.first_line}.")
    notes += [
        f"{faults.cells[column]:,} cells are taken as missing samples. {faults.first_cell[column]}."
        for column in sorted(set(faults.cells) - bad)
    ]
    return notes, bad
