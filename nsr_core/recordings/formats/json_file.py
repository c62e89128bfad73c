"""JSON: arrays of numbers, alone or by name, with the rate, the unit and the leads beside them."""

import codecs
import json
import math
from typing import Any

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.arrays import Named, read_arrays
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_text import is_text, plain_text
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.limits import megabytes

#: As objects, JSON takes some ten times its size.
MOST_BYTES, MOST_DEPTH, MOST_NAMES = 25_000_000, 6, 1000


def read_json(given: Given) -> Contents:
    """Lists of numbers wherever they stand: by name, as rows or columns, or as records that each hold one sample.

    Raises:
        UserError: it is no JSON, too large, or holds no list of numbers.
    """
    if len(given.content) > MOST_BYTES:
        raise UserError(
            f"{quote(given.name)} has {megabytes(len(given.content))}, at most {megabytes(MOST_BYTES)} of JSON are read. "
            "Save it as .npy, EDF or WFDB, which are smaller."
        )
    try:
        found = json.loads(plain_text(given.name, given.content))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{quote(given.name)} begins as JSON and is damaged or cut off. Export it again.") from error
    given.deadline.check()
    named = Named()
    _take(named, "", found, 0)
    if not named.arrays:
        raise UserError(
            f'{quote(given.name)} is JSON without a list of numbers. Give one such as {{"fs": 250, "ecg": [0.01, ...]}}.'
        )
    return read_arrays(given, named)


def _take(named: Named, name: str, value: Any, depth: int) -> None:
    if depth > MOST_DEPTH or len(named.arrays) + len(named.numbers) + len(named.texts) > MOST_NAMES:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            _take(named, key, inner, depth + 1)
    elif isinstance(value, str):
        named.texts.setdefault(name, (value[:100],))
    elif _is_number(value):
        named.numbers.setdefault(name, _number(value))
    elif isinstance(value, list) and value:
        _take_list(named, name, value, depth)


def _take_list(named: Named, name: str, value: list[Any], depth: int) -> None:
    if all(_is_number(each) or each is None for each in value):
        named.arrays.setdefault(name, np.array([_number(each) for each in value]))
    elif all(isinstance(each, str) for each in value):
        named.texts.setdefault(name, tuple(each[:100] for each in value[:MOST_NAMES]))
    elif all(isinstance(each, dict) for each in value) and all(each.keys() == value[0].keys() for each in value):
        for key in list(value[0])[:MOST_NAMES]:
            _take(named, key, [each[key] for each in value], depth + 1)
    elif all(isinstance(each, list) and len(each) == len(value[0]) for each in value):
        rows = [[_number(inner) for inner in each if _is_number(inner) or inner is None] for each in value]
        if all(len(row) == len(value[0]) for row in rows):
            named.arrays.setdefault(name, np.array(rows))
    else:
        for inner in value[:MOST_NAMES]:
            _take(named, name, inner, depth + 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float | None) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf


def _begins_as_json(content: bytes) -> bool:
    start = content[:2000].removeprefix(codecs.BOM_UTF8).lstrip()
    inner = start[1:].lstrip()[:1]
    if start[:1] == b"{":
        return is_text(content) and inner in (b'"', b"}")
    is_clock = b":" in start[:12]  # a stamp in brackets, as some devices write it
    return (
        is_text(content)
        and start[:1] == b"["
        and inner != b""
        and (inner in b'[{"' or (inner in b"-0123456789n" and not is_clock))
    )


JSON = Format(
    key="json",
    title="JSON",
    endings=(".json",),
    recognise=lambda name, content: _begins_as_json(content),
    read=read_json,
    reads="lists of numbers, by name or not, with names such as fs, unit and leads beside them",
)
