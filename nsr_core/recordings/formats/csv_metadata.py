"""What the lines above a table say: the rate, the unit, the lead, the names of the columns.

Devices write such lines in their own way, and some in the reader's language. So a line is judged by what it holds: a
number before a word for hertz is a rate whatever the words before it mean, unless they speak of a filter.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nsr_core.recordings.formats.csv_cells import bare
from nsr_core.recordings.formats.text import tidy_unit
from nsr_core.recordings.limits import Limits
from nsr_core.recordings.recording import MV_PER_UNIT, UNKNOWN_UNIT

_NUMBER = r"(?P<number>\d+(?:[.,]\d+)?)"
#: Hertz in the languages that a telephone may be set to.
_HERTZ_WORD = (
    r"(?P<kilo>k|\u043a)?(?:hz|her[ct][sz]?\w*|\u0433\u0446|\u0433\u0435\u0440\u0446\w*|\u30d8\u30eb\u30c4"
    r"|\u8d6b[\u5179\u8332]?|\ud5e4\ub974\uce20|\u0647\u0631\u062a\u0632|\u05d4\u05e8\u05e5|\u03c7\u03b5\u03c1\u03c4\u03b6"
    r"|\u0939\u0930\u094d\u091f\u094d\u091c\S*|\u0e40\u0e2e\u0e34\u0e23\u0e15\u0e0b\u0e4c)"
)
_HERTZ = re.compile(rf"(?<![\d.\u2013-])(?<!\d,){_NUMBER}\s*{_HERTZ_WORD}(?!\w)", re.IGNORECASE)
_PER_SECOND = re.compile(
    rf"(?<![\d.,]){_NUMBER}\s*(?P<kilo>k)?\s*(?:samples?|s|smp|sps|muestras|\w*proben)?\s*(?:/|per )\s*(?:s|sec|second|sek)\b"
    rf"|(?<![\d.,])(?P<sps>\d+(?:\.\d+)?)\s*sps\b",
    re.IGNORECASE,
)
_SAMPLING = re.compile(
    r"sampl|abtast|messrate|\u00e9chantillon|echantillon|muestr|campion|amostr|bemonster|pr\u00f3bk|\u00f6rnekle|vzork"
    r"|\u0434\u0438\u0441\u043a\u0440\u0435\u0442|\u30b5\u30f3\u30d7\u30eb|\u30b5\u30f3\u30d7\u30ea\u30f3\u30b0"
    r"|\u91c7\u6837|\u63a1\u6a23|\u53d6\u6a23|\uc0d8\ud50c|\bf_?s\b|\bs_?f\b|\bsr\b|(?<![a-z])rate|frequen|fr\u00e9quen|frecuen"
    r"|\bfreq",
    re.IGNORECASE,
)
_FILTER = re.compile(
    r"filt|notch|pass\b|cut.?off|mains|bandwidth|\bband|netz|heart|puls|respir|f.max|nyquist", re.IGNORECASE
)
_INTERVAL = re.compile(r"interval|intervall|period|\bd_?t\b|time.?step|/\s*sample|per sample", re.IGNORECASE)
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3,
            "milliseconds": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "usec": 1e-6, "microseconds": 1e-6,
            "ns": 1e-9}  # fmt: skip
_DURATION = re.compile(rf"{_NUMBER}(?:e(?P<power>[+-]?\d+))?\s*(?P<unit>{'|'.join(_SECONDS)})(?![a-z])", re.IGNORECASE)
_UNIT_IN_KEY = re.compile(r"[(\[](?P<unit>[^()\[\]]*)[)\]]")
_ANY_NUMBER = re.compile(rf"(?<![\w.]){_NUMBER}(?:e(?P<power>[+-]?\d+))?(?![\w.])", re.IGNORECASE)
_LEAD = re.compile(r"(?<![A-Za-z])(aV[RLF]|V[1-6]|III|II|I|MLII)(?![A-Za-z0-9])")
_LEAD_WORD = re.compile(
    r"lead|ableitung|d\u00e9rivation|derivaci|derivaz|deriva\u00e7|channel|kanal|canal|\u8a98\u5c0e", re.IGNORECASE
)
_TITLES = re.compile(r"(channel ?titles?|labels?|channel ?names?|signals|columns|leads)$", re.IGNORECASE)
_UNITS = re.compile(r"(unit ?names?|units?|channel ?units?)$", re.IGNORECASE)
_PARTS = re.compile(r"\s*(?::=|=|:|\t|;|,)\s*")
_CHANNELS = re.compile(r"(\d{1,3}) channels?$", re.IGNORECASE)
_COMMENT = re.compile(r"^[\s#%;/*!\"']+")
#: Longer, a line is prose or a whole file of JSON.
_LINE = 2000


@dataclass
class Metadata:
    """What the lines say.

    Attributes:
        fs_hz: samples a second; None where they do not say.
        names: of columns, in their order; the table's own headings go before.
        units: likewise.
        lead: of a table of one signal.
        unit: of all its signals.
        by_column: names that stand for others: ``A1`` is ``ECG``.
        notes: for the person.
    """

    fs_hz: float | None = None
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    lead: str = ""
    unit: str = UNKNOWN_UNIT
    by_column: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_metadata(lines: Sequence[str], limits: Limits) -> Metadata:
    """The lines above a table, comments among them, in their order."""
    said = Metadata()
    lines = [_COMMENT.sub("", line[: 50 * _LINE]).strip() for line in lines]
    for line in lines:
        if line.startswith("{"):
            _take_json(said, line, limits)
    lines = [line for line in lines if line and len(line) <= _LINE]
    said.fs_hz = said.fs_hz or _rate(said, lines, limits)
    for line in lines:
        _take_line(said, line)
    _take_channel_list(said, lines)
    return said


def rate_in(text: str, limits: Limits) -> float | None:
    """A number before a word for hertz, as headings have it: ``ECG 250 Hz``."""
    match = _HERTZ.search(text)
    if match is None or _FILTER.search(text):
        return None
    fs_hz = _float(match["number"]) * (1e3 if match["kilo"] else 1.0)
    return fs_hz if limits.allow_rate(fs_hz) else None


def _rate(said: Metadata, lines: Sequence[str], limits: Limits) -> float | None:
    """The first line that speaks of sampling and names a rate, else of an interval, else any number of hertz."""
    usable = [line for line in lines if not _FILTER.search(line) or re.search("sampl", line, re.IGNORECASE)]
    named = [line for line in usable if _SAMPLING.search(line)]
    finds = [
        *((rate_in(line, limits) if not _FILTER.search(line) else _hertz(line, limits)) for line in named),
        *(_per_second(line, limits) for line in usable),
        *(_from_interval(line, limits) for line in usable if _INTERVAL.search(line)),
        *(_bare_rate(line, limits) for line in named if not _INTERVAL.search(line)),
        *(rate_in(line, limits) for line in usable),
    ]
    found = [each for each in finds if each]
    if found and any(abs(each / found[0] - 1) > 0.01 for each in found):
        others = ", ".join(dict.fromkeys(f"{each:.6g} Hz" for each in found))
        said.notes.append(f"The lines above the table name several rates ({others}); the first is taken.")
    return found[0] if found else None


def _hertz(line: str, limits: Limits) -> float | None:
    match = _HERTZ.search(line)
    fs_hz = _float(match["number"]) * (1e3 if match["kilo"] else 1.0) if match else 0.0
    return fs_hz if limits.allow_rate(fs_hz) else None


def _per_second(line: str, limits: Limits) -> float | None:
    match = _PER_SECOND.search(line)
    if match is None:
        return None
    fs_hz = _float(match["number"] or match["sps"]) * (1e3 if match["kilo"] else 1.0)
    return fs_hz if limits.allow_rate(fs_hz) else None


def _from_interval(line: str, limits: Limits) -> float | None:
    match = _DURATION.search(line)
    if match:
        step_s = _float(match["number"], match["power"]) * _SECONDS[match["unit"].lower()]
    else:
        key, number = _UNIT_IN_KEY.search(line), _ANY_NUMBER.search(line)
        unit = key["unit"].strip().lower() if key else "s"
        if number is None or unit not in _SECONDS:
            return None
        step_s = _float(number["number"], number["power"]) * _SECONDS[unit]
    return 1 / step_s if step_s > 0 and limits.allow_rate(1 / step_s) else None


def _bare_rate(line: str, limits: Limits) -> float | None:
    """``Sampling rate (Hz): 250``, ``fs = 250``: the number behind the last word."""
    numbers = [_float(match["number"], match["power"]) for match in _ANY_NUMBER.finditer(line)]
    fs_hz = numbers[-1] if numbers else 0.0
    fs_hz *= 1e3 if re.search(r"[(\[]\s*khz", line, re.IGNORECASE) else 1.0
    return fs_hz if limits.allow_rate(fs_hz) else None


def _take_line(said: Metadata, line: str) -> None:
    parts = line.split("\t") if "\t" in line else _PARTS.split(line)
    key, *values = [bare(part) for part in parts]
    key = key.rstrip("=: ")
    values = [value for value in values if value]
    if not values:
        return
    if _TITLES.match(key):
        said.names = said.names or tuple(_inner_parts(values))
    elif _UNITS.match(key) and len(values) > 1:
        said.units = said.units or tuple(map(tidy_unit, values))
    elif key.lower() == "range" and all(len(value.split()) == 2 for value in values):
        said.units = said.units or tuple(tidy_unit(value.split()[1]) for value in values)
    unit = tidy_unit(values[-1])
    if unit in MV_PER_UNIT and len(values) == 1 and unit != UNKNOWN_UNIT:
        said.unit = said.unit or unit
    lead = _LEAD.search(values[0])
    if lead and len(values) == 1 and len(values[0]) <= 25 and (values[0] != lead[1] or _LEAD_WORD.search(key)):
        said.lead = said.lead or lead[1]


def _inner_parts(values: list[str]) -> list[str]:
    return [part for value in values for part in ([value] if len(values) > 1 else re.split(r"\s{2,}|\s*\|\s*", value))]


def _take_channel_list(said: Metadata, lines: Sequence[str]) -> None:
    """AcqKnowledge: ``2 channels``, then a line for each name and one for its unit."""
    for at, line in enumerate(lines):
        match = _CHANNELS.match(line)
        count = int(match[1]) if match else 0
        following = lines[at + 1 : at + 1 + 2 * count]
        if count and len(following) == 2 * count:
            said.names, said.units = tuple(following[::2]), tuple(map(tidy_unit, following[1::2]))
            return


def _take_json(said: Metadata, line: str, limits: Limits) -> None:
    """OpenSignals: an object for each device, which lists its columns, and which sensors its channels are."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return
    devices = [each for each in found.values() if isinstance(each, dict)] if isinstance(found, dict) else []
    for device in [found, *devices] if isinstance(found, dict) else []:
        rate = _first(device, "sampling rate", "sampling_rate", "samplingRate", "fs", "sample_rate")
        if isinstance(rate, int | float) and limits.allow_rate(float(rate)):
            said.fs_hz = said.fs_hz or float(rate)
        said.names += _texts(device.get("column"))
        said.by_column.update(zip(_texts(device.get("label")), _texts(device.get("sensor")), strict=False))


def _first(found: dict[str, Any], *keys: str) -> Any:
    return next((found[key] for key in keys if key in found), None)


def _texts(value: Any) -> tuple[str, ...]:
    """A list of texts; of anything else nothing."""
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return tuple(value[:_LINE]) if is_list else ()


def _float(text: str, power: str | None = None) -> float:
    try:
        return float(f"{text.replace(',', '.')}e{(power or '0')[:4]}")
    except (ValueError, OverflowError):
        return 0.0
