"""How long work reports itself: one callback, so that the command line, a log and a page can all listen."""

import math
import time
from typing import Protocol


class Progress(Protocol):
    """Called as ``progress(done, total, what)`` from time to time; what it returns is not used, and it may raise to stop the work."""

    def __call__(self, done: int, total: int, what: str) -> object: ...


def no_progress(done: int, total: int, what: str) -> None:
    """For callers that do not listen."""


def as_part(progress: Progress, before: int, total: int) -> Progress:
    """Progress of a part that begins after ``before`` of ``total``."""
    return lambda done, _, what: progress(before + done, total, what)


class TimeIsUp(Exception):
    """Raised by a progress whose time is over: what is finished by then is kept."""


def for_minutes(progress: Progress, minutes: float | None) -> Progress:
    """The same progress, which ends the work with ``TimeIsUp`` after that time; None for no end."""
    end = time.monotonic() + 60 * (math.inf if minutes is None else minutes)

    def until(done: int, total: int, what: str) -> None:
        progress(done, total, what)
        if time.monotonic() > end:
            raise TimeIsUp

    return until


class TimeLeft:
    """Seconds that are left, by the pace since the first report of the same kind of work."""

    def __init__(self) -> None:
        self._what, self._first_done, self._started = "", 0, 0.0

    def __call__(self, done: int, total: int, what: str) -> float | None:
        """None where nothing was done yet by which it could be told."""
        now = time.monotonic()
        if what != self._what or done < self._first_done:
            self._what, self._first_done, self._started = what, done, now
        gained = done - self._first_done
        return (now - self._started) / gained * (total - done) if gained else None


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``45 s``, ``12 min``, ``1 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
