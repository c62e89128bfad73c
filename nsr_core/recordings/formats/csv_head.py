"""The first lines of a table of text, and how a line falls apart into cells."""

import csv
from dataclasses import dataclass

from nsr_core.errors import UserError
from nsr_core.recordings.formats.csv_cells import ERROR_START, bare
from nsr_core.recordings.formats.csv_text import LINE_BYTES, decode, line_too_long

#: How many lines are looked at; a device that has more to say above its table is not known.
HEAD_LINES = 1000
#: Blank lines and comments among them; after these, no table is expected any more.
MOST_LINES = 100_000
#: In the order of trust: a comma may also be a decimal mark, and a blank may stand anywhere.
SEPARATORS = ("\t", ";", "|", ",")
BLANKS = r"\s+"
#: Of a file with a single column.
NO_SEPARATOR = ""
COMMENTS = ("#", "%", "//")


@dataclass(frozen=True)
class Line:
    """One of the first lines that are not blank."""

    number: int
    start: int
    text: str

    @property
    def is_comment(self) -> bool:
        return is_comment(self.text)


def is_comment(line: str) -> bool:
    """Whether a line says something and holds no data; ``#N/A`` is data."""
    return line.lstrip().startswith(COMMENTS) and not ERROR_START.match(line)


def split_line(line: str, separator: str, quoted: bool = False) -> list[str]:
    """A line's bare cells."""
    if separator == BLANKS:
        return [bare(cell) for cell in line.split()]
    if not separator:
        return [bare(line)]
    if quoted or '"' in line:
        try:
            return [bare(cell) for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]
        except (csv.Error, StopIteration):
            pass
    return [bare(cell) for cell in line.split(separator)]


def read_head(content: bytes) -> list[Line]:
    """The first lines that are not blank."""
    head: list[Line] = []
    start, count, data = 0, 0, 0
    while start < len(content) and data < HEAD_LINES and len(head) < 2 * HEAD_LINES and count < MOST_LINES:
        count += 1
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        if end - start > LINE_BYTES:
            raise line_too_long(count)
        line = Line(count, start, decode(content[start:end]))
        if line.text.strip():
            head.append(line)
            data += not line.is_comment
        start = end + 1
    if not data:
        raise UserError(
            f"The first {count:,} lines are empty, expected a table of samples. Give the file with the ECG."
        )
    return head
