"""Running a plan: what can be started is started, what fails stops only what needs it, and progress covers all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nsr_core.errors import UserError
from nsr_core.progress import Progress
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.tasks import Task

#: How finely progress is reported: parts of an estimated second.
PARTS = 10
#: Seconds between two looks at what the workers say.
LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Event:
    """What a worker says of a task.

    Attributes:
        name: of the task.
        share: how much of it is done, 1 where it is finished.
        error: why it failed; None where it did not.
    """

    name: str
    share: float
    error: str | None = None


class Workers(Protocol):
    """Where tasks are carried out: processes of this machine, or a cluster."""

    def has_room(self) -> bool:
        """Whether another task may be given to them."""

    def start(self, task: Task) -> None: ...

    def wait(self, seconds: float) -> list[Event]:
        """What was said since the last call; waits for it, but not longer than that."""

    def stop(self) -> None:
        """End whatever is under way."""


def run_tasks(tasks: Sequence[Task], workers: Workers, costs: Costs, progress: Progress) -> None:
    """Carry out tasks that are not done, each after those that it needs.

    Args:
        tasks: those still to be done; a task that one of them needs and that is not among them is done.
        costs: what each takes, for the progress.
        progress: called with estimated time over all tasks, so that what it extrapolates rests on how long they really took.

    Raises:
        UserError: some tasks failed; the others are finished.
    """
    board = _Board(tasks, costs)
    try:
        while board.waiting or board.running:
            while workers.has_room() and (task := board.next_ready()):
                workers.start(task)
            if not board.running:
                break  # all that is left needs something that failed
            for event in workers.wait(LOOK_EVERY_SECONDS):
                board.hear(event)
            progress(board.done(), board.total, board.result())
    finally:
        workers.stop()
    board.check()


class _Board:
    """Which tasks wait, run, are finished or failed."""

    def __init__(self, tasks: Sequence[Task], costs: Costs) -> None:
        self._parts = {task.name: max(1, round(PARTS * task.seconds(costs))) for task in tasks}
        self.total = sum(self._parts.values())
        self.waiting = {task.name: task for task in tasks}
        self.running: dict[str, float] = {}
        self._finished: set[str] = set()
        self._failed: dict[str, str] = {}

    def next_ready(self) -> Task | None:
        """The first task whose needs are met, now running."""
        for name, task in self.waiting.items():
            if all(need in self._finished or need not in self._parts for need in task.needs):
                del self.waiting[name]
                self.running[name] = 0.0
                return task
        return None

    def hear(self, event: Event) -> None:
        if event.error is not None:
            self._failed[event.name] = event.error
            del self.running[event.name]
        elif event.share >= 1:
            self._finished.add(event.name)
            del self.running[event.name]
        else:
            self.running[event.name] = event.share

    def done(self) -> int:
        ran = sum(self._parts[name] for name in self._finished | set(self._failed))
        return ran + int(sum(self._parts[name] * share for name, share in self.running.items()))

    def result(self) -> str:
        now = next(iter(self.running), "done")
        more = f" and {len(self.running) - 1} more" if len(self.running) > 1 else ""
        return f"{len(self._finished)} of {len(self._parts)} tasks; {now}{more}"

    def check(self) -> None:
        """Raise UserError where tasks failed."""
        if self._failed:
            reasons = "; ".join(f"{name}: {error}" for name, error in self._failed.items())
            raise UserError(
                f"{len(self._failed)} of {len(self._parts)} tasks failed ({reasons}). {len(self._finished)} are finished and kept: "
                "mend the cause, and run the same command again."
            )
