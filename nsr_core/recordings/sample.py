"""A recording for those who have none: synthetic, ours, and made anew whenever it is asked for.

The beats are averages over many training beats (``nsr_core.data.demo``), set one after the other in a
rhythm with a few early ones; noise is the everyday noise of ``nsr_core.data.everyday_noise``. It also has what
recordings have that should not be read: a lead that falls off, and a stretch at the recorder's limit.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.data.demo import LEVELS, POINTS, UV_PER_MV, load_templates
from nsr_core.data.everyday_noise import synthesise
from nsr_core.recordings.recording import Channel, Recording

NAME, LEAD_NAME = "synthetic sample", "synthetic"
SEED = 2020
SECONDS = 120
#: The rhythm: the usual interval, how much breathing changes it, and how early which beats come.
INTERVAL_S, BREATHING_SHARE, BREATH_S = 0.86, 0.04, 4.0
EARLY = {"V": 0.62, "S": 0.68}
#: After an early ventricular beat the next comes late by so much.
PAUSE = 1.3
#: The demo cluster that each class looks like, of those that most included networks read as what they are; an early
#: supraventricular beat looks like a normal one.
SHAPES = {"N": 3, "S": 3, "V": 34}
#: Which beats are not normal, by their number.
ECTOPIC = {9: "V", 17: "V", 26: "S", 38: "V", 39: "V", 52: "S", 66: "V", 81: "S", 95: "V", 110: "V", 123: "S"}
#: A mean beat's window closes 0.2 intervals after the next beat.
WINDOW_INTERVALS = 1.2
#: The upstroke that a window lacks, for it opens on the peak: so long before it the next beat takes over.
UPSTROKE_S = 0.07
WANDER_MV, MUSCLE_MV, BURST_MV = 0.05, 0.006, 0.09
#: In seconds: the muscles tense, the lead falls off, the recorder is at its limit.
TENSE_S, LOST_S, LIMITED_S = (40.0, 48.0), (72.0, 75.5), (100.0, 104.0)
DRIFT_MV = 1.1


def sample_recording() -> Recording:
    """Two minutes of one lead at 360 Hz in mV, always the same."""
    rng = np.random.default_rng(SEED)
    mv = _beats(*_rhythm())
    mv += WANDER_MV * synthesise("wander", len(mv), rng)
    muscle = synthesise("muscle", len(mv), rng)
    mv += MUSCLE_MV * muscle
    mv[_stretch(TENSE_S)] += BURST_MV * muscle[_stretch(TENSE_S)]
    limit = mv.max()
    mv[_stretch(LIMITED_S)] = np.minimum(mv[_stretch(LIMITED_S)] + DRIFT_MV, limit)
    mv[_stretch(LOST_S)] = mv[_stretch(LOST_S)].mean()
    mv = mv.round(3)  # a recorder's steps
    digest = hashlib.sha256(mv.tobytes()).hexdigest()
    return Recording.of_one(NAME, "sample", Channel(LEAD_NAME, "mV", RECORD_FS_HZ, mv), digest)


def _rhythm() -> tuple[np.ndarray, list[str]]:
    """When each beat comes, in seconds, and its class; the last one only ends the one before."""
    times, classes = [0.4], ["N"]
    while times[-1] < SECONDS + 1:
        number, interval = len(times), INTERVAL_S
        interval *= 1 + BREATHING_SHARE * np.sin(2 * np.pi * times[-1] / BREATH_S)
        name = ECTOPIC.get(number, "N")
        interval *= EARLY.get(name, PAUSE if classes[-1] == "V" else 1.0)
        times.append(times[-1] + interval)
        classes.append(name)
    return np.array(times), classes


def _beats(times: np.ndarray, classes: list[str]) -> np.ndarray:
    """(samples,) in mV."""
    mv = np.zeros(round(SECONDS * RECORD_FS_HZ))
    at = np.arange(len(mv)) / RECORD_FS_HZ
    means = {name: _mean_in_mv(name) for name in set(classes)}
    mv[:] = means[classes[0]][-1]
    for number in range(len(times) - 1):
        start, interval, mean = times[number], times[number + 1] - times[number], means[classes[number]]
        after = (at - start) / (WINDOW_INTERVALS * interval)
        own = (after >= 0) & (at < times[number + 1])
        mv[own] = np.interp(after[own], np.linspace(0, 1, POINTS), mean)
        before = (at < start) & (at >= start - UPSTROKE_S)  # as steep upwards as downwards
        mirrored = np.interp((start - at[before]) / (WINDOW_INTERVALS * interval), np.linspace(0, 1, POINTS), mean)
        share = 1 - (start - at[before]) / UPSTROKE_S
        mv[before] += share * (mirrored - mv[before])
    return mv


def _mean_in_mv(name: str) -> np.ndarray:
    """(128,) the mean of the class's cluster."""
    templates, cluster, middle = load_templates(), SHAPES[name], len(LEVELS) // 2
    low, spread = templates.mv_min_uv[cluster, middle], templates.mv_range_uv[cluster, middle]
    mean = templates.mean[cluster].astype(np.float64)
    in_uv: NDArray[np.float64] = low + spread * (mean - mean.min()) / np.ptp(mean)
    return in_uv / UV_PER_MV


def _stretch(seconds: tuple[float, float]) -> slice:
    return slice(*(round(second * RECORD_FS_HZ) for second in seconds))
