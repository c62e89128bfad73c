"""Locks on open files that the system releases when their holder dies: POSIX's, and Windows' in their place."""

import os
import sys
import time
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt

    #: A byte far behind the words of a lock file: Windows keeps others from reading what is locked.
    _BYTE = 1 << 30

    def lock(file: IO[Any], *, wait: bool = False, shared: bool = False) -> None:
        """Lock an open file; closing it gives the lock back. Windows has no shared locks of this kind: all are exclusive.

        Raises:
            BlockingIOError: another has it, and it is not waited for.
        """
        number = file.fileno()
        while True:
            at = os.lseek(number, 0, os.SEEK_CUR)
            os.lseek(number, _BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
                return
            except PermissionError as error:
                if not wait:
                    raise BlockingIOError(*error.args) from error
            finally:
                os.lseek(number, at, os.SEEK_SET)
            time.sleep(0.05)

else:
    import fcntl

    def lock(file: IO[Any], *, wait: bool = False, shared: bool = False) -> None:
        """Lock an open file; closing it gives the lock back.

        Raises:
            BlockingIOError: another has it, and it is not waited for.
        """
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
