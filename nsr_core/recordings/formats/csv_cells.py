"""A single cell of a table of text: a number, nothing, a time stamp, or text; and how the numbers are written."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

QUOTES = "\"'"
#: How files write that a sample is missing, in any case of letters; ``-`` is rdsamp's way, and what begins with ``#`` is
#: how spreadsheets write an error, in English, German, French, Spanish, Italian and Portuguese.
MISSING = (
    "", "nan", "-nan", "na", "n/a", "null", "none", "nil", "-", "--", "---", "?", "*", ".", "missing",
    "#n/a", "#na", "#n/a n/a", "#nv", "#n/d", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#wert!",
    "#bezug!", "#zahl!", "#valeur!", "#nombre!", "#valore!", "#valor!", "-1.#ind", "1.#qnan", "-1.#qnan", "1.#ind",
)  # fmt: skip
#: A line that begins so is a row whose first sample is missing, and no comment.
ERROR_START = re.compile(r"\s*[\"']?#(n/a|na\b|nv\b|n/d|div/0!|[a-z]+[!?])", re.IGNORECASE)
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|[+-]?inf(inity)?$", re.IGNORECASE | re.ASCII)
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})
#: Blanks that group digits: thin, narrow, no-break.
_GROUP_BLANKS = "\u00a0\u202f\u2009 "
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?$", re.IGNORECASE | re.ASCII)
_GROUPED = {
    mark: re.compile(rf"[+-]?\d{{1,3}}({re.escape(mark)}\d{{3}})+(?P<rest>[.,]\d+)?$", re.ASCII)
    for mark in (",", ".", "'", "\u2019", *_GROUP_BLANKS)
}
_CLOCK = re.compile(
    r"(?P<hours>\d{1,4}):(?P<minutes>\d{1,2})(:(?P<seconds>\d{1,2}))?([.,:](?P<part>\d{1,9}))?\s*(?P<half>[ap]\.?\s?m\.?)?",
    re.IGNORECASE | re.ASCII,
)
_ZONE = r"(\s*(Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_DATE = (
    r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{8}|\d{1,2}[ -][A-Za-z]{3,9}\.?[ ,-]+\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})"
)
_STAMP = re.compile(rf"\[?((?P<date>{_DATE})[T ,]+)?(?P<clock>{_CLOCK.pattern}){_ZONE}\]?$", re.IGNORECASE | re.ASCII)
_DATE_ALONE = re.compile(rf"{_DATE}$", re.ASCII)


@dataclass(frozen=True)
class Style:
    """How numbers are written: the decimal mark, and what groups the digits, ``""`` for nothing."""

    decimal: str = "."
    thousands: str = ""

    def plain(self, cell: str) -> str:
        """The cell as Python would write the number."""
        cell = cell.translate(_MINUS)
        if self.thousands:
            cell = cell.replace(self.thousands, "")
        return cell.replace(self.decimal, ".") if self.decimal != "." else cell


def bare(cell: str) -> str:
    """The cell without the space and the quotation marks around it."""
    return cell.strip().strip(QUOTES).strip()


def is_missing(cell: str) -> bool:
    """Whether a bare cell says that there is no sample."""
    return cell.lower() in MISSING


def number(cell: str) -> float | None:
    """A bare cell's number, NaN where it is missing; None where it is text."""
    if _PLAIN.match(cell):
        return float(cell)
    return math.nan if is_missing(cell) else None


def is_number(cell: str) -> bool:
    """Whether a bare cell is a number in any style."""
    cell = cell.translate(_MINUS)
    return bool(_PLAIN.match(cell) or _COMMA_NUMBER.match(cell) or any(each.match(cell) for each in _GROUPED.values()))


def style_of(cells: Iterable[str]) -> Style:
    """How these bare cells write their numbers, in which a comma may be a decimal mark or group digits.

    ``1,234`` alone can be either. It is thousands where every comma stands before three digits, smaller numbers have
    none, and no number begins ``0,``; else it is a decimal mark.
    """
    numbers = [cell.translate(_MINUS) for cell in cells if is_number(cell)]
    marked = [cell for cell in numbers if not _PLAIN.match(cell)]
    for mark, grouped in _GROUPED.items():
        found = [match for match in map(grouped.match, marked) if match]
        if not found:
            continue
        rests = {match["rest"][0] for match in found if match["rest"]} - {mark}
        if rests == {"."} and mark != ".":
            return Style(".", mark)
        if rests == {","} and mark != ",":
            return Style(",", mark)
        if mark == "," and _commas_group(numbers, marked):
            return Style(".", ",")
        if mark not in (",", ".") and not rests:
            return Style(".", mark)
        if mark == "." and any(cell.count(".") > 1 for cell in marked):
            return Style(",", ".")
    return Style(",") if any(map(_COMMA_NUMBER.match, marked)) else Style()


def _commas_group(numbers: list[str], marked: list[str]) -> bool:
    if any("." in cell for cell in numbers):
        return all(_GROUPED[","].match(cell) for cell in marked)
    small = [cell for cell in numbers if "," not in cell]
    return (
        bool(small)
        and all(_GROUPED[","].match(cell) and not cell.lstrip("+-").startswith("0") for cell in marked)
        and all(abs(float(cell)) < 1000 for cell in small if _PLAIN.match(cell))
    )


def is_stamp(cell: str) -> bool:
    """Whether a bare cell is a time of day, an elapsed time with colons, or a date with a time."""
    return bool(_STAMP.match(cell))


def is_date(cell: str) -> bool:
    """Whether a bare cell is a date without a time."""
    return bool(_DATE_ALONE.match(cell)) and not cell.isdigit()


def split_stamp(cell: str) -> tuple[str, float]:
    """The date of a stamp, ``""`` where it has none, and its seconds; ValueError where it is no stamp."""
    match = _STAMP.match(cell)
    if match is None:
        raise ValueError(cell)
    hours, minutes, seconds = int(match["hours"]), int(match["minutes"]), match["seconds"]
    part = float(f"0.{match['part']}") if match["part"] else 0.0
    if seconds is None:  # minutes and seconds
        return match["date"] or "", 60 * hours + minutes + part
    if match["half"]:
        hours = hours % 12 + (12 if match["half"][0].lower() == "p" else 0)
    return match["date"] or "", 3600 * hours + 60 * minutes + int(seconds) + part
