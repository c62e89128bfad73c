"""Workbooks (.xlsx, .ods): the sheet with the longest table, read as the text that the same cells would make."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from nsr_core.errors import UserError
from nsr_core.recordings.formats.archive import check_sizes
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_file import read_text
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.safe_xml import parse_stream
from nsr_core.recordings.formats.text import quote

#: More cells than a sheet of an hour has are a mistake or an attack.
MOST_CELLS, MOST_COLUMNS, MOST_BLANK_ROWS = 8_000_000, 400, 10_000
#: Rows of a sheet that must hold something for it to be a table beside others.
_XLSX_PART, _ODS_KIND = b"xl/", b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_SEPARATOR = "\t"


def read_workbook(given: Given) -> Contents:
    """The sheet with most cells of numbers, by the rules for text; so lines above the table are heard there, too.

    Raises:
        UserError: it is damaged, too large, or has no table of samples.
    """
    check_sizes(given.name, given.content, given.limits)
    sheets: dict[str, bytes] = {}
    try:
        for title, rows in _sheets(given):
            text = _as_text(given, rows)
            if text:
                sheets[title] = text
    except UserError:
        raise
    except Exception as error:  # a zip, XML and a library of many layers meet damage with whatever they raise
        raise UserError(
            f"{quote(given.name)} cannot be read as a workbook. Open and save it again, or save the sheet as CSV."
        ) from error
    if not sheets:
        raise UserError(f"{quote(given.name)} has no sheet with values. Give the workbook with the ECG.")
    best = max(sheets, key=lambda title: len(sheets[title]))
    contents = read_text(given, sheets[best])
    if len(sheets) > 1:
        contents.notes.insert(0, f"Of {len(sheets)} sheets the longest is read, {quote(best)}.")
    return contents


def _sheets(given: Given) -> Iterator[tuple[str, Iterable[Iterable[Any]]]]:
    if not _is_xlsx(given.content):
        yield from _ods_sheets(given)
        return
    import openpyxl

    workbook = openpyxl.load_workbook(io.BytesIO(given.content), read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # what it says about its size need not be true
            yield sheet.title, sheet.iter_rows(values_only=True)
    finally:
        workbook.close()


def _as_text(given: Given, rows: Iterable[Iterable[Any]]) -> bytes:
    """The rows as lines of cells with tabs between them, all that are half as long as the longest with as many."""
    lines: list[str] = []
    cells = blank = 0
    for row in rows:
        values = [_cell(value) for value in row]
        while values and not values[-1]:
            values.pop()
        cells += len(values)
        blank = 0 if values else blank + 1
        if len(values) > MOST_COLUMNS or cells > MOST_CELLS:
            raise UserError(
                f"{quote(given.name)} has a sheet of more than {MOST_COLUMNS} columns or {MOST_CELLS:,} cells. Give a sheet with one "
                "sample a row and one column for each signal, or save it as CSV."
            )
        if blank > MOST_BLANK_ROWS:
            break
        lines.append(_SEPARATOR.join(values))
        if len(lines) % 2048 == 0:
            given.deadline.check()
            given.progress(len(lines), 1 << 20, "reading the sheet")
    width = max((line.count(_SEPARATOR) for line in lines), default=0)
    padded = [
        line + _SEPARATOR * (width - line.count(_SEPARATOR)) if line and 2 * line.count(_SEPARATOR) >= width else line
        for line in lines
    ]
    return "\n".join(padded).strip("\n").encode(errors="replace")


def _cell(value: Any) -> str:
    """A cell as text: dates and times as ISO 8601 writes them, and no mark that would begin another cell or line."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(int(value))
    if isinstance(value, float | int):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, time | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{seconds % 60:09.6f}"
    return " ".join(str(value).split())


def _ods_sheets(given: Given) -> Iterator[tuple[str, Iterable[Iterable[Any]]]]:
    """Read as a stream, for the libraries that know the format make an object of every cell first."""
    with zipfile.ZipFile(io.BytesIO(given.content)) as archive, archive.open("content.xml") as stream:
        title = ""
        rows: list[list[Any]] = []
        cells: list[Any] = []
        held = 0
        for event, element in parse_stream(stream):
            if event == "start":
                if element.tag == f"{_TABLE}table":
                    title, rows = element.get(f"{_TABLE}name", ""), []
                elif element.tag == f"{_TABLE}table-row":
                    cells = []
            elif element.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                value = _ods_value(element)
                repeated = int(element.get(f"{_TABLE}number-columns-repeated", "1")[:9])
                cells += [value] * min(repeated, MOST_COLUMNS + 1 if value not in (None, "") else 64)
            elif element.tag == f"{_TABLE}table-row":
                repeated = int(element.get(f"{_TABLE}number-rows-repeated", "1")[:9])
                while cells and cells[-1] in (None, ""):
                    cells.pop()
                held += len(cells) * repeated
                if held > MOST_CELLS:
                    raise UserError(f"{quote(given.name)} has more than {MOST_CELLS:,} cells. Save the sheet as CSV.")
                rows += [cells] * (repeated if cells else min(repeated, 1))
                element.clear()
                given.deadline.check()
            elif element.tag == f"{_TABLE}table":
                yield title, rows
                element.clear()


def _ods_value(cell: Any) -> Any:
    kind = cell.get(f"{_OFFICE}value-type")
    if kind in ("float", "currency", "percentage"):
        return cell.get(f"{_OFFICE}value", "")[:40]
    if kind == "date":
        return cell.get(f"{_OFFICE}date-value", "")[:40].replace("T", " ")
    if kind == "time":
        return _iso_duration(cell.get(f"{_OFFICE}time-value", "")[:40])
    return " ".join("".join(part.itertext())[:2000] for part in cell.iter(f"{_TEXT}p"))


def _iso_duration(text: str) -> str:
    """``PT08H00M00.765S`` as ``08:00:00.765``."""
    hours, _, rest = text.removeprefix("PT").partition("H")
    minutes, _, seconds = rest.partition("M")
    return f"{hours}:{minutes}:{seconds.rstrip('S').replace(',', '.')}"


def _is_xlsx(content: bytes) -> bool:
    return content[:4] == b"PK\x03\x04" and _names(content, b"xl/workbook.xml")


def _is_ods(content: bytes) -> bool:
    return content[:4] == b"PK\x03\x04" and content[30 : 30 + len(_ODS_KIND)] == _ODS_KIND


def _names(content: bytes, name: bytes) -> bool:
    """Whether a zip's directory, which stands at its end, names a file."""
    return content.rfind(name, max(0, len(content) - (1 << 18))) >= 0


WORKBOOK = Format(
    key="workbook",
    title="a workbook",
    endings=(".xlsx", ".ods", ".xlsm"),
    recognise=lambda name, content: _is_xlsx(content) or _is_ods(content),
    read=read_workbook,
    reads="the longest sheet, by the rules for text",
    needs="openpyxl",
)
