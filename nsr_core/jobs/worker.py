"""``python -m nsr_core.jobs.worker RUNS_DIR``: runs what is queued, oldest first, one at a time, and ends.

It waits for hours beside a training, so it imports no torch.
"""

import os
import signal
import sys
import time
from pathlib import Path

from nsr_core.files import take
from nsr_core.jobs.control import WORKER_LOCK
from nsr_core.jobs.folder import FAILED, INTERRUPTED, LOG_FILE, QUEUED, RUNNING, Run, list_runs, read_run, save_run
from nsr_core.jobs.locks import control
from nsr_core.jobs.process import start

LOOK_EVERY_SECONDS = 0.5


def work(root: Path) -> None:
    """Run what is queued below ``root``, unless another worker does."""
    while _next_queued(root):
        with (root / WORKER_LOCK).open("a+", encoding="utf-8") as lock:
            if not take(lock):
                return
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            while run := _next_queued(root):
                if any(other.state == RUNNING for other in list_runs(root)):
                    time.sleep(LOOK_EVERY_SECONDS)  # a worker was killed, and the process that it started goes on
                else:
                    carry_out(run)
        # Another look, now without the lock: who submitted before it was given back has started no worker.


def carry_out(run: Run) -> None:
    """Start the process of a run, wait for it, and speak for it where it died without a word."""
    try:
        status = start("nsr_core.jobs.run", run.folder, run.folder / LOG_FILE).wait()
    except OSError as error:
        _fail(run, f"Its process could not be started ({error.strerror or error}).")
    else:
        _fail(run, _last_words(run, status))


def _next_queued(root: Path) -> Run | None:
    queued = [run for run in list_runs(root) if run.state == QUEUED]
    return min(queued, key=lambda run: (run.queued, run.name), default=None)


def _fail(run: Run, error: str) -> None:
    """Mark a run as failed whose process did not say how it ended."""
    with control(run.folder.parent):
        now = read_run(run.folder)
        # Queued at another time it was resumed meanwhile, and waits for its next process.
        if now and (now.state == INTERRUPTED or (now.state == QUEUED and now.queued == run.queued)):
            save_run(now, state=FAILED, pid=None, ended=time.time(), error=error)


def _last_words(run: Run, status: int) -> str:
    if status < 0:
        memory = ", often because memory ran out" if -status == getattr(signal, "SIGKILL", None) else ""
        return f"Its process was ended by signal {-status} ({signal.strsignal(-status)}){memory}. Resume it to go on."
    said = " ".join(run.log(lines=3).split()) or "it printed nothing"
    return f"Its process ended with status {status} and no result: {said}"


if __name__ == "__main__":
    work(Path(sys.argv[1]))
