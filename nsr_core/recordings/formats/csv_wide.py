"""Tables of text that lie on their side, a row for each signal; and tables of beats, which are no recordings."""

import re

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_cells import bare, is_missing, is_number, number, style_of
from nsr_core.recordings.formats.csv_head import SEPARATORS
from nsr_core.recordings.formats.csv_text import decode, line_too_long
from nsr_core.recordings.formats.csv_time import Table
from nsr_core.recordings.formats.format import Given
from nsr_core.recordings.formats.table import read_table
from nsr_core.recordings.formats.text import quote, split_unit
from nsr_core.recordings.limits import short_count

#: A table on its side has more columns than any recording has channels, and at most this number of rows.
LEAST_COLUMNS, MOST_ROWS = 129, 64
#: Of the published table of cut beats: samples in a row, and the class behind them.
BEAT_COLUMNS = (187, 188)
#: Rows of one signal lie on their side if they are so much longer than there are rows.
_STRETCHED = 4
#: Longer, a row costs too much; a quarter of an hour has a third of it.
ROW_BYTES = 5_000_000
_FIRST_BYTES = 4000


def is_wide(text: bytes) -> bool:
    """Whether the first line has far more numbers than a table of signals has columns."""
    end = text.find(b"\n")
    first = text[: min(_FIRST_BYTES, len(text) if end < 0 else end)]
    separator = _separator(first)
    line = text[: len(text) if end < 0 else end]
    if separator is None or line.count(separator) + 1 < LEAST_COLUMNS:
        return False
    cells = [bare(decode(cell)) for cell in first.split(separator)[1:-1]]
    return bool(cells) and sum(is_number(cell) or is_missing(cell) for cell in cells) > len(cells) / 2


def _separator(first: bytes) -> bytes | None:
    counts = {mark.encode(): first.count(mark.encode()) for mark in SEPARATORS}
    if not any(counts.values()):
        return b" " if first.count(b" ") > 20 else None
    return max(counts, key=lambda mark: counts[mark])


def read_wide(given: Given, text: bytes) -> Contents:
    """Each row as a channel, its heading in the first cell.

    Raises:
        UserError: it is a table of beats, or as wide as it is long.
    """
    rows = [row for row in text[:].split(b"\n", MOST_ROWS * _STRETCHED * 4) if row.strip()]
    separator = _separator(text[:_FIRST_BYTES]) or b","
    if not rows:
        raise UserError(f"{quote(given.name)} holds separators and no numbers. Give the file with the ECG.")
    columns = rows[0].rstrip(b"\r ,;").count(separator) + 1
    if columns in BEAT_COLUMNS and len(rows) > 1:
        raise UserError(_beats_message(given, rows[0], separator))
    if len(rows) > MOST_ROWS or columns < _STRETCHED * len(rows):
        raise UserError(
            f"{quote(given.name)} has {short_count(columns)} columns, at most {given.limits.channels} signals are read. "
            "Give a table with one sample a line and one column for each signal."
        )
    given.limits.check_samples(columns * len(rows))
    if max(map(len, rows)) > ROW_BYTES:
        raise line_too_long(1 + max(range(len(rows)), key=lambda row: len(rows[row])))
    names, units, values = [], [], []
    for row in rows:
        given.deadline.check()
        heading, signal = _row(row, separator)
        name, unit = split_unit(heading)
        names.append(name)
        units.append(unit)
        values.append(signal)
    longest = max(map(len, values))
    values = [np.append(each, np.full(longest - len(each), np.nan)) for each in values]
    return read_table(given, Table(names, units, values), None)


def _row(row: bytes, separator: bytes) -> tuple[str, np.ndarray]:
    cells = [bare(cell) for cell in decode(row).split(separator.decode())]
    while cells and not cells[-1]:
        cells.pop()
    heading = cells.pop(0) if cells and not (is_number(cells[0]) or is_missing(cells[0])) else ""
    try:
        return heading, np.array([cell or "nan" for cell in cells], np.float64)
    except ValueError:
        pass
    style = style_of(cells[:1000])
    found = [number(style.plain(cell)) for cell in cells]
    return heading, np.array([np.nan if each is None else each for each in found], np.float64)


def _beats_message(given: Given, row: bytes, separator: bytes) -> str:
    count = len(re.split(re.escape(separator), row))
    return (
        f"{quote(given.name)} has {count} columns: it is a table of beats that are already cut, as published with 187 samples "
        'and a class a row, and no recording. Other pages take it: choose "Change beats" there, then the Kaggle CSV.'
    )
