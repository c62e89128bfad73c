"""A CSV file from memory: columns of samples, perhaps with a time column that tells the rate."""

import numpy as np

from nsr_core.errors import UserError
from nsr_core.progress import Progress
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_layout import Layout, read_layout
from nsr_core.recordings.formats.csv_text import blocks, is_text, plain_text
from nsr_core.recordings.formats.csv_time import read_timing
from nsr_core.recordings.formats.csv_values import read_block
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.text import clean, quote
from nsr_core.recordings.limits import Deadline
from nsr_core.recordings.recording import Channel


def read_csv(given: Given) -> Contents:
    """The columns as channels; their rate from a time column, else the one given by hand, else None.

    Raises:
        UserError: it is no table of numbers, a limit is passed, or the time column tells no rate and none was given.
    """
    name, fs_hz, limits, deadline = given.name, given.fs_hz, given.limits, given.deadline
    text = plain_text(name, given.content)
    layout = read_layout(text)
    limits.check_channels(layout.columns - 1)
    limits.check_samples(layout.columns * text.count(b"\n"))
    values = _read_columns(name, text, layout, deadline, given.progress)
    deadline.check()
    timing = read_timing(layout, values, fs_hz, limits)
    notes = list(timing.notes)
    if timing.fs_hz and fs_hz and abs(timing.fs_hz / fs_hz - 1) > 1e-3:
        notes.append(f"The rate is the time column's {timing.fs_hz:.6g} Hz, not the given {fs_hz:.6g} Hz.")
    channels = [
        Channel(heading or f"column {column + 1}", unit, timing.fs_hz or fs_hz, signal)
        for column, (heading, unit, signal) in enumerate(zip(layout.headings, layout.units, values, strict=True))
        if column not in timing.columns
    ]
    if not channels:
        raise UserError(f"{quote(name)} has a time column and no signal. Give a table with the ECG beside it.")
    return Contents(channels, None, notes)


def _read_columns(name: str, text: bytes, layout: Layout, deadline: Deadline, progress: Progress) -> list[np.ndarray]:
    """(lines,) float64 of each column."""
    most_lines = text.count(b"\n", layout.start) + 1
    values = [np.empty(most_lines) for _ in range(layout.columns)]
    done, end = layout.start, 0
    for line, block in blocks(text, layout.start, layout.first_line):
        deadline.check()
        progress(done, len(text), f"reading {clean(name, 40)}")
        part = read_block(block, line, layout)
        for column, signal in zip(values, part, strict=True):
            column[end : end + part.shape[1]] = signal
        done, end = done + len(block), end + part.shape[1]
    progress(len(text), len(text), "all lines read")
    return [column[:end] for column in values]


CSV = Format(
    key="csv",
    title="CSV or text",
    endings=(".csv", ".tsv", ".txt", ".tab", ".asc"),
    recognise=lambda name, content: is_text(content),
    read=read_csv,
    reads="columns of samples, with or without a row of headings",
)
