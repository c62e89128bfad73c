"""One channel on the grid of the training records: 360 samples a second, in mV where its unit is known."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.errors import UserError
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.pieces import Piece, pieces
from nsr_core.recordings.recording import MV_PER_UNIT, Channel

#: Less than this holds no beat that can be read.
LEAST_SECONDS = 3.0
#: Rates are taken as fractions with at most this denominator, which meets all below 1000 Hz with two decimals exactly.
MOST_DENOMINATOR = 100_000
#: A line that does not move for so long is flat; one that stays at the channel's own limit for so long is clipped.
FLAT_SECONDS, CLIPPED_SECONDS = 0.4, 0.012
#: A recorder of coarse steps draws no movement where the heart has little: there a line is flat only if it stands still for twice as
#: long as is usual in it. What is usual is the median over pieces of 3 s, and at most 1 s.
FLAT_TIMES, PIECE_SECONDS, MOST_USUAL_SECONDS = 2.0, 3.0, 1.0
#: A piece of a long stretch is seen with so much on either side: all that the filter and a standstill reach.
OVERLAP_SECONDS = 10.0
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
        signal: (n,) float64, of more than two hours float32; where samples are missing, a straight line between their
            neighbours.
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

    Other rates go through a polyphase filter that keeps what lies below half of the lower rate. More than two hours go
    through it in pieces that overlap; what a limit or a standstill is, is then told within each piece.

    Args:
        channel: as it was read.
        fs_hz, unit: in place of what the channel says, or where it says nothing.
        start_s, stop_s: the stretch, in seconds from the recording's start; by default to its end, 25 hours at most.

    Raises:
        UserError: no rate or an impossible one, a stretch that is empty, too short or too long, or nothing but gaps.
    """
    rate = _rate(channel, fs_hz)
    first, last = _stretch(len(channel.signal), rate, start_s, stop_s)
    scale = MV_PER_UNIT.get(channel.unit if unit is None else unit)
    parts = list(pieces(last - first, rate, OVERLAP_SECONDS, period=_ratio(rate).denominator))
    if len(parts) == 1:
        on_grid, masks = _on_grid(np.asarray(channel.signal[first:last], np.float64), rate, 0.0)
        signal = on_grid * (scale or 1.0)
    else:
        signal, masks = _piece_by_piece(channel, first, parts, rate, scale or 1.0)
    start_s = first / rate
    if masks[0].all():
        raise UserError(f"{channel.name} has no samples from {start_s:g} s on. Choose another lead or another stretch.")
    return Lead(channel.name, scale is not None, rate, start_s, signal, *masks)


def _ratio(rate: float) -> Fraction:
    """Samples of the grid for each sample recorded."""
    return (Fraction(RECORD_FS_HZ) / Fraction(rate)).limit_denominator(MOST_DENOMINATOR)


def _piece_by_piece(
    channel: Channel, first: int, parts: list[Piece], rate: float, scale: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Signal and masks of a long stretch, on the grid."""
    ratio = _ratio(rate)
    count = math.ceil(parts[-1].whole.stop * ratio)
    signal, masks = np.empty(count, np.float32), [np.empty(count, bool) for _ in range(3)]
    rest = 0.0  # where a piece has no sample at all, the line goes on as it ended
    for part in parts:
        begin, end = (math.ceil(place * ratio) for place in (part.whole.start, part.whole.stop))
        skipped = int(part.own.start * ratio)
        kept = slice(skipped, skipped + end - begin)
        recorded = np.asarray(channel.signal[first + part.seen.start : first + part.seen.stop], np.float64)
        on_grid, found = _on_grid(recorded, rate, rest)
        rest = float(on_grid[kept.stop - 1])
        signal[begin:end] = on_grid[kept] * scale
        for mask, part_of_it in zip(masks, found, strict=True):
            mask[begin:end] = part_of_it[kept]
    return signal, masks


def _on_grid(recorded: NDArray[np.float64], rate: float, rest: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """The signal at 360 Hz, and where it is missing, flat and clipped; without any sample the line stays at ``rest``."""
    missing = ~np.isfinite(recorded)
    whole = np.full(len(recorded), rest) if missing.all() else _bridged(recorded, missing)
    flat, clipped = _runs(whole, rate)
    on_grid = _resample(whole, rate)
    masks = (missing, flat & ~missing, clipped & ~missing)
    return on_grid, [_mask_on_grid(mask, rate, len(on_grid)) for mask in masks]


def _rate(channel: Channel, fs_hz: float | None) -> float:
    rate = channel.fs_hz if fs_hz is None else fs_hz
    if rate is None:
        raise UserError(f"The file does not say how many samples a second {channel.name} has. Give the sampling rate.")
    LIMITS.check_rate(rate)
    return rate


def _stretch(count: int, rate: float, start_s: float, stop_s: float | None) -> tuple[int, int]:
    """The first sample of a stretch and the one after its last; a length may be off by the rounding of both ends."""
    there, rounding = count / rate, 1 / rate
    most = start_s + 3600 * LIMITS.at_once_hours
    stop = min(most if stop_s is None else stop_s, there)  # in this order NaN stays NaN
    if not 0 <= start_s < there or not stop - start_s > LEAST_SECONDS - rounding:
        raise UserError(
            f"The stretch from {start_s:g} to {stop:g} s cannot be read: it must lie in the recording, which has {there:g} s, "
            f"and have at least {LEAST_SECONDS:g} s. Choose another one."
        )
    LIMITS.check_at_once(stop - start_s - rounding)
    return round(start_s * rate), round(stop * rate)


def _bridged(signal: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not missing.any():
        return signal
    there = np.flatnonzero(~missing)
    return np.interp(np.arange(len(signal)), there, signal[there])


def _resample(signal: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    from scipy.signal import resample_poly  # slow to import, and pages that only name a recording do not need it

    ratio = _ratio(rate)
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
    piece = starts * pieces // count  # ascending, so those of a piece stand together
    first = np.flatnonzero(np.diff(piece, prepend=-1))
    longest = np.zeros(pieces)
    longest[piece[first]] = np.maximum.reduceat(lengths, first)
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
