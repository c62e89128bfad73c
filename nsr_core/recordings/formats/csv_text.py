"""Bytes of a text file as lines that the CSV reader can take: one encoding, one line end, no line without end."""

import codecs
import mmap
from collections.abc import Iterator

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.pages import give_back
from nsr_core.recordings.formats.text import quote

LINE_BYTES = 100_000
BLOCK_BYTES, COUNTED_BYTES = 1 << 20, 1 << 24
#: Bytes that no text has, whatever its encoding, but for UTF-16, which says so at its beginning.
_NEVER_IN_TEXT = bytes(set(range(32)) - set(b"\t\n\v\f\r"))
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_text(content: bytes) -> bool:
    """Whether the beginning could be text."""
    start = content[:4096]
    return start.startswith(_UTF16) or len(start.translate(None, _NEVER_IN_TEXT)) == len(start)


def plain_text(name: str, content: bytes) -> bytes:
    """The same text in an encoding that extends ASCII, without byte order mark, its lines ended by ``\\n``.

    A text that is mapped, for it is long, stays mapped; then ``blocks`` takes ``\\r`` away.

    Raises:
        UserError: it is no text.
    """
    if content[:2] in _UTF16:
        try:
            content = content[:].decode("utf-16").encode()
        except UnicodeError as error:
            raise _no_text(name) from error
    if isinstance(content, mmap.mmap):
        if not is_text(content) or content.find(b"\n") < 0:
            raise _no_text(name)
        return content
    content = content.removeprefix(codecs.BOM_UTF8)
    if not is_text(content) or b"\0" in content:
        raise _no_text(name)
    if b"\r" in content:
        content = content.translate(None, b"\r") if b"\n" in content else content.replace(b"\r", b"\n")
    return content


def count_lines(content: bytes, start: int = 0) -> int:
    """The line ends from a place on."""
    count = 0
    for at in range(start, len(content), COUNTED_BYTES):
        count += content[at : at + COUNTED_BYTES].count(b"\n")
        give_back(content)
    return count


def decode(raw: bytes) -> str:
    """A line in UTF-8, or else in Latin-1, which can be anything."""
    raw = raw.removeprefix(codecs.BOM_UTF8).rstrip(b"\r")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def blocks(content: bytes, start: int, first_line: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines from ``start`` on, about ``BLOCK_BYTES`` at a time, with the number of the first of them.

    Raises:
        UserError: a line is too long.
    """
    line = first_line
    while start < len(content):
        end = content.find(b"\n", start + BLOCK_BYTES)
        end = len(content) if end < 0 else end + 1
        block = content[start:end]
        line_ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
        lengths = np.diff(line_ends, prepend=-1, append=len(block))
        if lengths.max() > LINE_BYTES:
            raise line_too_long(line + int(lengths.argmax()))
        yield line, block.translate(None, b"\r") if b"\r" in block else block
        give_back(content)
        start, line = end, line + len(line_ends)


def line_too_long(number: int) -> UserError:
    """The error for a line that no table of signals has."""
    return UserError(
        f"Line {number:,} has more than {LINE_BYTES:,} characters. Give a table with one sample a line and one "
        "column for each signal."
    )


def _no_text(name: str) -> UserError:
    return UserError(f"{quote(name)} is not text, so not a CSV file. Give it with its own ending, or export it as CSV.")
