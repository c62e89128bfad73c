"""Workers of a Dask cluster that is there already. Needs dask.distributed, which nothing else here does."""

import queue
import threading
import uuid
from typing import TYPE_CHECKING

from nsr_core.errors import UserError
from nsr_core.progress import no_progress
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.run import Event
from nsr_core.reproduction.tasks import Task, carry_out

if TYPE_CHECKING:
    from distributed import Client, Future

DISTRIBUTED = "distributed==2026.8.0"
CONNECT_SECONDS = 15
#: Torch's seed and thread count belong to the process: a worker with several threads takes one task at a time all the same.
_one_at_a_time = threading.Lock()


class ClusterWorkers:
    """``Workers`` behind a Dask scheduler. A task whose worker dies is given to another.

    They must see the bench's work folder, the records and this project under the same paths.

    Args:
        bench: what the tasks share.
        address: of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises:
        UserError: dask.distributed is not installed, or no scheduler answers.
    """

    def __init__(self, bench: Bench, address: str) -> None:
        self._bench = bench
        self._client = _connect(address)
        self._futures: dict[str, Future[None]] = {}
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()

    def has_room(self) -> bool:
        return True  # the scheduler queues what its workers cannot take yet

    def start(self, task: Task) -> None:
        key = f"{task.name}-{uuid.uuid4().hex}"  # a scheduler remembers results by key, and files may have gone since
        future = self._client.submit(_carry_out, task, self._bench, key=key, pure=False)
        self._futures[task.name] = future
        future.add_done_callback(lambda _: self._ended.put(task.name))

    def wait(self, seconds: float) -> list[Event]:
        try:
            name = self._ended.get(timeout=seconds)
        except queue.Empty:
            return []
        return [_event(name, self._futures.pop(name))]

    def stop(self) -> None:
        self._client.cancel(list(self._futures.values()))
        self._client.close()


def _connect(address: str) -> "Client":
    try:
        from distributed import Client
    except ImportError:
        raise UserError(
            f"--scheduler needs dask.distributed, which is not installed. Install it: pip install {DISTRIBUTED}"
        ) from None
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"No Dask scheduler answers at {address} ({' '.join(str(error).split())}). Start one with: dask scheduler"
        ) from None


def _event(name: str, future: "Future[None]") -> Event:
    if future.status == "finished":
        return Event(name, 1.0)
    error = future.exception()
    kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
    return Event(name, 0.0, kind + " ".join(str(error).split()))


def _carry_out(task: Task, bench: Bench) -> None:
    """On the cluster's side."""
    with _one_at_a_time:
        carry_out(task, bench, no_progress)
