"""``python -m nsr_core.jobs.run RUN_DIR``: does what a queued run's ``config.json`` says and keeps its status."""

import math
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nsr_core.errors import UserError
from nsr_core.jobs.folder import CANCELLED, FAILED, FINISHED, Run, claim, save_run
from nsr_core.processes import be_nice, heeding_stop

#: Seconds between two writings of the status.
WRITE_EVERY_SECONDS = 0.5
#: So much less of the processor than the app gets, which has to stay quick.
NICENESS = 5


class Cancelled(BaseException):
    """The run is to stop. No ``Exception``: no handler on the way may take it for an error."""


class StopSignal:
    """Turns SIGTERM into ``Cancelled``, within ``armed`` at once, else when it is asked."""

    def __init__(self) -> None:
        self.came = self._armed = False

    def check(self) -> None:
        """Raise Cancelled if the signal has come: where it came, something may have swallowed the exception."""
        if self.came:
            raise Cancelled

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Within it the signal interrupts whatever is done."""
        self._armed = True
        try:
            self.check()
            yield
        finally:
            self._armed = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within it the signal does not end the process."""
        before = signal.signal(signal.SIGTERM, self._receive)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _receive(self, number: int, frame: Any) -> None:
        self.came = True
        if self._armed:
            raise Cancelled


class Reporter:
    """A ``Progress`` that keeps the status: how far, and how long still at the speed since this process began."""

    def __init__(self, run: Run, stop: StopSignal, clock: Callable[[], float] = time.monotonic) -> None:
        self.run = run
        self._stop, self._clock = stop, clock
        self._written = -math.inf
        self._first: tuple[float, int] | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        self._stop.check()
        now = self._clock()
        if self._first is None or total != self.run.total or done < self.run.done:  # another part of the work
            self._first = now, done
        began, before = self._first
        left = (now - began) / (done - before) * (total - done) if done > before else None
        self.run = replace(self.run, done=done, total=total, what=what, seconds_left=left)
        if now - self._written >= WRITE_EVERY_SECONDS:
            self._written = now
            with suppress(OSError):  # a disk full for a moment is no reason to lose hours
                save_run(self.run)


def carry_out(folder: Path) -> None:
    """Do the work of a queued run and write how it ended; a run that is not queued is left alone."""
    stop = StopSignal()
    with stop.listening(), heeding_stop(folder), claim(folder) as run:
        if run is None:
            return
        report = Reporter(run, stop)
        state, error = _outcome(run, report, stop)
        run = report.run
        done = run.total if state == FINISHED else run.done
        save_run(run, state=state, error=error, done=done, pid=None, ended=time.time(), seconds_left=None)


def _outcome(run: Run, report: Reporter, stop: StopSignal) -> tuple[str, str | None]:
    """Do the work; returns the state that it ended in, and the error."""
    try:
        with stop.armed():
            from nsr_core.jobs.kinds import load_job  # here, because it takes seconds, and may fail, as work may

            load_job(run.config).carry_out(run.folder, report)
    except Cancelled:
        return CANCELLED, None
    except Exception as error:
        traceback.print_exc()
        if stop.came:  # what was interrupted made an error of it
            return CANCELLED, None
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        return FAILED, kind + " ".join(str(error).split())
    return FINISHED, None


if __name__ == "__main__":
    be_nice(NICENESS)
    carry_out(Path(sys.argv[1]))
