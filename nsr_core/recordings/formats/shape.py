"""What a signal looks like: an ECG, a counter, a ramp; and whether its rate can be true.

Judged without finding the beats: only enough to choose a lead, and to ask where a file must be wrong.
"""

import re
from collections.abc import Iterator

import numpy as np
from scipy.ndimage import uniform_filter1d

from nsr_core.recordings.recording import Samples

#: Names of leads and of what records them, whole words in a heading; of what no ECG is.
_ECG = re.compile(
    r"(?<![a-z])(ecg|ekg|elettrocardio\w*|electrocardio\w*|elektrokardio\w*|ml(i|ii|iii)|m[cd]?l[1-6]|cm[1-6]|cc5|nasa)(?![a-z])"
    r"|^(lead|ableitung|abl|d\u00e9rivation|derivaci\u00f3n|derivazione)?[ _.:-]*(i{1,3}|av[rlf]|v[1-9]r?|d[1-3]|[xyz])([ _.:-]*(lead|ref|cal|raw|filtered))?$"
    r"|(?<![a-z])(la-ra|ll-ra|ll-la|vx-rl)(?![a-z])|\u5fc3\u7535|\u5fc3\u96fb|\u044d\u043a\u0433",
    re.IGNORECASE,
)  # fmt: skip
_OTHER = re.compile(
    r"(?<![a-z])(eeg|eog|emg|chin|leg|resp\w*|thor\w*|abdo\w*|chest|flow|airflow|nasal|snore|spo2|sao2|ppg|pleth\w*|pulse"
    r"|abp|art|pap|cvp|bp|nibp|co2|temp\w*|acc\w*|gyro?\w*|mag|gsr|eda|scl|light|battery|bat|volt|voltage|marker?|trigger|event|status"
    r"|digital|index|sample|counter|count|packet|seq|nseq|time|timestamp|clock|hr|bpm|heart rate|rr|rri|quality|label|class"
    r"|annotation|flag|id|rate|other|gain|offset|noise|position|posit\w*|aux)(?![a-z])",
    re.IGNORECASE,
)  # fmt: skip
_AXES = re.compile(r"^[xyz]$", re.IGNORECASE)

#: How many stretches a judgement looks at, at most, and how long each is.
STRETCHES, STRETCH_S = 3, 20.0
#: What a heart can do, in beats a minute, for choosing; and the wider bounds outside which a rate cannot be true.
SLOWEST_BPM, FASTEST_BPM = 20.0, 280.0
USUAL_BPM = 72.0
#: The slope over so long, and what part of the steepest is part of a beat; beats are sparse and stand far above the rest.
SLOPE_S, STEEP, MOST_STEEP, MOST_USUAL = 0.02, 0.35, 0.3, 0.2
#: The share of the intervals within a third of the median, at least, in any rhythm.
REGULAR = 0.4
#: A signal of fewer values is a marker.
LEAST_VALUES = 8
LEAST_SAMPLES = 10


#: How many samples are looked at where a signal is judged as a whole (of a longer one, from three places); samples at once.
EXCERPT, PIECE = 200_000, 1_000_000


def excerpt(signal: np.ndarray | Samples) -> np.ndarray:
    """(m,) the signal, or of a long one a stretch from its middle, with its first and last thousand samples."""
    if len(signal) <= EXCERPT:
        return np.asarray(signal[:])
    middle = len(signal) // 2
    return np.concatenate([signal[:1000], signal[middle : middle + EXCERPT - 2000], signal[len(signal) - 1000 :]])


def pieces(signal: np.ndarray | Samples) -> Iterator[np.ndarray]:
    """The signal in stretches that fit into memory."""
    for start in range(0, len(signal), PIECE):
        yield signal[start : start + PIECE]


def ecg_by_name(name: str) -> bool:
    """Whether a heading names an ECG or one of its leads."""
    return bool(_ECG.search(name.strip())) and not _OTHER.search(_ECG.sub(" ", name))


def other_by_name(name: str) -> bool:
    """Whether a heading names something that is no ECG."""
    return bool(_OTHER.search(name.replace("_", " "))) and not ecg_by_name(name)


def is_constant(signal: np.ndarray) -> bool:
    """Whether all samples that are there have one value."""
    held = signal[np.isfinite(signal)]
    return len(held) == 0 or bool((held == held[0]).all())


def is_ramp(signal: np.ndarray) -> bool:
    """Whether it only rises or only falls, as a time does and no ECG."""
    steps = np.diff(signal[np.isfinite(signal)])
    return len(steps) + 1 >= LEAST_SAMPLES and bool(steps.any()) and bool((steps >= 0).all() or (steps <= 0).all())


def is_counter(signal: np.ndarray) -> bool:
    """Whether it counts by even steps, from the start again now and then: 0, 1, 2, ..., 15, 0, 1, ..."""
    steps = np.diff(signal[np.isfinite(signal)])
    if len(steps) + 1 < LEAST_SAMPLES:
        return False
    step = np.median(steps)
    if step == 0 or not np.isfinite(step):
        return False
    counted = np.isclose(steps, step, rtol=1e-6)
    return bool(counted.mean() >= 0.7 and (np.sign(steps[~counted]) == -np.sign(step)).all())


def looks_like_ecg(signal: np.ndarray | Samples, fs_hz: float | None) -> bool:
    """Whether steep, short deflections follow one another as beats do, in at least one of a few stretches.

    Args:
        signal: (n,) any unit; NaN where samples are missing.
        fs_hz: its rate; where it is not known, the rate at which the usual heart would beat.
    """
    if is_ramp(excerpt(signal)) or is_counter(excerpt(signal)):
        return False
    if fs_hz is None:
        period = _period(_excerpt(signal, 20_000))
        if period is None:
            return False
        fs_hz = USUAL_BPM / 60 * period
    return any(_beats_bpm(stretch, fs_hz) is not None for stretch in _stretches(signal, fs_hz))


def heart_rate(signal: np.ndarray | Samples, fs_hz: float) -> float | None:
    """Beats a minute if the signal repeats itself clearly, else None; far from what a heart can do where ``fs_hz`` is wrong."""
    rates = [_beats_bpm(stretch, fs_hz) for stretch in _stretches(signal, fs_hz)]
    found = [rate for rate in rates if rate is not None]
    if found:
        return float(np.median(found))
    period = _period(_excerpt(signal, 40_000))
    return None if period is None else 60 * fs_hz / period


def beat_range(signal: np.ndarray | Samples, fs_hz: float) -> float:
    """The middle of the ranges of stretches of two seconds: about what a beat has from its lowest to its highest."""
    size = max(2, round(2 * fs_hz))
    parts = [signal[at : at + size] for at in np.linspace(0, max(0, len(signal) - size), 30).astype(np.int64)]
    ranges = [np.nanmax(part) - np.nanmin(part) for part in parts if np.isfinite(part).any()]
    return float(np.median(ranges)) if ranges else 0.0


def _stretches(signal: np.ndarray | Samples, fs_hz: float) -> list[np.ndarray]:
    size = round(STRETCH_S * fs_hz)
    if len(signal) <= size:
        return [_whole(signal[:])]
    starts = np.linspace(0, len(signal) - size, STRETCHES).astype(np.int64)
    return [_whole(signal[start : start + size]) for start in starts]


def _excerpt(signal: np.ndarray | Samples, size: int) -> np.ndarray:
    start = max(0, (len(signal) - size) // 2)
    return _whole(signal[start : start + size])


def _whole(part: np.ndarray) -> np.ndarray:
    """float64 without missing samples, a line in their place; empty where there is none."""
    part = np.asarray(part, np.float64)
    there = np.flatnonzero(np.isfinite(part) & (np.abs(part) < 1e12))
    if len(there) < LEAST_SAMPLES:
        return np.empty(0)
    return part if len(there) == len(part) else np.interp(np.arange(len(part)), there, part[there])


def _beats_bpm(part: np.ndarray, fs_hz: float) -> float | None:
    """Beats a minute of a stretch that looks like an ECG; None of any other."""
    lag = max(1, round(SLOPE_S * fs_hz))
    if len(part) < 2 * fs_hz or len(part) < 20 * lag or len(np.unique(part[:5000])) < LEAST_VALUES:
        return None
    slope = np.abs(part[lag:] - part[:-lag])
    steepest = float(np.quantile(slope, 0.995))
    if steepest <= 0 or np.median(slope) > MOST_USUAL * steepest:
        return None
    steep = slope > STEEP * steepest
    if steep.mean() > MOST_STEEP:
        return None
    at = np.flatnonzero(steep)
    beats = at[np.diff(at, prepend=-np.inf) > 0.25 * fs_hz]
    intervals = np.diff(beats) / fs_hz
    if len(intervals) < 1 or (len(intervals) < 2 and len(part) > 6 * fs_hz):
        return None
    middle = float(np.median(intervals))
    bpm = 60 / middle
    regular = float((np.abs(intervals / middle - 1) < 1 / 3).mean())
    return bpm if SLOWEST_BPM <= bpm <= FASTEST_BPM and regular >= REGULAR else None


def _period(part: np.ndarray) -> float | None:
    """Samples after which the signal's slope repeats itself clearly; None where it does not."""
    if len(part) < 200 or is_constant(part):
        return None
    best, period = 0.5, None
    for lag in (1, 3, 9):
        slope = np.abs(part[lag:] - part[:-lag])
        slope = uniform_filter1d(np.minimum(slope, np.quantile(slope, 0.995)), 2 * lag + 1)
        slope -= slope.mean()
        spectrum = np.abs(np.fft.rfft(slope, 2 * len(slope))) ** 2
        correlation = np.fft.irfft(spectrum)[: len(slope) // 2]
        if correlation[0] <= 0:
            continue
        correlation /= correlation[0] * (1 - np.arange(len(correlation)) / len(slope))
        below = np.flatnonzero(correlation < 0.1)
        if not len(below):
            continue
        rest = correlation[below[0] :]
        highest = rest.max()
        if highest > best:
            first = below[0] + int(np.flatnonzero(rest > 0.85 * highest)[0])
            best, period = float(highest), float(first)
    return period
