"""Workers in processes of this machine, one thread each, that end when the command ends."""

import multiprocessing
import os
import signal
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from nsr_core.errors import UserError
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.run import Event
from nsr_core.reproduction.side_by_side import SIDE_BY_SIDE
from nsr_core.reproduction.tasks import Task, carry_out

#: Seconds between two words of a worker about how far it is.
TELL_EVERY_SECONDS = 0.5

_spawn = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads in an unknown state


def default_workers(device: str) -> int:
    """One a core; with a CUDA device, which they share, as many as fill it."""
    if device == "cuda":
        return SIDE_BY_SIDE
    allowed = getattr(os, "sched_getaffinity", None)  # Linux only; it knows of a container's share
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    task: str | None = None


class LocalWorkers:
    """``Workers`` on this machine.

    Args:
        bench: what the tasks share.
        count: how many processes; they are started when they are needed.
    """

    def __init__(self, bench: Bench, count: int) -> None:
        self._bench, self._count = bench, count
        self._workers: list[_Worker] = []

    def has_room(self) -> bool:
        return len(self._workers) < self._count or any(worker.task is None for worker in self._workers)

    def start(self, task: Task) -> None:
        worker = next((worker for worker in self._workers if worker.task is None), None) or self._hire()
        worker.task = task.name
        worker.connection.send(task)

    def wait(self, seconds: float) -> list[Event]:
        events = []
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout=seconds):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                event = worker.connection.recv()
            except (EOFError, OSError):
                event = self._bury(worker)
            if event is None:
                continue
            if event.share >= 1 or event.error is not None:
                worker.task = None
            events.append(event)
        return events

    def stop(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers.clear()

    def _hire(self) -> _Worker:
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(target=_work, args=(theirs, self._bench), daemon=True)
        process.start()
        theirs.close()  # else the end of the process would not be the end of the pipe
        self._workers.append(worker := _Worker(process, ours))
        return worker

    def _bury(self, worker: _Worker) -> Event | None:
        """A process that ended by itself: it is forgotten, and its task has failed."""
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        if worker.task is None:
            return None
        code = worker.process.exitcode or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        return Event(worker.task, 0.0, f"its process {how}, often because memory ran out")


def _work(connection: Connection, bench: Bench) -> None:
    """The life of a worker process: task after task, until the command ends and the pipe with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends its workers
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            connection.send(_outcome(connection.recv(), bench, connection))


def _outcome(task: Task, bench: Bench, connection: Connection) -> Event:
    """Carry a task out; what is said of it in the end."""
    try:
        carry_out(task, bench, _Teller(connection, task.name))
    except (BrokenPipeError, ConnectionResetError):
        raise  # the command is gone, and the teller could not tell it
    except UserError as error:
        return Event(task.name, 0.0, str(error))
    except Exception as error:
        traceback.print_exc()
        return Event(task.name, 0.0, f"{type(error).__name__}: {error}")
    return Event(task.name, 1.0)


class _Teller:
    """A ``Progress`` that tells the command from time to time; where that is gone, the work ends with it."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name, self._told = connection, name, time.monotonic()

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_EVERY_SECONDS:
            self._told = now
            self._connection.send(Event(self._name, min(done / max(total, 1), 0.99)))
