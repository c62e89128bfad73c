"""A WFDB annotation file (MIT format) from memory.

Read here and not by ``wfdb.rdann``, which does not return from a damaged file that opens with an unknown ``##`` note.
Format: https://physionet.org/physiotools/wag/annot-5.htm
"""

import re
import sys
from array import array
from dataclasses import dataclass, field

import numpy as np
from wfdb.io.annotation import ann_labels

from nsr_core.errors import UserError
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.limits import Deadline, Limits
from nsr_core.recordings.recording import Marks

#: Codes that do not mark a moment but say more about it.
_SKIP, _NUM, _SUB, _CHAN, _AUX = 59, 60, 61, 62, 63
_NOT_ANNOTATION, _NOTE = 0, 22
SYMBOLS = {label.label_store: label.symbol for label in ann_labels}
#: In notes at sample 0: what one tick of the file is, and labels of its own.
_TICKS = re.compile(r"## time resolution: (\d{1,9}(?:\.\d{1,9})?)$")
_OWN_LABEL = re.compile(r"(\d{1,2}) (\S{1,8}) ")
#: With a note now and then; an annotation itself takes two.
BYTES_PER_MARK = 10
_BETWEEN_CHECKS = 1 << 14


@dataclass
class _Annotations:
    """All that a file says: one entry per annotation in each list, in the file's order."""

    ticks: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    ticks_hz: float | None = None
    symbols: dict[int, str] = field(default_factory=lambda: dict(SYMBOLS))
    is_ended: bool = False


def read_annotations(
    name: str, content: bytes, fs_hz: float, duration_s: float, limits: Limits, deadline: Deadline
) -> tuple[Marks, list[str]]:
    """The annotations, beats and others, in order of time, and notes about them.

    Args:
        name: of the file, for messages.
        content: of the file.
        fs_hz: frames a second of its record, where the file does not say itself what it counts.
        duration_s: of the record; what lies outside is left out, with a note.
        limits: how many annotations are read.
        deadline: of the reading.

    Raises:
        UserError: the file is damaged, or holds too many.
    """
    found = _parse(name, content, limits, deadline)
    time_s = np.array(found.ticks, np.float64) / (found.ticks_hz or fs_hz)
    inside = (time_s >= 0) & (time_s <= duration_s)
    order = np.flatnonzero(inside)[np.argsort(time_s[inside], kind="stable")]
    symbols = tuple(found.symbols.get(found.codes[each], str(found.codes[each])) for each in order)
    notes = []
    if not found.is_ended:
        notes.append(f"{quote(name)} has no end mark: annotations may be missing.")
    if len(order) < len(time_s):
        notes.append(f"{len(time_s) - len(order):,} annotations lie outside the signal and are left out.")
    return Marks(time_s[order], symbols), notes


def _parse(name: str, content: bytes, limits: Limits, deadline: Deadline) -> _Annotations:
    """Pairs of bytes: six bits of code and ten bits of time since the last annotation."""
    if len(content) % 2:
        raise _damaged(name)
    if len(content) > BYTES_PER_MARK * limits.marks:
        raise _too_many(name, limits)
    words = array("H", content)
    if sys.byteorder == "big":
        words.byteswap()
    found, tick, at, steps = _Annotations(), 0, 0, 0
    while at < len(words):
        steps += 1
        if steps % _BETWEEN_CHECKS == 0:
            deadline.check()
        code, low = words[at] >> 10, words[at] & 0x3FF
        at += 1
        if code == 0 and low == 0:
            found.is_ended = True
            break
        if code == _SKIP:
            if at + 2 > len(words):
                raise _damaged(name)
            tick += _signed((words[at] << 16) + words[at + 1])
            at += 2
        elif code == _AUX:
            size = (low + 1) // 2
            if at + size > len(words):
                raise _damaged(name)
            _take_note(found, content[2 * at : 2 * at + low])
            at += size
        elif code < _SKIP:
            tick += low
            if code != _NOT_ANNOTATION:
                found.ticks.append(tick)
                found.codes.append(code)
        if len(found.ticks) > limits.marks:
            raise _too_many(name, limits)
    return found


def _take_note(found: _Annotations, raw: bytes) -> None:
    """A note that explains the file is taken in, and its annotation out."""
    if not found.ticks or found.ticks[-1] != 0 or found.codes[-1] != _NOTE:
        return
    text = raw.rstrip(b"\0").decode("latin-1")
    ticks, own = _TICKS.match(text), _OWN_LABEL.match(text)
    if ticks and float(ticks[1]) > 0:
        found.ticks_hz = float(ticks[1])
    elif own:
        found.symbols[int(own[1])] = own[2]
    if text.startswith("## ") or own:
        del found.ticks[-1], found.codes[-1]


def _signed(value: int) -> int:
    """Of 32 bits in two's complement."""
    return value - (1 << 32) if value >= 1 << 31 else value


_REMEDY = "Leave the annotation file out to read the signals alone, or give the right one."


def _too_many(name: str, limits: Limits) -> UserError:
    return UserError(f"{quote(name)} holds more than {limits.marks:,} annotations. {_REMEDY}")


def _damaged(name: str) -> UserError:
    return UserError(f"{quote(name)} is not a whole annotation file: it ends in the middle of an entry. {_REMEDY}")
