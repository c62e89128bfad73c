"""A table of text from memory: columns of samples, perhaps with time columns and with lines above that tell the rate."""

import re
from collections.abc import Sequence

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_layout import DATE, EMPTY, NUMBER, STAMP, Layout, read_layout
from nsr_core.recordings.formats.csv_metadata import Metadata, rate_in, read_metadata
from nsr_core.recordings.formats.csv_text import blocks, count_lines, is_text, plain_text
from nsr_core.recordings.formats.csv_time import Table
from nsr_core.recordings.formats.csv_values import SECONDS_A_DAY, Days, Faults, check_faults, read_block
from nsr_core.recordings.formats.csv_wide import is_wide, read_wide
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.safe_xml import is_xml
from nsr_core.recordings.formats.shape import is_counter, is_ramp
from nsr_core.recordings.formats.table import read_table
from nsr_core.recordings.formats.text import clean, quote

#: A longer table keeps its samples in single precision, which is finer than any recorder's steps; times never.
LONG_LINES = 3_000_000
#: Of a table beside other files; a note is shorter, or has no numbers.
LEAST_LINES = 20


def read_csv(given: Given) -> Contents:
    """The columns as channels; their rate from the lines above or a time column, else the one given by hand, else None.

    Raises:
        UserError: it is no table of numbers, a limit is passed, or the time column tells no rate and nothing else does.
    """
    return read_text(given, plain_text(given.name, given.content))


def read_text(given: Given, text: bytes) -> Contents:
    """The same of a text that ``plain_text`` returned, or that another reader made out of cells."""
    if is_wide(text):
        return read_wide(given, text)
    layout = read_layout(text)
    given.limits.check_channels(sum(kind in (NUMBER, EMPTY) for kind in layout.kinds) - 1)
    given.limits.check_samples(layout.columns * count_lines(text, layout.start))
    said = read_metadata(layout.above, given.limits)
    values, notes, bad = _read_columns(given, text, layout)
    given.deadline.check()
    values = _join_dates(layout, values)
    names, units = _named(layout, said)
    said.fs_hz = said.fs_hz or next(filter(None, (rate_in(name, given.limits) for name in layout.headings)), None)
    left_out = [column for column, kind in enumerate(layout.kinds) if kind not in (NUMBER, STAMP, EMPTY)]
    left_out += [column for column in range(layout.columns) if column in bad or (layout.kinds[column] == EMPTY and not names[column] and np.isnan(values[column]).all())]  # fmt: skip
    kept = [column for column in range(layout.columns) if column not in left_out]
    texts = [column for column in left_out if layout.kinds[column] not in (DATE, EMPTY)]
    if texts:
        shown = ", ".join(quote(names[column] or f"column {column + 1}") for column in texts[:3])
        notes.append(f"Left out: {shown}, which {'holds' if len(texts) == 1 else 'hold'} text.")
    table = Table(
        [names[column] for column in kept],
        [units[column] for column in kept],
        [values[column] for column in kept],
        frozenset(at for at, column in enumerate(kept) if layout.kinds[column] == STAMP),
    )
    contents = read_table(given, table, said.fs_hz, numbers=[column + 1 for column in kept])
    return Contents(contents.channels, None, [*said.notes, *notes, *contents.notes])


def _named(layout: Layout, said: Metadata) -> tuple[list[str], list[str]]:
    """Names and units of all columns: the headings', else those that the lines above list, else of the one signal."""
    names, units = list(layout.headings), list(layout.units)
    held = [column for column, kind in enumerate(layout.kinds) if kind != EMPTY]
    numbers = [column for column in held if layout.kinds[column] == NUMBER]
    if said.names and all(_is_generic(name) for name in names):
        names = _listed(names, said.names, held, numbers)
    if said.units:
        listed = _listed(units, said.units, held, numbers)
        units = [unit or other for unit, other in zip(units, listed, strict=True)]
    names = [said.by_column.get(name, name) for name in names]
    if said.unit and len(numbers) <= 2 and not units[numbers[-1]]:
        units[numbers[-1]] = said.unit
    if said.lead and len(numbers) == 1 and not names[numbers[0]]:
        names[numbers[0]] = said.lead
    return names, units


def _is_generic(name: str) -> bool:
    """Whether a heading only numbers the columns, as in AcqKnowledge's text: ``sec``, ``CH1``, ``CH2``."""
    return name == "" or bool(re.fullmatch(r"(ch(annel)? ?\d+|sec|msec|min)", name, re.IGNORECASE))


def _listed(own: list[str], listed: Sequence[str], held: list[int], numbers: list[int]) -> list[str]:
    """The names that were listed above, for the columns that they are of: all, or the last, behind times and counters."""
    columns = held if len(listed) == len(held) else numbers[-len(listed) :] if len(listed) <= len(numbers) else held
    given = dict(zip(columns, listed, strict=False))
    return [given.get(column, name) for column, name in enumerate(own)]


def _join_dates(layout: Layout, values: list[np.ndarray]) -> list[np.ndarray]:
    """Stamps of the day and dates in a column of their own, together."""
    dates = [column for column, kind in enumerate(layout.kinds) if kind == DATE]
    for column, kind in enumerate(layout.kinds):
        if kind == STAMP and dates and np.isfinite(values[dates[0]]).all():
            values[column] = values[column] + SECONDS_A_DAY * values[dates[0]]
            break
    return values


def _read_columns(given: Given, text: bytes, layout: Layout) -> tuple[list[np.ndarray], list[str], set[int]]:
    """(lines,) of each column, notes about what was taken as missing, and the columns that are no numbers after all."""
    most_lines = count_lines(text, layout.start) + 1
    values = [np.empty(0)] * layout.columns
    faults, days = Faults(), Days()
    done, end = layout.start, 0
    for line, block in blocks(text, layout.start, layout.first_line):
        given.deadline.check()
        given.progress(done, len(text), f"reading {clean(given.name, 40)}")
        part = read_block(block, line, layout, faults, days)
        if end == 0:
            values = [
                np.empty(most_lines, _precision(layout, place, column, most_lines)) for place, column in enumerate(part)
            ]
        for column, signal in zip(values, part, strict=True):
            column[end : end + part.shape[1]] = signal
        done, end = done + len(block), end + part.shape[1]
    given.progress(len(text), len(text), "all lines read")
    notes, bad = check_faults(faults, layout, end)
    return [column[:end] for column in values], notes, bad


def _precision(layout: Layout, place: int, first: np.ndarray, lines: int) -> type[np.floating]:
    is_time = layout.kinds[place] in (STAMP, DATE) or is_ramp(first) or is_counter(first)
    return np.float64 if is_time or lines < LONG_LINES else np.float32


def _has_table(name: str, content: bytes) -> bool:
    """Whether there is a table of some length in a text."""
    try:
        text = plain_text(name, content)
        return is_wide(text) or (count_lines(text) >= LEAST_LINES and bool(read_layout(text).kinds))
    except UserError:
        return False


CSV = Format(
    key="csv",
    title="CSV or text",
    endings=(".csv", ".tsv", ".txt", ".tab", ".asc"),
    recognise=lambda name, content: is_text(content) and not is_xml(content),
    read=read_csv,
    is_streamed=True,
    reads="columns of samples, with or without headings, and what devices write above them",
    is_recording=lambda name, content: _has_table(name, content),
)
