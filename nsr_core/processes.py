"""What this program asks of other processes, and of the system about them, where Windows and POSIX differ."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress


def run_here(command: Sequence[str]) -> None:
    """Run a program in place of this one: what is sent to this process, such as Ctrl-C, reaches that one.

    Windows cannot replace a process: there ``os.execv`` starts another and ends this one at once, and the shell, which has its
    prompt back, reads the same keys. So this process waits there, and ends with the other's status; Ctrl-C reaches both, and
    is the other's to heed.

    Raises:
        SystemExit: on Windows, where the program has ended.
    """
    sys.stdout.flush()
    if sys.platform == "win32":
        sys.exit(_status_of(command))
    os.execv(command[0], list(command))


def _status_of(command: Sequence[str]) -> int:
    """Run a program beside this one and wait for its end, whatever keys are pressed meanwhile."""
    with subprocess.Popen(command) as process:
        while True:
            with suppress(KeyboardInterrupt):
                return process.wait()
