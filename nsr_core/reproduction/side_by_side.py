"""Workers that share a CUDA device: threads of one process, each with a stream of its own.

Steps of these networks are too small to fill such a device, and processes would take turns on it; streams of one process
run beside each other. The work itself is on the device, so Python's lock costs little.
"""

import queue
import threading
import time
import traceback

import torch

from nsr_core.errors import UserError
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.run import Event
from nsr_core.reproduction.tasks import Task, carry_out

#: Seconds between two reports of a worker.
REPORT_EVERY_SECONDS = 0.5
#: Trainings at once: beyond that an H100 gained nothing.
SIDE_BY_SIDE = 16


class _Stopped(Exception):
    """Raised out of a task's progress, to end it."""


class SideBySide:
    """``Workers`` in threads of this process, for tasks whose work is on one CUDA device.

    Args:
        bench: what the tasks share.
        count: how many at once.
    """

    def __init__(self, bench: Bench, count: int) -> None:
        self._bench, self._count = bench, count
        self._threads: dict[str, threading.Thread] = {}
        self._events: queue.Queue[Event] = queue.Queue()
        self._stopping = threading.Event()

    def has_room(self) -> bool:
        return len(self._threads) < self._count

    def start(self, task: Task) -> None:
        thread = threading.Thread(target=self._carry_out, args=(task,), name=task.name, daemon=True)
        self._threads[task.name] = thread
        thread.start()

    def wait(self, seconds: float) -> list[Event]:
        events = []
        try:
            events.append(self._events.get(timeout=seconds))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            pass
        for event in events:
            if event.share >= 1 or event.error is not None:
                self._threads.pop(event.name).join()
        return events

    def stop(self) -> None:
        """Let each task end at its next report; what it has on disk is kept."""
        self._stopping.set()
        for thread in self._threads.values():
            thread.join()
        self._threads.clear()

    def _carry_out(self, task: Task) -> None:
        self._events.put(self._outcome(task))

    def _outcome(self, task: Task) -> Event:
        reported = time.monotonic()

        def progress(done: int, total: int, what: str) -> None:
            nonlocal reported
            if self._stopping.is_set():
                raise _Stopped
            if time.monotonic() - reported >= REPORT_EVERY_SECONDS:
                reported = time.monotonic()
                self._events.put(Event(task.name, min(done / max(total, 1), 0.99)))

        try:
            with torch.cuda.stream(torch.cuda.Stream() if torch.cuda.is_available() else None):
                carry_out(task, self._bench, progress)
        except _Stopped:
            return Event(task.name, 0.0, "stopped")
        except UserError as error:
            return Event(task.name, 0.0, str(error))
        except Exception as error:
            traceback.print_exc()
            return Event(task.name, 0.0, f"{type(error).__name__}: {error}")
        return Event(task.name, 1.0)
