"""A recording as it lies in memory, whatever file it came from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from nsr_core.errors import UserError

#: What one unit of a channel is worth in mV; of any other unit it is not known.
MV_PER_UNIT = {"mV": 1.0, "uV": 1e-3, "V": 1e3, "nV": 1e-6}
#: A channel's unit where the file names none.
UNKNOWN_UNIT = ""


@dataclass(frozen=True)
class Marks:
    """The annotations that came with a recording, beats and others, in order.

    Attributes:
        time_s: (m,) float64, seconds from the start.
        symbols: their m symbols, as in the MIT-BIH annotation files (``N``, ``V``, ``+``, ...).
    """

    time_s: np.ndarray
    symbols: tuple[str, ...]


class Samples:
    """Samples that stay as their file has them, and become numbers in the stretches that are asked for.

    It takes a slice as an array does, so a day of several leads costs no more memory than what is looked at. The whole
    of it is ``samples[:]``.

    Args:
        count: how many samples there are.
        read: the samples from a first to before a last, as a new float64 array; NaN where one is missing.
    """

    def __init__(self, count: int, read: Callable[[int, int], np.ndarray]) -> None:
        self._count, self._read = count, read

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, part: slice) -> np.ndarray:
        """(m,) float64, a new array; of slices without steps only."""
        first, last, step = part.indices(self._count)
        if step != 1:
            raise ValueError("samples are read in stretches without steps")
        return self._read(first, max(first, last))

    def __array__(self, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)


@dataclass(frozen=True)
class Channel:
    """One signal of a recording.

    Attributes:
        name: of the lead, such as ``MLII``; never empty.
        unit: a key of ``MV_PER_UNIT``, another unit's name as the file has it, or ``UNKNOWN_UNIT``.
        fs_hz: samples a second; None where the file does not say.
        signal: (n,) floats in ``unit``, NaN where a sample is missing: an array, or ``Samples``, which has a length and gives
            arrays for slices; take ``channel.signal[first:last]``.
    """

    name: str
    unit: str
    fs_hz: float | None
    signal: np.ndarray | Samples


@dataclass(frozen=True)
class Recording:
    """What was read from a file or a few.

    Attributes:
        name: of the recording, from its file's name.
        kind: a key of ``formats.FORMATS``, or ``"sample"``.
        channels: one or more.
        marks: the annotations that came along; None where there were none.
        digest: SHA-256 of what was read, hexadecimal: the same files, the same digest.
        notes: what was noticed while reading that a person should know, in sentences.
        suggested: the channel that is an ECG by its name, else by its shape; None where none is.
    """

    name: str
    kind: str
    channels: tuple[Channel, ...]
    marks: Marks | None
    digest: str
    notes: tuple[str, ...] = ()
    suggested: str | None = None

    def default_lead(self) -> str:
        """The channel that is an ECG by its name or its shape, or the only one.

        Raises:
            UserError: there are several, and none looks like an ECG.
        """
        if self.suggested is not None:
            return self.suggested
        if len(self.channels) == 1:
            return self.channels[0].name
        leads = ", ".join(each.name for each in self.channels)
        raise UserError(f"None of the signals of {self.name} looks like an ECG. Choose the lead that is one: {leads}.")

    def channel(self, name: str) -> Channel:
        """The channel of that name.

        Raises:
            KeyError: there is none.
        """
        return next(each for each in self.channels if each.name == name)

    @classmethod
    def of_one(cls, name: str, kind: str, channel: Channel, digest: str) -> Self:
        """A recording of a single channel without annotations."""
        return cls(name, kind, (channel,), None, digest)
