"""The lock on a folder of runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nsr_core.errors import UserError
from nsr_core.locking import lock

CONTROL_LOCK = ".control.lock"


@contextmanager
def control(root: Path) -> Iterator[None]:
    """Within it nobody else, be it a thread or a process, decides about the runs below ``root``.

    Raises:
        UserError: ``root`` cannot be written, also where that shows only within.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / CONTROL_LOCK).open("ab") as file:
            lock(file, wait=True)
            yield
    except OSError as error:
        raise UserError(
            f"The runs folder {root} cannot be written ({error.strerror or error}). Free some space, or allow "
            "this program to write there.",
            command_line="Or name another folder in the environment variable NSR_RUNS_DIR.",
        ) from None
