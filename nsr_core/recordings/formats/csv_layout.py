"""How a CSV file is laid out, judged by its first lines: separator, decimal mark, headings, units, where data begins."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nsr_core.errors import UserError
from nsr_core.recordings.formats.csv_cells import bare, is_date, is_missing, is_stamp, number
from nsr_core.recordings.formats.csv_text import LINE_BYTES, decode, line_too_long
from nsr_core.recordings.formats.text import quote, split_unit, tidy_unit
from nsr_core.recordings.recording import UNKNOWN_UNIT

HEAD_LINES = 50
#: Blank lines and comments among them; after so many, no table is expected any more.
MOST_LINES = 100_000
#: In the order of trust: a comma may also be a decimal mark, a semicolon or a tab may not.
SEPARATORS = ("\t", ";", ",")
#: Of a file with a single column.
NO_SEPARATOR = ""
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """What the first lines tell.

    Attributes:
        separator: between cells; ``NO_SEPARATOR`` where there is one column.
        decimal: ``.`` or ``,``.
        headings: of the columns, empty where the file has none.
        units: of the columns, ``UNKNOWN_UNIT`` where the file names none.
        stamps: which column holds time stamps with colons; None where none does.
        are_dates: whether those are dates.
        start: the byte at which the data begins.
        first_line: the number of the line at which it begins.
    """

    separator: str
    decimal: str
    headings: tuple[str, ...]
    units: tuple[str, ...]
    stamps: int | None
    are_dates: bool
    start: int
    first_line: int

    @property
    def columns(self) -> int:
        """Their number."""
        return len(self.headings)

    def split(self, line: str) -> list[str]:
        """A line's bare cells, with a point as decimal mark."""
        cells = line.split(self.separator) if self.separator else [line]
        return [bare(cell.replace(",", ".") if self.decimal == "," else cell) for cell in cells]


@dataclass(frozen=True)
class _Line:
    number: int
    start: int
    text: str


def read_layout(content: bytes) -> Layout:
    """The layout of a text that ``plain_text`` returned.

    Raises:
        UserError: there is no line of numbers, or a line is too long.
    """
    head = _head(content)
    separator = _separator([line.text for line in head])
    rows = [_split_heading(line.text, separator) for line in head]
    decimal = "," if separator in ("\t", ";") and _has_decimal_commas(rows) else "."
    if decimal == ",":
        rows = [[_with_point(cell) for cell in row] for row in rows]
    at = next((at for at, row in enumerate(rows[:3]) if not _is_heading(row)), None)
    if at is None:
        raise _no_numbers(head, rows)
    columns = len(rows[at])
    for line, row in zip(head[:at], rows[:at], strict=True):
        if len(row) != columns:
            raise UserError(
                f"Line {line.number} names {len(row)} columns, line {head[at].number} has {columns}. "
                "Give a table with one heading for each column, or without headings."
            )
    headings, units = _headings(rows[:at], columns)
    stamps = next((column for column, cell in enumerate(rows[at]) if is_stamp(cell)), None)
    return Layout(
        separator=separator,
        decimal=decimal,
        headings=headings,
        units=units,
        stamps=stamps,
        are_dates=stamps is not None and is_date(rows[at][stamps]),
        start=head[at].start,
        first_line=head[at].number,
    )


def _head(content: bytes) -> list[_Line]:
    """The first lines that are neither blank nor comments."""
    head: list[_Line] = []
    start, count = 0, 0
    while start < len(content) and len(head) < HEAD_LINES and count < MOST_LINES:
        count += 1
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        if end - start > LINE_BYTES:
            raise line_too_long(count)
        text = decode(content[start:end])
        if text.strip() and not text.lstrip().startswith("#"):
            head.append(_Line(count, start, text))
        start = end + 1
    if not head:
        raise UserError(
            f"The first {count:,} lines are empty, expected a table of samples. Give the file with the ECG."
        )
    return head


def _separator(lines: Sequence[str]) -> str:
    """The one that stands equally often in the most lines, if those are more than half of them."""
    best, most = NO_SEPARATOR, len(lines) // 2
    for separator in SEPARATORS:
        counts = Counter(line.count(separator) for line in lines)
        del counts[0]
        agreeing = max(counts.values(), default=0)
        if agreeing > most:
            best, most = separator, agreeing
    return best


def _split_heading(line: str, separator: str) -> list[str]:
    """The bare cells of a line in which a quoted cell may hold the separator."""
    if not separator:
        return [bare(line)]
    try:
        cells = next(csv.reader([line], delimiter=separator))
    except csv.Error:
        cells = line.split(separator)
    return [bare(cell) for cell in cells]


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell for row in rows for cell in row]
    return any(map(_DECIMAL_COMMA.match, cells)) and not any("." in cell and number(cell) is not None for cell in cells)


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.match(cell) else cell


def _is_heading(row: Sequence[str]) -> bool:
    """Whether these are headings or units: text, and no number among it."""
    has_text = any(number(cell) is None and not is_stamp(cell) for cell in row)
    return has_text and all(number(cell) is None or is_missing(cell) for cell in row)


def _headings(rows: Sequence[Sequence[str]], columns: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Headings and units out of no, one or two rows: headings with units in brackets, and units below them."""
    if not rows:
        return ("",) * columns, (UNKNOWN_UNIT,) * columns
    split = [split_unit(cell) for cell in rows[0]]
    below = [tidy_unit(cell) for cell in rows[1]] if len(rows) > 1 else [UNKNOWN_UNIT] * columns
    units = [unit or other for (_, unit), other in zip(split, below, strict=True)]
    return tuple(name for name, _ in split), tuple(units)


def _no_numbers(head: Sequence[_Line], rows: Sequence[Sequence[str]]) -> UserError:
    shown = min(2, len(head) - 1)
    return UserError(
        f"Line {head[shown].number} is {quote(head[shown].text)}, expected numbers: at most a line of headings and "
        "one of units stand above them. Give a table with one sample a line and one column for each signal."
    )
