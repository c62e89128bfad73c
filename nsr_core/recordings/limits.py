"""What reading a recording may cost, checked before it is spent."""

import time
from dataclasses import dataclass

from nsr_core.errors import UserError
from nsr_core.progress import duration


@dataclass(frozen=True)
class Limits:
    """Bounds of one recording.

    Attributes:
        given_bytes: of the files as they are given, together, where they are read whole.
        streamed_bytes: the same of formats that are read in stretches.
        unzipped_bytes: of the files in a zip, together.
        small_bytes: that any zip may unpack to, however small it is itself.
        files: in one upload or one zip.
        channels: of one recording.
        samples: of all its channels together, where they are read into memory, of eight bytes each at first, and of four where
            that loses nothing.
        text_samples: the same of text, times counted, which is read in blocks and kept in four bytes each where it is long: a
            day of one lead at 360 Hz with its times.
        streamed_samples: the same where they are read in the stretches that are looked at.
        marks: in its annotations.
        hours: from its first sample to its last.
        at_once_hours: of it that are read at once: a day, and the hour by which recorders outlast it.
        fs_min_hz: below it an ECG cannot be read.
        fs_max_hz: above it no ECG is recorded.
        seconds: that reading may take, beside a second for each ``bytes_a_second``.
    """

    given_bytes: int = 50_000_000
    streamed_bytes: int = 500_000_000
    unzipped_bytes: int = 200_000_000
    small_bytes: int = 10_000_000
    files: int = 100
    channels: int = 64
    samples: int = 20_000_000
    text_samples: int = 65_000_000
    streamed_samples: int = 500_000_000
    marks: int = 1_000_000
    hours: float = 48.0
    at_once_hours: float = 25.0
    fs_min_hz: float = 50.0
    fs_max_hz: float = 10_000.0
    seconds: float = 30.0
    bytes_a_second: int = 4_000_000

    def allow_rate(self, fs_hz: float) -> bool:
        """Whether an ECG may have this many samples a second; NaN may not."""
        return self.fs_min_hz <= fs_hz <= self.fs_max_hz

    def check_rate(self, fs_hz: float) -> None:
        """Raises ``UserError`` for a sampling rate that cannot be used."""
        if not self.allow_rate(fs_hz):
            raise UserError(
                f"The sampling rate is {fs_hz:g} Hz, expected {self.fs_min_hz:g} to {self.fs_max_hz:g} Hz. "
                "Look it up in the recorder's settings and give it in samples a second."
            )

    def check_bytes(self, size: int, *, streamed: bool = False) -> None:
        """Raises ``UserError`` for more bytes than may be given."""
        most = self.streamed_bytes if streamed else self.given_bytes
        if size > most:
            raise UserError(
                f"The files have {megabytes(size)}, at most {megabytes(most)} are read. "
                "Cut a shorter stretch out of the recording, or give it as WFDB, which is smaller than text."
            )

    def check_unzipped(self, size: int) -> None:
        """Raises ``UserError`` for a file that unpacks to more bytes than it may."""
        if size > self.unzipped_bytes:
            raise UserError(
                f"The file unpacks to {megabytes(size)}, at most {megabytes(self.unzipped_bytes)} are read. "
                "Cut a shorter stretch out of the recording."
            )

    def check_channels(self, count: int) -> None:
        """Raises ``UserError`` for more signals than a recording may have."""
        if count > self.channels:
            raise UserError(
                f"The recording has {count:,} signals, at most {self.channels} are read. Give fewer of them."
            )

    def check_samples(self, count: int) -> None:
        """Raises ``UserError`` for more samples, of all signals together, than a recording may have."""
        if count > self.samples:
            raise UserError(
                f"The recording has {short_count(count)} samples in all its signals, at most {self.samples:,} are read. "
                "Give fewer signals or a shorter stretch."
            )

    def check_streamed(self, count: int) -> None:
        """Raises ``UserError`` for more samples than a recording may have that is read in stretches."""
        if count > self.streamed_samples:
            raise UserError(
                f"The recording has {short_count(count)} samples in all its signals, at most {self.streamed_samples:,} are "
                "read. Give fewer signals or a shorter stretch."
            )

    def check_hours(self, samples: int, fs_hz: float) -> None:
        """Raises ``UserError`` for a signal that lasts too long; ``samples`` of one signal."""
        hours = samples / fs_hz / 3600
        if hours > self.hours:
            raise UserError(
                f"The recording lasts {hours:,.1f} h, at most {self.hours:g} h are read. Give a shorter stretch."
            )

    def check_at_once(self, seconds: float) -> None:
        """Raises ``UserError`` for a stretch that is too long to be read at once."""
        most = 3600 * self.at_once_hours
        if seconds > most:
            raise UserError(
                f"The stretch lasts {duration(seconds)}, at most {duration(most)} are read at once. Choose a shorter stretch."
            )


#: What the app and the command line use.
LIMITS = Limits()


class Deadline:
    """The moment at which reading must be over; ``size`` is the bytes of the files."""

    def __init__(self, limits: Limits, size: int = 0) -> None:
        self._seconds = limits.seconds + size / limits.bytes_a_second
        self._ends = time.monotonic() + self._seconds

    def check(self) -> None:
        """Raises ``UserError`` when it has passed."""
        if time.monotonic() > self._ends:
            raise UserError(
                f"Reading took longer than {self._seconds:.3g} s and was stopped. "
                "Give a shorter stretch, or try again when the machine is less busy."
            )


def megabytes(size: int) -> str:
    """Bytes as a person reads them."""
    return f"{size / 1e6:,.1f} MB" if size < 1e12 else f"{size:.0e} bytes"


def short_count(count: int) -> str:
    """A count that a damaged header may have made absurdly long."""
    return f"{count:,}" if count < 10**15 else "more than 10^15"
