"""Files too large for memory: mapped, read in stretches, and given back to the system after each."""

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: A file of this size or more is mapped, a smaller one read whole.
MAPPED_BYTES = 20_000_000


def open_bytes(path: Path) -> bytes:
    """The file's bytes, or a map of a large one, which is used alike: slices, ``find``, ``len``, the buffer protocol.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if path.stat().st_size < MAPPED_BYTES:
            return file.read()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # type: ignore[return-value]


def give_back(content: bytes) -> None:
    """The memory of what was read of a map; the system reads it again where it is wanted again."""
    if isinstance(content, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        content.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class Records:
    """Whole numbers of one signal that stand together in each of many records of the same size.

    Attributes:
        content: of the file.
        offset: bytes before the first record.
        size: bytes of a record.
        start: bytes of a record before the signal's.
        samples: of the signal in a record.
        width: bytes of a sample, 2 or 3, little-endian in two's complement.
    """

    content: bytes
    offset: int
    size: int
    start: int
    samples: int
    width: int = 2

    def digital(self, first: int, last: int) -> np.ndarray:
        """(last - first,) int32."""
        if first >= last:
            return np.empty(0, np.int32)
        begin, end = first // self.samples, -(-last // self.samples)
        raw = np.frombuffer(self.content, np.uint8, self.size * (end - begin), self.offset + self.size * begin)
        part = raw.reshape(-1, self.size)[:, self.start : self.start + self.width * self.samples]
        found = _whole_numbers(part.reshape(-1, self.width))
        give_back(self.content)
        return found[first - begin * self.samples : last - begin * self.samples]


def _whole_numbers(raw: np.ndarray) -> np.ndarray:
    """(samples,) int32 of (samples, 2 or 3) bytes."""
    if raw.shape[1] == 2:
        return np.ascontiguousarray(raw).view("<i2")[:, 0].astype(np.int32)
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 1:] = raw
    return wide.view("<i4")[:, 0] >> 8
