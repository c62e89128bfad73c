"""The sampling rate out of a CSV file's time column."""

from dataclasses import dataclass

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.csv_layout import Layout
from nsr_core.recordings.limits import Limits

#: Names of a column that holds the time, without the unit, and of one that only counts the samples.
TIME_NAMES = frozenset(
    {"time", "t", "elapsed", "elapsed time", "elapsed_time", "timestamp", "time stamp", "datetime", "date", "clock"}
    | {"seconds", "second", "secs", "sec", "s", "time_s", "t_s"}
    | {"milliseconds", "millisecond", "msec", "ms", "time_ms", "t_ms", "microseconds", "us"}
)
COUNTER_NAMES = frozenset(
    {"sample", "samples", "sample #", "sample number", "sample_number", "sample no", "index", "idx"}
    | {"n", "#", "nr", "no", "row", "frame"}
)
#: How many units of a time column make a second.
_PER_SECOND = {
    1.0: ("s", "sec", "secs", "second", "seconds", "time_s", "t_s"),
    1e3: ("ms", "msec", "millisecond", "milliseconds", "time_ms", "t_ms"),
    1e6: ("us", "microsecond", "microseconds"),
}
_UNIT_NAMES = {1.0: "seconds", 1e3: "milliseconds", 1e6: "microseconds"}
#: A first column without a telling name counts as time only if at least so many values increase evenly.
LEAST_GUESSED = 10
#: In sample intervals: how far a stamp may lie from where it should, and how long a step may be. Stamps in whole
#: milliseconds are up to half one off; a lost sample makes a step of two.
LARGEST_DEVIATION = 1.0
LARGEST_STEP = 1.75
#: A deviation that a person is told of.
NOTED_DEVIATION = 0.25
#: Of the whole time: what a rate that was written with few digits may be off.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Timing:
    """What a time column says.

    Attributes:
        columns: that are no signals: the time, and what counts the samples.
        fs_hz: the rate; None where it only counts, or there is none.
        notes: what a person should know.
    """

    columns: tuple[int, ...] = ()
    fs_hz: float | None = None
    notes: tuple[str, ...] = ()


def read_timing(layout: Layout, values: list[np.ndarray], fs_hz: float | None, limits: Limits) -> Timing:
    """The time column and the rate that follows from it.

    Args:
        layout: of the file.
        values: (lines,) float64 of each column.
        fs_hz: given by the person; then a time column that tells no rate is passed over.
        limits: for what a rate can be.

    Raises:
        UserError: the column is uneven, runs backwards or has gaps, and no rate was given.
    """
    time, counters = _named_columns(layout)
    if time is None:
        return Timing(counters) if counters else _guess(layout, values, limits)
    columns = (time, *counters)
    try:
        rate, notes = _from_time(values[time], _per_second(layout, time), limits)
    except UserError as error:
        if fs_hz is None:
            raise
        return Timing(columns, None, (f"The time column is passed over: {str(error).split('. ')[0]}.",))
    return Timing(columns, rate, tuple(notes))


def _name(layout: Layout, column: int) -> str:
    return layout.headings[column].lower().strip()


def _named_columns(layout: Layout) -> tuple[int | None, tuple[int, ...]]:
    """A column of stamps, else the first with a name of time; and those with a name of a counter."""
    names = [_name(layout, column) for column in range(layout.columns)]
    time = layout.stamps
    if layout.columns < 2:
        return time, ()
    if time is None:
        time = next((column for column, name in enumerate(names) if name in TIME_NAMES), None)
    return time, tuple(column for column, name in enumerate(names) if name in COUNTER_NAMES)


def _per_second(layout: Layout, column: int) -> float | None:
    if column == layout.stamps:
        return 1.0
    said = (layout.units[column].lower(), _name(layout, column))
    return next((per_second for text in said for per_second, names in _PER_SECOND.items() if text in names), None)


def _guess(layout: Layout, values: list[np.ndarray], limits: Limits) -> Timing:
    """The first of several columns is a time or a counter if it increases evenly, which no ECG does."""
    first = values[0]
    if layout.columns < 2 or len(first) < LEAST_GUESSED or _unevenness(first) is not None:
        return Timing()
    if _counts(first):
        return Timing((0,), None, ("The first column counts the samples and is not read as a signal.",))
    try:
        rate, notes = _from_time(first, None, limits)
    except UserError:
        return Timing((0,), None, ("The first column increases evenly and is not read as a signal.",))
    return Timing((0,), rate, ("The first column increases evenly and is read as time.", *notes))


def _from_time(time: np.ndarray, per_second: float | None, limits: Limits) -> tuple[float | None, list[str]]:
    """The rate that a time column tells, and notes; ``per_second`` of its units, None where they are not known."""
    if len(time) < 2:
        return None, []
    time = _past_midnight(time) if per_second else time
    fault = _unevenness(time)
    if fault:
        raise UserError(
            f"The time column {fault}. Give the samples at an even rate, or give the sampling rate by hand; "
            "then the time column is passed over."
        )
    if per_second is None and _counts(time):
        return None, ["The time column counts 0, 1, 2, ...: it does not tell the sampling rate."]
    notes = []
    if per_second is None:
        per_second = _plausible_unit(time, limits)
        if per_second != 1.0:
            notes.append(f"The time column names no unit and is read as {_UNIT_NAMES[per_second]}.")
    time = time / per_second
    deviation_s = _deviation(time)
    fs_hz = _rounded((len(time) - 1) / (time[-1] - time[0]), time, deviation_s)
    limits.check_rate(fs_hz)
    if deviation_s * fs_hz > NOTED_DEVIATION:
        notes.append(f"The time stamps are up to {1000 * deviation_s:.3g} ms off an even {fs_hz:.6g} Hz.")
    return fs_hz, notes


def _past_midnight(time: np.ndarray) -> np.ndarray:
    """Times of day that go on after midnight."""
    day = 86400.0
    falls = np.concatenate([[0], np.cumsum(np.diff(time) < -day / 2)])
    return time + day * falls if falls[-1] and time.max() <= day else time


def _period(time: np.ndarray) -> float:
    return float(time[-1] - time[0]) / (len(time) - 1)


def _deviation(time: np.ndarray) -> float:
    """The largest distance of a stamp from where it would be at an even rate, in the column's unit."""
    even = time[0] + _period(time) * np.arange(len(time))
    return float(np.abs(time - even).max())


def _unevenness(time: np.ndarray) -> str | None:
    """Why the column tells no rate, as the rest of a sentence; None where it does."""
    faulty = np.flatnonzero(~np.isfinite(time))
    if len(faulty):
        return f"has no value in row {faulty[0] + 1:,} of the data"
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(time)
        falls = np.flatnonzero(~(steps >= 0))
        if len(falls):
            return f"runs backwards after row {falls[0] + 1:,} of the data"
        period = _period(time)
        if not (np.isfinite(period) and period > 0):
            return "does not increase"
        longest = int(steps.argmax())
        if steps[longest] > LARGEST_STEP * period or _deviation(time) > LARGEST_DEVIATION * period:
            return (
                f"is uneven: its step after row {longest + 1:,} of the data is {steps[longest]:.4g}, "
                f"{period:.4g} on average"
            )
    return None


def _counts(time: np.ndarray) -> bool:
    return bool((np.diff(time) == 1).all())


def _plausible_unit(time: np.ndarray, limits: Limits) -> float:
    """The first of seconds, milliseconds and microseconds that gives a rate that an ECG can have."""
    for per_second in _PER_SECOND:
        if limits.allow_rate(per_second / _period(time)):
            return per_second
    raise UserError(
        f"The time column steps by {_period(time):.4g}, which is no rate of an ECG in seconds, milliseconds or "
        "microseconds. Name its unit in the heading, as in time (ms), or give the sampling rate by hand."
    )


def _rounded(fs_hz: float, time_s: np.ndarray, deviation_s: float) -> float:
    """The whole number of Hz if the stamps, as finely as they are written, agree with it."""
    whole = round(fs_hz)
    span_s = float(time_s[-1] - time_s[0])
    if whole and abs((len(time_s) - 1) / whole - span_s) <= 2 * deviation_s + _ROUNDING * span_s:
        return float(whole)
    return fs_hz
