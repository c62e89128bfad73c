"""Starting this project's modules as processes that nothing takes along when it ends."""

import os
import subprocess
import sys
from pathlib import Path

from nsr_core.files import REPOSITORY
from nsr_core.processes import apart


def start(module: str, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """``python -m module folder`` in a session of its own, which neither a closed terminal nor Ctrl-C reaches.

    It prints into ``log``. The working directory stays, since environment variables may hold relative paths.
    """
    path = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **apart(),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        )
