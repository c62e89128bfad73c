"""Names, units and quotations out of files that may hold anything."""

import re
from collections.abc import Sequence

from nsr_core.recordings.recording import UNKNOWN_UNIT

QUOTED_LENGTH = 40
NAME_LENGTH = 60
UNIT_LENGTH = 16
#: The last part in brackets: ``MLII (mV)``, ``ECG [uV]``.
_IN_BRACKETS = re.compile(r"^(?P<name>[^()\[\]]*)[(\[](?P<unit>[^()\[\]]*)[)\]]$")
#: A unit behind a name: ``ecg_uv``, ``ECG mV``. A V alone there may be a lead's.
_BEHIND = re.compile(
    r"^(?P<name>.*[^\s_.-])[\s_.-]+(?P<unit>[mu\u00b5\u03bc]v|m(illi|icro)volts?|\u043c\u043a?\u0432)$", re.IGNORECASE
)
#: Spellings of a microvolt's first letter: micro sign, Greek mu.
MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})
_VOLTS = {
    "mv": "mV", "millivolt": "mV", "millivolts": "mV",
    "uv": "uV", "microvolt": "uV", "microvolts": "uV",
    "nv": "nV", "nanovolt": "nV", "nanovolts": "nV",
    "v": "V", "volt": "V", "volts": "V",
    "\u043c\u0432": "mV", "\u043c\u043a\u0432": "uV", "\u6beb\u4f0f": "mV", "\u5fae\u4f0f": "uV",
}  # fmt: skip


def clean(text: str, length: int) -> str:
    """One line of printable characters, no longer than ``length``."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text[: 4 * length]).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def quote(text: str) -> str:
    """What stands in a file, fit for an error message."""
    return f'"{clean(text, QUOTED_LENGTH)}"'


def counted(count: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def tidy_unit(text: str) -> str:
    """A unit as ``Channel`` has it: ``µV`` is ``uV``, ``MV`` is ``mV``, what is not known stays as it is."""
    unit = clean(text.translate(MICRO), UNIT_LENGTH)
    return _VOLTS.get(unit.lower(), unit)


def split_unit(heading: str) -> tuple[str, str]:
    """A heading such as ``MLII (mV)`` or ``ecg_uv`` as name and unit, the unit ``UNKNOWN_UNIT`` where none stands there."""
    match = _IN_BRACKETS.match(heading.strip()) or _BEHIND.match(heading.strip())
    if match is None:
        return heading.strip(), UNKNOWN_UNIT
    return match["name"].strip(), tidy_unit(match["unit"])


def channel_names(headings: Sequence[str]) -> list[str]:
    """Names that are printable, not empty and all different."""
    names: list[str] = []
    for number, heading in enumerate(headings, start=1):
        name = clean(heading, NAME_LENGTH) or f"channel {number}"
        again = 2
        unique = name
        while unique in names:
            unique = f"{name} ({again})"
            again += 1
        names.append(unique)
    return names
