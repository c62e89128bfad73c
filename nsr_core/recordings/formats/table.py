"""Columns of numbers to channels, wherever the table came from: text, a workbook, arrays."""

from collections.abc import Sequence

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_time import SAME_RATE, Table, read_timing
from nsr_core.recordings.formats.format import Given
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.recording import Channel


def read_table(given: Given, table: Table, said_hz: float | None, numbers: Sequence[int] | None = None) -> Contents:
    """The columns that are signals, at the rate that a time column tells, or the file otherwise says, or is given by hand.

    Args:
        given: for the rate by hand, the limits and the name.
        table: the columns.
        said_hz: what the file says beside the table; None where it says nothing.
        numbers: of the columns in the file, for those without a heading.

    Raises:
        UserError: there is no signal, or time columns tell no rate and nothing else does.
    """
    known = said_hz or given.fs_hz
    timing = read_timing(table, given.limits, rate_is_known=known is not None)
    notes = list(timing.notes)
    fs_hz = timing.fs_hz or known
    if said_hz and timing.fs_hz and abs(said_hz / timing.fs_hz - 1) > SAME_RATE:
        fs_hz = timing.fs_hz if timing.is_sure else said_hz
        notes.append(
            f"The file says {said_hz:.6g} Hz, and its time column {timing.fs_hz:.6g} Hz. {fs_hz:.6g} Hz is taken; check it."
        )
    signals = [column for column in range(len(table.values)) if column not in timing.columns]
    if not signals:
        raise UserError(f"{quote(given.name)} has a time column and no signal. Give a table with the ECG beside it.")
    place = timing.place
    if place is not None:
        given.limits.check_samples(len(signals) * int(place[-1] + 1))
    numbers = numbers or range(1, len(table.values) + 1)
    channels = [
        Channel(
            table.headings[column] or f"column {numbers[column]}",
            table.units[column],
            fs_hz,
            table.values[column] if place is None else _spread(table.values[column], place),
        )
        for column in signals
    ]
    return Contents(channels, None, notes)


def _spread(signal: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The samples where they belong, NaN between them."""
    spread = np.full(int(place[-1]) + 1, np.nan, signal.dtype)
    spread[place] = signal
    return spread
