"""Long recordings gone through piece by piece, so that what is made on the way costs the memory of one piece."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

#: A recording up to so long is one piece (two hours, and a second for rounding); of a longer one a piece has half an hour.
WHOLE_SECONDS, PIECE_SECONDS = 2 * 3600.0 + 1, 1800.0
#: Beats gone through at once; each needs some kilobytes on the way.
BEATS_AT_ONCE = 16_384


@dataclass(frozen=True)
class Piece:
    """A part of a signal, and around it what a filter has to see.

    Attributes:
        seen: the part with its surroundings.
        whole: the part itself; both are counted from the beginning of the signal.
    """

    seen: slice
    whole: slice

    @property
    def own(self) -> slice:
        """The part itself, counted from the beginning of ``seen``."""
        return slice(self.whole.start - self.seen.start, self.whole.stop - self.seen.start)


def pieces(count: int, fs_hz: float, overlap_s: float, period: int = 1) -> Iterator[Piece]:
    """The pieces of a signal of ``count`` samples, each seen with ``overlap_s`` seconds or more on either side.

    Args:
        period: in samples; all pieces, with and without surroundings, begin at a multiple of it.
    """
    size, overlap = (math.ceil(seconds * fs_hz / period) * period for seconds in (PIECE_SECONDS, overlap_s))
    if count <= WHOLE_SECONDS * fs_hz:
        size = count
    for start in range(0, count, size):
        stop = min(start + size, count)
        yield Piece(slice(max(start - overlap, 0), min(stop + overlap, count)), slice(start, stop))


def beats_at_once(count: int, at_once: int = BEATS_AT_ONCE) -> Iterator[slice]:
    """The rows of ``count`` beats, some at a time."""
    return (slice(start, start + at_once) for start in range(0, count, at_once))
