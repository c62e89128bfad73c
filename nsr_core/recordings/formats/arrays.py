"""Named arrays and what stands beside them, as MATLAB, numpy, JSON and Parquet files hold them, to channels."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_time import Table
from nsr_core.recordings.formats.format import Given
from nsr_core.recordings.formats.table import read_table
from nsr_core.recordings.formats.text import quote, split_unit, tidy_unit
from nsr_core.recordings.recording import MV_PER_UNIT

#: Names that a rate goes by, without blanks and strokes.
_RATE = re.compile(
    r"(fs|sf|sr|hz|fshz|freq|frequency|sfreq|srate|samplerate|samplingrate|samplingfreq|samplingfrequency|samplefrequency"
    r"|sampleratehz|samplingratehz|ratehz|rate|frequencyhz)$"
)
_UNIT = re.compile(r"(unit|units|unite|einheit|physicalunit|physicaldimension)$")
_LEADS = re.compile(
    r"(lead|leads|leadnames|signame|signames|channel|channels|channelnames|chnames|labels|names|columns)$"
)
LEAST_SAMPLES = 2


@dataclass
class Named:
    """What a file holds.

    Attributes:
        arrays: of numbers, by name, of one or two dimensions.
        numbers: single numbers by name.
        texts: single texts, and lists of them, by name.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_arrays(given: Given, named: Named) -> Contents:
    """The longest arrays as channels. Of two dimensions the shorter one counts the leads.

    Raises:
        UserError: there is no array of numbers, or more than a limit allows.
    """
    columns: dict[str, np.ndarray] = {}
    leads = next((texts for name, texts in named.texts.items() if _LEADS.match(_plain(name))), ())
    for name, array in named.arrays.items():
        columns |= _columns(given, name, array, leads)
    longest = max((len(column) for column in columns.values()), default=0)
    if longest < LEAST_SAMPLES:
        raise UserError(f"{quote(given.name)} holds no array of numbers. Give one with the samples of the ECG.")
    kept = {name: column for name, column in columns.items() if len(column) == longest}
    given.limits.check_samples(longest * len(kept))
    fs_hz = next(
        (each for name, each in named.numbers.items() if _RATE.match(_plain(name)) and given.limits.allow_rate(each)),
        None,
    )
    units = next((texts for name, texts in named.texts.items() if _UNIT.match(_plain(name))), ())
    split = [split_unit(name) for name in kept]
    table = Table(
        [name for name, _ in split],
        [unit or _unit_of(units, place, len(kept)) for place, (_, unit) in enumerate(split)],
        [np.array(column, np.float64) for column in kept.values()],
    )
    contents = read_table(given, table, fs_hz)
    others = len(columns) - len(kept)
    if others:
        contents.notes.append(f"Left out: {others} arrays of another length than the longest.")
    return contents


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _columns(given: Given, name: str, array: np.ndarray, leads: Sequence[str]) -> Mapping[str, np.ndarray]:
    array = np.squeeze(array)
    if array.ndim == 1:
        only = leads[0] if len(leads) == 1 and _is_dull(name) else name
        return {only: array}
    if array.ndim != 2:
        return {}
    array = array if array.shape[0] >= array.shape[1] else array.T
    given.limits.check_channels(array.shape[1])
    names = (
        leads
        if len(leads) == array.shape[1]
        else [f"{name or 'column'} {number}" for number in range(1, array.shape[1] + 1)]
    )
    return {f"{each}": array[:, place] for place, each in enumerate(names)}


def _is_dull(name: str) -> bool:
    return _plain(name) in ("", "data", "signal", "signals", "val", "values", "samples", "x", "y", "array")


def _unit_of(units: Sequence[str], place: int, count: int) -> str:
    unit = units[place] if len(units) == count else units[0] if len(units) == 1 else ""
    return tidy_unit(unit) if tidy_unit(unit) in MV_PER_UNIT else ""
