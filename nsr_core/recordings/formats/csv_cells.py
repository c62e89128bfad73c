"""A single cell of a CSV file: a number, nothing, a time stamp, or text."""

import math
import re

QUOTES = "\"'"
#: How files write that a sample is missing, in any case of letters; ``-`` is rdsamp's way.
MISSING = ("", "nan", "na", "n/a", "null", "none", "-", "--")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|[+-]?inf(inity)?$", re.IGNORECASE | re.ASCII)
_CLOCK = re.compile(r"\[?(\d{1,4}:)?\d{1,2}:\d{1,2}([.,]\d{1,9})?\]?$", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$", re.ASCII)


def bare(cell: str) -> str:
    """The cell without the space and the quotation marks around it."""
    return cell.strip().strip(QUOTES).strip()


def is_missing(cell: str) -> bool:
    """Whether a bare cell says that there is no sample."""
    return cell.lower() in MISSING


def number(cell: str) -> float | None:
    """A bare cell's number, NaN where it is missing; None where it is text."""
    if _NUMBER.match(cell):
        return float(cell)
    return math.nan if is_missing(cell) else None


def is_stamp(cell: str) -> bool:
    """Whether a bare cell is a time of day, an elapsed time with colons, or a date with a time."""
    return bool(_CLOCK.match(cell) or _ISO.match(cell))


def is_date(cell: str) -> bool:
    """Whether a bare cell is a date with a time in ISO 8601."""
    return bool(_ISO.match(cell))


def clock_seconds(cell: str) -> float:
    """Seconds of ``10:00:00.5`` or ``0:00.003``; ValueError where it is neither, but not for every oddity."""
    *hours, minutes, seconds = cell.strip("[]").split(":")
    return 3600 * int(hours[0] if hours else 0) + 60 * int(minutes) + float(seconds.replace(",", "."))
