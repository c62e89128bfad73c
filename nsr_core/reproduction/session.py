"""One command at work in a work folder: on this machine, or on a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nsr_core.errors import UserError
from nsr_core.files import take, tidy
from nsr_core.progress import Progress
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.cluster import ClusterWorkers
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.local import LocalWorkers
from nsr_core.reproduction.run import Workers, run_tasks
from nsr_core.reproduction.side_by_side import SideBySide
from nsr_core.reproduction.tasks import Task

LOCK_FILE = ".lock"


def carry_out_all(
    tasks: Sequence[Task], bench: Bench, *, workers: int, scheduler: str | None, costs: Costs, progress: Progress
) -> None:
    """Carry out tasks that are not done, once what killed ones left half-written is removed.

    Args:
        workers: processes on this machine, or threads that share its CUDA device.
        scheduler: address of a Dask scheduler, whose workers are used instead; None for this machine.

    Raises:
        UserError: another command is at work in the folder, there is no such scheduler, or a task failed.
    """
    with _alone(Path(bench.work)):
        tidy(Path(bench.work))
        if tasks:
            run_tasks(tasks, _workers(bench, workers, scheduler), costs, progress)


def _workers(bench: Bench, count: int, scheduler: str | None) -> Workers:
    if scheduler:
        return ClusterWorkers(bench, scheduler)
    return SideBySide(bench, count) if bench.device == "cuda" else LocalWorkers(bench, count)


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    work.mkdir(parents=True, exist_ok=True)
    with (work / LOCK_FILE).open("ab") as lock:
        if not take(lock):
            raise UserError(
                f"Another command is at work in {work}. Wait until it has ended, or give this one another folder with --out."
            )
        yield
