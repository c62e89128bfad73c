"""How a table of text is laid out, judged by its first lines: separator, decimal mark, headings, units, where data begins.

The last of these lines are taken for data. They tell the separator and what each column holds; the table begins where
every line fits them, and what stands above is headings and, above those, whatever the device has to say.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nsr_core.errors import UserError
from nsr_core.recordings.formats.csv_cells import (
    Style,
    bare,
    is_date,
    is_missing,
    is_number,
    is_stamp,
    number,
    style_of,
)
from nsr_core.recordings.formats.csv_head import (
    BLANKS,
    NO_SEPARATOR,
    SEPARATORS,
    Line,
    is_comment,
    read_head,
    split_line,
)
from nsr_core.recordings.formats.text import quote, split_unit, tidy_unit
from nsr_core.recordings.recording import MV_PER_UNIT, UNKNOWN_UNIT

NUMBER, STAMP, DATE, TEXT, EMPTY = "number", "stamp", "date", "text", "empty"
#: How many of the last lines tell the layout, and what share of them must agree on something.
_PROBED, _FEW, _MOST = 200, 20, 0.8
#: A number whose decimal mark is the comma that also separates; and such a line.
_PAIR = r"[+-]?\d+,\d+"
_PAIRS = re.compile(rf"\s*{_PAIR}(,\s*{_PAIR})*,?\s*$", re.ASCII)
#: What only the digits behind a decimal mark look like, and a whole part that only a fraction has.
_FRACTION = re.compile(r"(?:^|,)\s*(?:-0,|[+-]?\d+,0\d)", re.ASCII)
#: In more lines than this, digits behind a comma would have begun with 0 once.
_ENOUGH_DIGITS = 8


@dataclass(frozen=True)
class Layout:
    """What the first lines tell.

    Attributes:
        separator: between cells, ``BLANKS`` for any run of them; ``NO_SEPARATOR`` where there is one column.
        style: how numbers are written.
        pairs: whether the separator is the decimal mark as well.
        quoted: whether quotation marks may hide separators.
        headings: of the columns, empty where the file has none.
        units: of the columns, ``UNKNOWN_UNIT`` where the file names none.
        kinds: of the columns: ``NUMBER``, ``STAMP``, ``DATE``, ``TEXT`` or, so far, ``EMPTY``.
        start: the byte at which the data begins.
        first_line: the number of the line at which it begins.
        above: the lines above headings and data, comments among them.
    """

    separator: str
    style: Style
    pairs: bool
    quoted: bool
    headings: tuple[str, ...]
    units: tuple[str, ...]
    kinds: tuple[str, ...]
    start: int
    first_line: int
    above: tuple[str, ...]

    @property
    def columns(self) -> int:
        """Their number."""
        return len(self.kinds)

    def split(self, line: str) -> list[str]:
        """A line's bare cells."""
        if self.pairs:
            line = re.sub(rf"({_PAIR})(,|\s*$)", lambda match: match[1].replace(",", ".") + match[2], line)
        return split_line(line, self.separator, self.quoted)


def read_layout(content: bytes) -> Layout:
    """The layout of a text that ``plain_text`` returned.

    Raises:
        UserError: there is no line of numbers, or a line is too long.
    """
    head = read_head(content)
    lines = [line for line in head if not line.is_comment]
    probed = _last([line.text for line in lines])
    pairs = _are_pairs([line.text for line in lines])
    separator = _declared(head) or _separator(probed, pairs)
    if separator == NO_SEPARATOR and not pairs and _are_columns_short([line.text for line in lines]):
        separator, probed = ",", [line.text for line in lines if not _PAIR_OF_NAMES.match(line.text)]
    quoted = any('"' in line for line in probed) and _hide_separators(probed, separator)
    columns = Counter(len(split_line(line, separator, quoted)) for line in probed).most_common(1)[0][0]
    columns = columns // 2 if pairs and separator == "," else columns
    draft = Layout(separator, Style(), pairs, quoted, (), (), (), 0, 0, ())
    rows = [draft.split(line.text) for line in lines]
    if pairs and separator == NO_SEPARATOR:
        columns = 1
    kinds = _kinds([row for row in map(draft.split, probed) if len(row) == columns], columns)
    if NUMBER not in kinds and STAMP in kinds:
        raise UserError("The file has a time column and no signal. Give a table with the ECG beside it.")
    if NUMBER not in kinds and set(kinds) != {EMPTY}:
        raise _no_numbers(lines, rows)
    at = _first_row(rows, kinds)
    if at is None:
        raise _no_numbers(lines, rows)
    kinds = _kinds([row for row in rows[at:] if len(row) == columns], columns)
    top = _headings_begin(lines, rows, at, columns)
    heading_rows = [_fitted(lines[each], rows[each], rows[at:], kinds) for each in range(top, at)]
    commented = _commented_headings(head, lines[top].start, draft, columns, kinds) if top == at else None
    names, units = _headings([commented] if commented else heading_rows, columns)
    skipped = _count_rows(rows, at, kinds)
    begin = lines[at + skipped] if at + skipped < len(lines) else lines[at]
    return Layout(
        separator=separator,
        style=style_of(cell for row in rows[at:] if len(row) == columns for cell, kind in zip(row, kinds, strict=True) if kind == NUMBER),
        pairs=pairs,
        quoted=quoted,
        headings=names,
        units=units,
        kinds=kinds,
        start=begin.start,
        first_line=begin.number,
        above=tuple(line.text for line in head if line.start < begin.start),
    )  # fmt: skip


#: A heading of two columns, neither of them a unit.
_PAIR_OF_NAMES = re.compile(r"\s*[A-Za-z][\w ]*,\s*(?!(?:[mu\u00b5]?V|s|ms)\s*$)[A-Za-z][\w ]*\s*$")


def _are_columns_short(lines: Sequence[str]) -> bool:
    """Whether rows of two columns, as the heading right above them says, have lost a cell: else ``1,2`` would be read as 1.2."""
    heading = next((at for at, line in enumerate(lines) if _PAIR_OF_NAMES.match(line)), None)
    return heading is not None and heading + 1 < len(lines) and lines[heading + 1].count(",") == 1


def _declared(head: Sequence[Line]) -> str | None:
    """The separator that a first line ``sep=;`` names, as spreadsheets write and read it."""
    match = re.match(r"\s*[\"']?sep=(.|\\t)[\"']?\s*$", head[0].text, re.IGNORECASE)
    found = match[1] if match else None
    found = "\t" if found in ("\\t", "\t") or (head[0].text.strip().strip("\"'").lower() == "sep=" and match) else found
    return found if found in SEPARATORS else None


def _are_pairs(lines: Sequence[str]) -> bool:
    """Whether the comma is the only mark, between cells and within numbers: ``0,004,-0,0065``.

    Two columns of whole numbers would look the same but for what only digits behind a decimal mark do: begin with 0, or
    follow a ``-0``. Headings, where there are some, count the columns.
    """
    data = _last(lines)
    if not all(map(_PAIRS.match, data)):
        return False
    commas = Counter(line.rstrip(" ,").count(",") for line in data)
    if len(commas) != 1 or next(iter(commas)) % 2 == 0:
        return False
    count = (next(iter(commas)) + 1) // 2
    digits = [match.split(",")[1] for line in data for match in re.findall(_PAIR, line)]
    tenths = {each for each in digits if len(each) == 1}
    if any(map(_FRACTION.search, data)) or (len(tenths) >= _ENOUGH_DIGITS and len(tenths) == len(set(digits))):
        return True
    heading = next((line for line in reversed(lines) if not _PAIRS.match(line)), None)
    return (
        heading is not None
        and not any(map(str.isdigit, heading))
        and heading.count(",") == count - 1
        and not _is_saying(heading)
    )


def _last(lines: Sequence[str]) -> Sequence[str]:
    """The lines that are taken for data: of those with a digit the last quarter, of a few lines the last half.

    Lines without one are words, or rows in which all samples are missing, and tell nothing.
    """
    with_digits = [line for line in lines if any(map(str.isdigit, line))] or list(lines)
    count = len(with_digits)
    return with_digits[-min(_PROBED, max((count + 3) // 4, min((count + 1) // 2, _FEW))) :]


def _separator(lines: Sequence[str], pairs: bool) -> str:
    """The one that splits most lines into as many columns, and most of these into numbers and stamps."""
    if pairs:
        return "," if lines[0].rstrip(" ,").count(",") > 1 else NO_SEPARATOR
    best, most = NO_SEPARATOR, 0.0
    for separator in (*SEPARATORS, BLANKS):
        rows = [split_line(line, separator) for line in lines]
        columns, agreeing = Counter(map(len, rows)).most_common(1)[0]
        if columns < 2 or agreeing <= _MOST / 2 * len(rows):
            continue
        kinds = _kinds([row for row in rows if len(row) == columns], columns)
        if NUMBER not in kinds or (separator == BLANKS and TEXT in kinds and _is_sentence(lines)):
            continue
        held = [kind for kind in kinds if kind != EMPTY]
        share = sum(kind != TEXT for kind in held) / len(held) * agreeing / len(rows)
        if share > most + 1e-9:
            best, most = separator, share
    return best


def _is_sentence(lines: Sequence[str]) -> bool:
    """Whether blanks belong to a single cell, as in ``10:00:00 AM``."""
    return all(is_stamp(bare(line)) for line in lines)


def _hide_separators(lines: Sequence[str], separator: str) -> bool:
    return any(len(line.split(separator)) != len(split_line(line, separator, True)) for line in lines if separator)


def _kinds(rows: Sequence[Sequence[str]], columns: int) -> tuple[str, ...]:
    return tuple(_kind([row[column] for row in rows]) for column in range(columns))


def _kind(cells: Sequence[str]) -> str:
    """What most of a column's cells are, those that are missing left out."""
    held = [cell for cell in cells if not is_missing(cell)]
    if not held:
        return EMPTY
    counts = Counter(
        NUMBER if is_number(cell) else STAMP if is_stamp(cell) else DATE if is_date(cell) else TEXT for cell in held
    )
    kind, count = counts.most_common(1)[0]
    return kind if count >= _MOST * len(held) else NUMBER if counts[NUMBER] >= len(held) / 2 else TEXT


def _fits(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether these are data: as many cells, a number or nothing where numbers stand, and one number at least."""
    if len(row) != len(kinds):
        return False
    numbers = [cell for cell, kind in zip(row, kinds, strict=True) if kind == NUMBER]
    return (
        all(is_number(cell) or is_missing(cell) for cell in numbers)
        and all(is_stamp(cell) or is_missing(cell) for cell, kind in zip(row, kinds, strict=True) if kind == STAMP)
        and (any(map(is_number, numbers)) or all(cell == "" or is_missing(cell) for cell in row))
    )


def _first_row(rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> int | None:
    """The first row of data: one that fits, after the last row of text that more than a few rows do not separate from it.

    A text in a row far down is a fault of that row; one among the first rows is what stands above a table.
    """
    first: int | None = None
    fitting = 0
    for at, row in enumerate(rows):
        if _fits(row, kinds):
            first = at if first is None else first
            fitting += 1
        elif first is not None and fitting < 10 and _is_heading(row, kinds) and at + 1 < len(rows):
            first, fitting = None, 0
    return first


def _is_heading(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether these are headings or units: no number where numbers should stand, and text."""
    return any(number(cell) is None for cell in row) and not any(map(is_number, row)) and len(row) + 2 > len(kinds)


def _headings_begin(lines: Sequence[Line], rows: Sequence[Sequence[str]], at: int, columns: int) -> int:
    """The first of the up to four rows of text above the data that have a heading for each column."""
    top = at
    while top > max(0, at - 4):
        row = rows[top - 1]
        if any(map(is_number, row)) or not any(row) or row[0].endswith(("=", ":")):
            break
        if columns == 1 and (len(row) != 1 or _is_saying(lines[top - 1].text)):
            break
        if len(row) != columns and (abs(len(row) - columns) > 1 or len(row) == 1 or top < at):
            break
        if columns == 2 and top < at and not _is_unit_row(rows[top]):
            break  # a key and a value above the headings
        top -= 1
    return top


def _is_saying(line: str) -> bool:
    """Whether the only cell of a line is a key and a value, and no heading."""
    return bool(re.search(r"[:=]", line)) or (
        bool(re.search(r"[,;\t]", line)) and not re.match(r"\s*([\"']).*\1\s*$", line)
    )


def _is_unit_row(row: Sequence[str]) -> bool:
    held = [cell for cell in row if cell]
    return all(len(cell) <= 8 for cell in held) and any(
        tidy_unit(cell.strip("()[]")) in MV_PER_UNIT or cell.lower().strip("()[]") in ("s", "ms", "sec", "msecs", "cal", "raw")
        for cell in held
    )  # fmt: skip


def _fitted(line: Line, row: list[str], rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> list[str]:
    """Headings of as many columns: rows may end in a separator where headings do not, or begin with a number of the row.

    Raises:
        UserError: they name another number of columns.
    """
    columns = len(kinds)
    if len(row) == columns + 1 and not row[-1]:
        return row[:-1]
    if len(row) == columns - 1 and (kinds[-1] == EMPTY or not all(rows[0])):
        return [*row, ""]
    if len(row) == columns - 1 and [each[0] for each in rows[:2]] in (["0", "1"], ["1", "2"]):
        return ["", *row]
    if len(row) != columns:
        raise UserError(
            f"Line {line.number} names {len(row)} columns, the data below it has {columns}. "
            "Give a table with one heading for each column, or without headings."
        )
    return row


def _commented_headings(
    head: Sequence[Line], start: int, draft: Layout, columns: int, kinds: Sequence[str]
) -> list[str] | None:
    """The last comment above the data, if it names a heading for each column: ``# time, ECG``."""
    above = [line.text for line in head if line.start < start]
    text = re.sub(r"^[\s#%/]+", "", above[-1]) if above and is_comment(above[-1]) else ""
    cells = draft.split(text) if text and not re.search(r"[:={]", text) else []
    if columns > 1 and len(cells) == columns and not any(map(is_number, cells)):
        return cells
    return None


def _headings(rows: Sequence[Sequence[str]], columns: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Headings and units out of some rows: headings with units in brackets, and units below them."""
    if not rows:
        return ("",) * columns, (UNKNOWN_UNIT,) * columns
    unit_rows = [row for row in rows[1:] if _is_unit_row(row)]
    name_rows = [row for row in rows if row not in unit_rows] or [rows[0]]
    best = max(reversed(name_rows), key=lambda row: len(set(filter(None, row))))
    split = [split_unit(cell) for cell in best]
    below = [tidy_unit(cell.strip("()[]")) for cell in unit_rows[-1]] if unit_rows else [UNKNOWN_UNIT] * columns
    if not unit_rows and len(name_rows) > 1 and name_rows[-1] is not best:
        below = [tidy_unit(cell) if tidy_unit(cell) in MV_PER_UNIT else UNKNOWN_UNIT for cell in name_rows[-1]]
    units = [unit or other for (_, unit), other in zip(split, below, strict=True)]
    return tuple(name for name, _ in split), tuple(units)


def _count_rows(rows: Sequence[Sequence[str]], at: int, kinds: Sequence[str]) -> int:
    """1 where the first row counts each column's samples, as AcqKnowledge writes: nothing, then the same whole number."""
    if at + 2 >= len(rows) or len(kinds) < 2 or rows[at][0] or not rows[at + 1][0]:
        return 0
    counts = {cell for cell, kind in zip(rows[at][1:], kinds[1:], strict=True) if kind == NUMBER}
    return int(len(counts) == 1 and next(iter(counts)).isdigit())


def _no_numbers(lines: Sequence[Line], rows: Sequence[Sequence[str]]) -> UserError:
    shown = next((at for at, row in enumerate(rows) if at > 1 or len(lines) < 3), 0)
    return UserError(
        f"Line {lines[shown].number} is {quote(lines[shown].text)}, expected numbers: lines about the recording, headings "
        "and units may stand above them. Give a table with one sample a line and one column for each signal."
    )
