"""Recordings in memory, each for a while after it was last used: a visit may end long before the server notices."""

import threading
import time
from dataclasses import dataclass

from nsr_core.recordings.recording import Recording

MINUTES = 30
_SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Ticket:
    """Stands for a recording in a visit's state."""

    number: int


_lock = threading.Lock()
_held: dict[Ticket, tuple[Recording, float]] = {}
_count = 0


def keep(recording: Recording) -> Ticket:
    """Keep a recording until it was not asked for in ``MINUTES``."""
    global _count
    with _lock:
        _count += 1
        ticket = Ticket(_count)
        if not _held:
            _later()
        _held[ticket] = (recording, time.monotonic())
    return ticket


def find(ticket: Ticket) -> Recording | None:
    """The recording; None where it was dropped."""
    with _lock:
        found = _held.get(ticket)
        if found is None:
            return None
        _held[ticket] = (found[0], time.monotonic())
        return found[0]


def drop(ticket: object) -> None:
    """Forget it now; of anything else than a ticket nothing."""
    with _lock:
        if isinstance(ticket, Ticket):
            _held.pop(ticket, None)


def sweep(now: float) -> None:
    """Forget what was not asked for in ``MINUTES`` before a time of ``time.monotonic``."""
    with _lock:
        for ticket in [ticket for ticket, (_, used) in _held.items() if now - used > 60 * MINUTES]:
            del _held[ticket]


def _later() -> None:
    timer = threading.Timer(_SWEEP_SECONDS, _sweep_and_go_on)
    timer.daemon = True
    timer.start()


def _sweep_and_go_on() -> None:
    sweep(time.monotonic())
    with _lock:
        if _held:
            _later()
