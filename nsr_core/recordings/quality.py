"""Which beats of a recording a network should not be asked about, and why."""

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import BEAT_LENGTH, DECIMATION, RECORD_FS_HZ
from nsr_core.data.cutting import Window
from nsr_core.recordings.grid import Lead

#: By key, in the order in which they are looked for; the first that holds is given.
REASONS = {
    "missing": "Samples are missing.",
    "flat": "The line is flat for 0.4 s or longer.",
    "clipped": "The signal is cut off at the recorder's limit.",
    "interval": "The next beat follows within 0.2 s or not within 3 s.",
    "weak": "Almost no signal: less than a tenth of the usual beat.",
    "strong": "Far too much signal: more than six times the usual beat.",
    "end": "The stretch ends too soon: where this beat's window would close is a guess.",
}
#: Of an R-R interval, in seconds: shorter is a beat found twice, longer is a pause or a beat missed.
LEAST_INTERVAL_S, MOST_INTERVAL_S = 0.2, 3.0
#: How many intervals the last window spans, for the one after it is taken to be as long.
LAST_WINDOW_INTERVALS = 1.2
#: Of a beat's range, in units of the median beat's.
LEAST_RANGE, MOST_RANGE = 0.1, 6.0


def unusable(lead: Lead, windows: list[Window]) -> np.ndarray:
    """(windows,) str, the first reason not to use each beat, a key of ``REASONS`` but for ``"end"``; ``""`` where there is none."""
    start = np.array([window.start for window in windows])
    stop = np.array([min(window.stop, window.start + DECIMATION * BEAT_LENGTH) for window in windows])
    stop = np.minimum(stop, len(lead.signal))
    ranges = np.array([np.ptp(lead.signal[first:last]) for first, last in zip(start, stop, strict=True)])
    usual = np.median(ranges)
    last = (windows[-1].stop - windows[-1].start) / LAST_WINDOW_INTERVALS  # the beat that ends it has no window
    interval = np.append(np.diff(start), last) / RECORD_FS_HZ
    holds = {
        "missing": _any_within(lead.missing, start, stop),
        "flat": _any_within(lead.flat, start, stop),
        "clipped": _any_within(lead.clipped, start, stop),
        "interval": (interval < LEAST_INTERVAL_S) | (interval > MOST_INTERVAL_S),
        "weak": ~(ranges > LEAST_RANGE * usual),
        "strong": ranges > MOST_RANGE * usual,
    }
    reason = np.full(len(windows), "", dtype="<U8")
    for name in reversed(holds):
        reason[holds[name]] = name
    return reason


def _any_within(mask: NDArray[np.bool_], start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(windows,) whether the mask holds anywhere from start to stop."""
    held = np.flatnonzero(mask)
    within: NDArray[np.bool_] = np.searchsorted(held, stop) > np.searchsorted(held, start)
    return within
