"""Long work in processes of its own: submitted, queued, run one at a time, resumed; all state is in folders.

Importing this package is cheap: the worker, which waits for hours, and a page that only looks need no torch. What can
be submitted is in ``nsr_core.jobs.kinds``.
"""

from nsr_core.jobs.control import cancel, delete, ensure_worker, list_deleted, restore, resume, submit
from nsr_core.jobs.folder import (
    CANCELLED,
    FAILED,
    FINISHED,
    INTERRUPTED,
    QUEUED,
    RUNNING,
    Run,
    get_run,
    list_runs,
)

__all__ = [
    "CANCELLED",
    "FAILED",
    "FINISHED",
    "INTERRUPTED",
    "QUEUED",
    "RUNNING",
    "Run",
    "cancel",
    "delete",
    "ensure_worker",
    "get_run",
    "list_deleted",
    "list_runs",
    "restore",
    "resume",
    "submit",
]
