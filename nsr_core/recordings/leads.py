"""The leads of a recording as a cardiograph prints them, and the heart's rate from its beats."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: The twelve leads in the three rows and four columns of a printout.
TWELVE = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_BY_SMALL = {name.lower(): name for row in TWELVE for name in row}
_PREFIX = re.compile(r"^(?:mdc[ _-]*)?(?:(?:ecg|ekg|lead)[ _-]*)*")
#: R-R intervals outside it are none: a beat was missed, or the lead was off.
RR_SECONDS = (0.24, 3.0)


@dataclass(frozen=True)
class Place:
    """Where a lead is printed: which of the names, in which row, over which part of the row's width."""

    name: str
    row: int
    start: float
    stop: float


def standard_name(name: str) -> str | None:
    """One of the twelve leads by a channel's name, such as ``Lead II`` or ``MDC_ECG_LEAD_AVR``; None for others."""
    return _BY_SMALL.get(_PREFIX.sub("", name.strip().lower()))


def arrange(names: Sequence[str], rhythm: str) -> list[Place]:
    """Three rows of four leads and a rhythm strip below, where all twelve are there; else a row for each lead.

    Args:
        names: of the channels that are ECG leads.
        rhythm: which of them is printed over the whole width below.
    """
    known = {standard: name for name in names if (standard := standard_name(name))}
    if not all(lead in known for row in TWELVE for lead in row):
        return [Place(name, row, 0.0, 1.0) for row, name in enumerate(names)]
    places = [
        Place(known[lead], row, column / 4, (column + 1) / 4)
        for row, leads in enumerate(TWELVE)
        for column, lead in enumerate(leads)
    ]
    return [*places, Place(rhythm, len(TWELVE), 0.0, 1.0)]


def heart_rate(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rate from each beat to the next.

    Args:
        time_s: (beats,) when they are, in order.

    Returns:
        (m,) the time of the second beat of each pair, and (m,) beats a minute; pairs outside ``RR_SECONDS`` are left out.
    """
    rr = np.diff(time_s)
    usable = (rr >= RR_SECONDS[0]) & (rr <= RR_SECONDS[1])
    return time_s[1:][usable], 60 / rr[usable]
