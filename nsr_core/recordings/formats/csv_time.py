"""The sampling rate out of a table's time columns, and which columns are times or counters and so no signals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nsr_core.errors import UserError
from nsr_core.recordings.formats.shape import ecg_by_name, excerpt, is_counter, is_ramp
from nsr_core.recordings.limits import Limits

#: Names of a column that holds the time, and of one that only counts the samples; words of a heading.
_TIME = re.compile(
    r"(?<![a-z])(time|timestamps?|t|elapsed|datetime|date|clock|seconds?|secs?|s|time_s|t_s|milliseconds?|msec|ms|time_ms|t_ms"
    r"|microseconds?|us|ns|nanoseconds?|min|minutes?|h|hours?|zeit|zeitstempel|temps|tiempo|tempo|tijd|czas"
    r"|\u0432\u0440\u0435\u043c\u044f)(?![a-z])|\u65f6\u95f4|\u6642\u9593|\u6642\u523b",
    re.IGNORECASE,
)
_COUNTER = re.compile(
    r"((sample|frame|packet|row)s?[ _]*(#|number|no|nr|index|count|id)?\.?|index|idx|n|#|nr|no\.?|row|n?seq|sequence|counter|unnamed: ?0)$",
    re.IGNORECASE,
)
#: How many units of a time column make a second.
_PER_SECOND = {
    1.0: ("s", "sec", "secs", "second", "seconds", "sek", "sekunden", "time_s", "t_s"),
    1e3: ("ms", "msec", "msecs", "mseconds", "millisecond", "milliseconds", "time_ms", "t_ms"),
    1e6: ("us", "usec", "microsecond", "microseconds", "time_us", "t_us"),
    1e9: ("ns", "nsec", "nanosecond", "nanoseconds", "time_ns", "t_ns"),
    1 / 60: ("min", "mins", "minute", "minutes", "minuten", "time_min"),
    1 / 3600: ("h", "hr", "hrs", "hour", "hours", "time_h"),
    1 / 86400: ("d", "day", "days"),
}
_UNIT_NAMES = {1.0: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds", 1 / 60: "minutes",
               1 / 3600: "hours", 1 / 86400: "days"}  # fmt: skip
#: Of columns that say nothing about their unit, these are tried, in this order.
_TRIED = (1.0, 1e3, 1e6, 1e9, 1 / 86400)
#: Faster, a guessed unit is not believed: few ECGs are, and minutes taken for seconds would be.
FASTEST_GUESSED_HZ = 4000.0
#: A column without a telling name counts as time only if its values increase evenly, and it has at least this number of them.
LEAST_GUESSED = 10
#: In sample intervals: how far a stamp may lie from where it should, and how long a step may be. Stamps in whole
#: milliseconds are up to half one off; a lost sample makes a step of two.
LARGEST_DEVIATION = 1.0
LARGEST_STEP = 1.75
#: A deviation that is noted.
NOTED_DEVIATION = 0.25
#: Of the whole time: what a rate that was written with few digits may be off.
_ROUNDING = 1e-6
#: Gaps are filled where all other steps lie so close to an interval, and what is missing is no more than this of the whole.
_GAP_TOLERANCE, _MOST_MISSING = 0.45, 0.5
#: A column of more lines is looked at in every 64th. The share of steps without a new stamp from which on stamps are those of
#: packets, and how many of the first lines are judged by.
_LONG, _THINNED, _SAME_STAMP, FIRST_LINES = 2_000_000, 64, 0.4, 100_000
#: Two rates that differ by less say the same.
SAME_RATE = 0.02


@dataclass(frozen=True)
class Table:
    """Columns of numbers: what ``read_timing`` looks at.

    Attributes:
        headings: of the columns, empty where there is none.
        units: of the columns.
        values: (lines,) floats of each column; seconds of those of ``stamps``.
        stamps: which columns were written as times of day or dates.
    """

    headings: Sequence[str]
    units: Sequence[str]
    values: Sequence[np.ndarray]
    stamps: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Timing:
    """What time columns say.

    Attributes:
        columns: that are no signals: times, and what counts the samples.
        fs_hz: the rate; None where they only count, or there is none.
        notes: what a person should know.
        place: (lines,) int64, which sample each line is, where some between them are missing; None where none is.
        is_sure: whether the column names its unit.
    """

    columns: tuple[int, ...] = ()
    fs_hz: float | None = None
    notes: tuple[str, ...] = ()
    place: np.ndarray | None = None
    is_sure: bool = True


def read_timing(table: Table, limits: Limits, *, rate_is_known: bool) -> Timing:
    """The time columns and the rate that follows from the first of them that tells one.

    Args:
        table: the columns.
        limits: for what a rate can be.
        rate_is_known: then time columns that tell no rate are passed over.

    Raises:
        UserError: the columns are uneven, run backwards or have long gaps, and the rate is not known.
    """
    if len(table.values) < 2 and not table.stamps:
        return Timing()
    times, counters = _candidates(table)
    if not times:
        return Timing(counters, None, _counter_notes(table, counters))
    failed: UserError | None = None
    tells_none: Timing | None = None
    for column in times:
        try:
            found = _from_time(table.values[column], _per_second(table, column), limits)
        except UserError as error:
            failed = failed or error
            continue
        named = column in table.stamps or _is_named(table, column)
        how = "is read as time" if found.fs_hz else "is not read as a signal"
        notes = found.notes if named else (f"{_title(table, column)} increases evenly and {how}.", *found.notes)
        timing = Timing((*times, *counters), found.fs_hz, notes, found.place, found.is_sure)
        if timing.fs_hz:
            return timing
        tells_none = tells_none or timing
    if tells_none:
        return tells_none
    if not any(column in table.stamps or _is_named(table, column) for column in times):
        what = tuple(f"{_title(table, column)} only rises and is not read as a signal." for column in times)
        return Timing((*times, *counters), None, what)
    assert failed is not None
    if not rate_is_known:
        raise failed
    return Timing((*times, *counters), None, (f"The time column is passed over: {str(failed).split('. ')[0]}.",))


def _candidates(table: Table) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The columns that may tell the rate, the likeliest first; and those that count."""
    columns = range(len(table.values))
    names = [table.headings[column].strip() for column in columns]
    counters = [column for column in columns if _COUNTER.match(names[column]) and _only_counts(table.values[column])]
    named = [
        column for column in columns if column not in counters and (column in table.stamps or _is_named(table, column))
    ]
    known = [column for column in named if column not in table.stamps and _per_second(table, column)]
    rising, counting = [], []
    for column in columns:
        if column in counters or column in named or len(table.values[column]) < LEAST_GUESSED:
            continue
        if is_ramp(excerpt(table.values[column])):
            rising.append(column)
        elif is_counter(excerpt(table.values[column])) and not ecg_by_name(names[column]):
            counting.append(column)
    beside = [column for column in rising if named and _counts(table.values[column][:FIRST_LINES])]
    rising = [column for column in rising if column not in beside]
    if len(counters) + len(named) + len(rising) + len(beside) + len(counting) < len(names):
        counters += counting  # else they are all the signals there are
    counters += beside
    rest = [column for column in named if column not in known]
    return (*known, *rest, *rising), tuple(sorted(counters))


def _only_counts(values: np.ndarray) -> bool:
    """Of a column whose name says so; of few values nothing else can be said."""
    part = excerpt(values)
    return len(values) < LEAST_GUESSED or is_ramp(part) or is_counter(part) or bool(np.isnan(part).any())


def _is_named(table: Table, column: int) -> bool:
    name, unit = table.headings[column].strip(), table.units[column].lower()
    of_time = any(unit in names for names in _PER_SECOND.values())
    return (
        bool(_TIME.search(name.replace("_", " ")) or name.lower() in _all_units() or (of_time and not name)) or of_time
    )


def _all_units() -> set[str]:
    return {name for names in _PER_SECOND.values() for name in names}


def _title(table: Table, column: int) -> str:
    return "The first column" if column == 0 else f"Column {column + 1}"


def _counter_notes(table: Table, counters: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(
        f"{_title(table, column)} counts the samples and is not read as a signal."
        for column in counters
        if not table.headings[column]
    )


def _per_second(table: Table, column: int) -> float | None:
    if column in table.stamps:
        return 1.0
    name = table.headings[column].lower().strip()
    said = (table.units[column].lower(), name, re.split(r"[ _]", name)[-1])
    return next((per_second for text in said for per_second, names in _PER_SECOND.items() if text in names), None)


def _from_time(time: np.ndarray, per_second: float | None, limits: Limits) -> Timing:
    """What a time column tells; ``per_second`` of its units, None where they are not known."""
    time = _filled(time)
    if len(time) < 2:
        return Timing()
    time = _past_midnight(time) if per_second else time
    packets = _packets(time)
    if packets is not None:
        return _from_packets(time, packets, per_second, limits)
    every = _thinning(time)
    is_even = every > 1 and _is_even(time[::every], every)
    fault = None if is_even else _unevenness(time)
    place = _with_gaps(time) if fault else None
    if fault and place is None:
        raise UserError(
            f"The time column {fault}. Give the samples at an even rate, or give the sampling rate by hand; "
            "then the time column is passed over."
        )
    if per_second is None and place is None and _counts(time[:FIRST_LINES]):
        return Timing((), None, ("The time column counts 0, 1, 2, ...: it does not tell the sampling rate.",))
    if is_even:
        even, time = np.arange(0, len(time), every, dtype=np.float64), time[::every]
    else:
        even = np.arange(len(time), dtype=np.float64) if place is None else place.astype(np.float64)
    period = (time[-1] - time[0]) / (even[-1] - even[0])
    notes = []
    is_sure = per_second is not None
    if per_second is None:
        per_second = _plausible_unit(period, limits)
        if per_second != 1.0:
            notes.append(f"The time column names no unit and is read as {_UNIT_NAMES[per_second]}.")
    time_s = time / per_second
    deviation_s = float(np.abs(time_s - time_s[0] - period / per_second * even).max())
    fs_hz = _rounded(per_second / period, float(even[-1]), float(time_s[-1] - time_s[0]), deviation_s)
    limits.check_rate(fs_hz)
    if deviation_s * fs_hz > NOTED_DEVIATION and place is None:
        notes.append(f"The time stamps are up to {1000 * deviation_s:.3g} ms off an even {fs_hz:.6g} Hz.")
    if place is not None:
        gaps, lost = int((np.diff(place) > 1).sum()), int(place[-1] + 1 - len(place))
        what = "1 gap" if gaps == 1 else f"{gaps:,} gaps"
        notes.append(f"The time column has {what}; {lost:,} samples ({lost / fs_hz:.3g} s) are taken as missing.")
    return Timing((), fs_hz, tuple(notes), place, is_sure)


def _thinning(time: np.ndarray) -> int:
    """Of a long column every so manieth line is looked at; of others every one."""
    return _THINNED if len(time) > _LONG else 1


def _is_even(thinned: np.ndarray, every: int) -> bool:
    """Whether no line that is looked at lies further off than a single interval, so that none can be lost in between."""
    return len(thinned) > LEAST_GUESSED and bool(np.isfinite(thinned).all()) and _period(thinned) > 0 and (
        _deviation(thinned) <= LARGEST_DEVIATION / every * _period(thinned)
    )  # fmt: skip


def _filled(time: NDArray[np.float64]) -> NDArray[np.float64]:
    """A few missing times of lines that could not be read, on the line between their neighbours."""
    if np.isfinite(time).all():
        return time
    there = np.flatnonzero(np.isfinite(time))
    if len(there) < 0.98 * len(time) or len(time) < 100:
        return time
    filled = np.interp(np.arange(len(time)), there, time[there])
    first, last, step = there[0], there[-1], (time[there[-1]] - time[there[0]]) / (there[-1] - there[0])
    filled[:first] = time[first] - step * np.arange(first, 0, -1)
    filled[last + 1 :] = time[last] + step * np.arange(1, len(time) - last)
    return filled


def _past_midnight(time: np.ndarray) -> np.ndarray:
    """Times of day that go on after midnight, or after noon where they have twelve hours."""
    if not (np.diff(time[:: _thinning(time)]) < 0).any():
        return time
    for day in (86400.0, 43200.0):
        falls = np.concatenate([[0], np.cumsum(np.diff(time) < -day + 3600)])
        if falls[-1] and time.max() <= day:
            return time + day * falls
    return time


def _packets(time: np.ndarray) -> np.ndarray | None:
    """Where each new stamp begins, if stamps come once for several samples, about as many each; else None."""
    if (np.diff(time[:FIRST_LINES]) == 0).mean() < _SAME_STAMP:
        return None
    steps = np.diff(time)
    if not np.isfinite(steps).all() or (steps < 0).any() or (steps > 0).sum() < 3 or (steps == 0).mean() < _SAME_STAMP:
        return None
    begins = np.flatnonzero(steps > 0) + 1
    sizes = np.diff(begins)
    return begins if sizes.max() <= 1.5 * np.median(sizes) + 1 and sizes.min() >= 0.5 * np.median(sizes) - 1 else None


def _from_packets(time: np.ndarray, begins: np.ndarray, per_second: float | None, limits: Limits) -> Timing:
    stamps = time[begins]
    period = float(stamps[-1] - stamps[0]) / float(begins[-1] - begins[0])
    size = float(np.median(np.diff(begins)))
    off = np.abs(stamps - stamps[0] - period * (begins - begins[0])).max()
    if off > 2 * size * period:
        raise UserError(
            "The time column is uneven: it has a stamp for several samples each, and they leap. Give the sampling rate by "
            "hand; then the time column is passed over."
        )
    is_sure = per_second is not None
    per_second = per_second or _plausible_unit(period, limits)
    span_s = float(stamps[-1] - stamps[0]) / per_second
    fs_hz = _rounded(per_second / period, float(begins[-1] - begins[0]), span_s, size * period / per_second / 2)
    limits.check_rate(fs_hz)
    return Timing(
        (), fs_hz, (f"A stamp stands for about {size:g} samples; the rate follows from all of them.",), None, is_sure
    )


def _with_gaps(time: np.ndarray) -> np.ndarray | None:
    """(lines,) which sample each line is, if all steps are whole numbers of one interval and most are one; else None."""
    steps = np.diff(time)
    if len(steps) < LEAST_GUESSED or not np.isfinite(steps).all() or not (steps > 0).all():
        return None
    interval = float(np.median(steps))
    interval = float(steps[steps < 1.5 * interval].mean())
    counts = np.round(steps / interval)
    if (counts < 1).any() or np.abs(steps - counts * interval).max() > _GAP_TOLERANCE * interval:
        return None
    total = counts.sum() + 1
    if (counts == 1).mean() < 0.9 or total > len(time) / (1 - _MOST_MISSING):
        return None
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


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


def _plausible_unit(period: float, limits: Limits) -> float:
    """The first of some units that gives a rate that an ECG can have."""
    for per_second in _TRIED:
        if limits.allow_rate(per_second / period) and per_second / period <= FASTEST_GUESSED_HZ:
            return per_second
    raise UserError(
        f"The time column steps by {period:.4g}, which is no rate of an ECG in seconds, milliseconds, microseconds or "
        "nanoseconds. Name its unit in the heading, as in time (ms), or give the sampling rate by hand."
    )


def _rounded(fs_hz: float, intervals: float, span_s: float, deviation_s: float) -> float:
    """The whole number of Hz if the stamps, as finely as they are written, agree with it."""
    whole = round(fs_hz)
    if whole and abs(intervals / whole - span_s) <= 2 * deviation_s + _ROUNDING * span_s:
        return float(whole)
    return fs_hz
