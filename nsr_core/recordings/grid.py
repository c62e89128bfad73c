"""One channel on the grid of the training records: 360 samples a second, in mV where its unit is known."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.errors import UserError
from nsr_core.progress import duration
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.recording import MV_PER_UNIT, Channel

#: How much can be read at once; more is read stretch by stretch.
LEAST_SECONDS, MOST_SECONDS = 3.0, 2 * 3600.0
#: Rates are taken as fractions with at most this denominator, which meets all below 1000 Hz with two decimals exactly.
MOST_DENOMINATOR = 100_000
#: A line that does not move for so long is flat; one that stays at the channel's own limit for so long is clipped.
FLAT_SECONDS, CLIPPED_SECONDS = 0.4, 0.012
#: A recorder of coarse steps draws no movement where the heart has little: there a line is flat that stands still so many times
#: as long as is usual in it. What is usual is the median over pieces of so many seconds, up to so many.
FLAT_TIMES, PIECE_SECONDS, MOST_USUAL_SECONDS = 2.0, 3.0, 1.0
#: In fewer pieces nothing is usual.
LEAST_PIECES = 4
#: A limit lies at least this share of the channel's range away from its median; nearer, it is where the line rests.
LIMIT_SHARE = 0.25


@dataclass(frozen=True)
class Lead:
    """A stretch of one channel, ``n`` samples at 360 Hz.

    Attributes:
        name: of the lead.
        in_mv: whether ``signal`` is in mV; else in the channel's own unit, whatever that is.
        fs_hz: the rate that it was recorded at.
        start_s: where its first sample stands in the recording, the one nearest to the start that was asked for.
        signal: (n,) float64; where samples are missing, a straight line between their neighbours.
        missing, flat, clipped: (n,) bool, where samples are missing, the line does not move for 0.4 s (and twice as long as is
            usual in a coarse recording), or it stays at the channel's limit for 12 ms; all by the samples as they were recorded.
    """

    name: str
    in_mv: bool
    fs_hz: float
    start_s: float
    signal: np.ndarray
    missing: np.ndarray
    flat: np.ndarray
    clipped: np.ndarray

    @property
    def seconds(self) -> float:
        return len(self.signal) / RECORD_FS_HZ


def to_grid(
    channel: Channel,
    *,
    fs_hz: float | None = None,
    unit: str | None = None,
    start_s: float = 0.0,
    stop_s: float | None = None,
) -> Lead:
    """A stretch of a channel at 360 Hz; a channel that has this rate keeps its samples as they are.

    Other rates go through a polyphase filter that keeps what lies below half of the lower rate.

    Args:
        channel: as it was read.
        fs_hz, unit: in place of what the channel says, or where it says nothing.
        start_s, stop_s: the stretch, in seconds from the recording's start; by default to its end, two hours at most.

    Raises:
        UserError: no rate or an impossible one, a stretch that is empty, too short or too long, or nothing but gaps.
    """
    rate = _rate(channel, fs_hz)
    first, last = _stretch(len(channel.signal), rate, start_s, stop_s)
    signal, start_s = np.asarray(channel.signal[first:last], np.float64), first / rate
    missing = ~np.isfinite(signal)
    if missing.all():
        raise UserError(f"{channel.name} has no samples from {start_s:g} s on. Choose another lead or another stretch.")
    whole = _bridged(signal, missing)
    flat, clipped = _runs(whole, rate)
    on_grid = _resample(whole, rate)
    scale = MV_PER_UNIT.get(channel.unit if unit is None else unit)
    masks = (_mask_on_grid(mask, rate, len(on_grid)) for mask in (missing, flat & ~missing, clipped & ~missing))
    return Lead(channel.name, scale is not None, rate, start_s, on_grid * (scale or 1.0), *masks)


def _rate(channel: Channel, fs_hz: float | None) -> float:
    rate = channel.fs_hz if fs_hz is None else fs_hz
    if rate is None:
        raise UserError(f"The file does not say how many samples a second {channel.name} has. Give the sampling rate.")
    LIMITS.check_rate(rate)
    return rate


def _stretch(count: int, rate: float, start_s: float, stop_s: float | None) -> tuple[int, int]:
    """The first sample of a stretch and the one after its last; a length may be off by the rounding of both ends."""
    there, rounding = count / rate, 1 / rate
    stop = min(start_s + MOST_SECONDS if stop_s is None else stop_s, there)  # in this order NaN stays NaN
    if not 0 <= start_s < there or not stop - start_s > LEAST_SECONDS - rounding:
        raise UserError(
            f"The stretch from {start_s:g} to {stop:g} s cannot be read: it must lie in the recording, which has {there:g} s, "
            f"and have at least {LEAST_SECONDS:g} s. Choose another one."
        )
    if stop - start_s > MOST_SECONDS + rounding:
        raise UserError(
            f"{duration(stop - start_s)} are more than can be read at once ({duration(MOST_SECONDS)}). Choose a shorter stretch."
        )
    return round(start_s * rate), round(stop * rate)


def _bridged(signal: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not missing.any():
        return signal
    there = np.flatnonzero(~missing)
    return np.interp(np.arange(len(signal)), there, signal[there])


def _resample(signal: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    from scipy.signal import resample_poly  # slow to import, and pages that only name a recording do not need it

    ratio = (Fraction(RECORD_FS_HZ) / Fraction(rate)).limit_denominator(MOST_DENOMINATOR)
    if ratio == 1:
        return signal
    level = signal.mean()  # not through the filter, whose phases differ by a ten-thousandth of it
    resampled: NDArray[np.float64] = level + resample_poly(
        signal - level, ratio.numerator, ratio.denominator, padtype="line"
    )
    return resampled


def _runs(signal: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) where the signal stands still for long, and where it stands still at its own highest or lowest value."""
    starts = np.flatnonzero(np.diff(signal, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(signal))
    flat = lengths >= max(FLAT_SECONDS * rate, FLAT_TIMES * _usual_standstill(starts, lengths, rate))
    clipped = _at_limit(signal, signal[starts]) & ~flat & (lengths >= max(3, CLIPPED_SECONDS * rate))
    return np.repeat(flat, lengths), np.repeat(clipped, lengths)


def _usual_standstill(starts: np.ndarray, lengths: np.ndarray, rate: float) -> float:
    """The median over pieces of a few beats of the longest time without movement, in samples."""
    count = starts[-1] + lengths[-1]
    pieces = round(count / (PIECE_SECONDS * rate))
    if pieces < LEAST_PIECES:
        return 0.0
    longest = np.zeros(pieces)
    np.maximum.at(longest, starts * pieces // count, lengths)
    return min(float(np.median(longest)), MOST_USUAL_SECONDS * rate)


def _at_limit(signal: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the values are the signal's highest or lowest, and so far out that it does not rest there."""
    low, middle, high = float(signal.min()), float(np.median(signal)), float(signal.max())
    far = LIMIT_SHARE * (high - low)
    at_limit: NDArray[np.bool_] = ((values == high) & (high - middle > far)) | ((values == low) & (middle - low > far))
    return at_limit


def _mask_on_grid(mask: np.ndarray, rate: float, count: int) -> np.ndarray:
    """The mask at 360 Hz: no marked sample is lost where that is the lower rate, none left out where it is the higher."""
    on_grid = np.zeros(count, bool)
    if mask.any():
        nearest = np.minimum((np.arange(count) * (rate / RECORD_FS_HZ)).round().astype(np.int64), len(mask) - 1)
        on_grid = mask[nearest]
        on_grid[np.minimum((np.flatnonzero(mask) * (RECORD_FS_HZ / rate)).round().astype(np.int64), count - 1)] = True
    return on_grid
