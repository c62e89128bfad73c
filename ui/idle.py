"""What the process does while nobody asks it for anything: it gives memory back."""

import ctypes
import gc
import threading
import time
from contextlib import suppress
from functools import cache

from ui.admission import admission

#: Without a run of a page, until it begins; and between two looks.
IDLE_SECONDS = 30.0


@cache
def watch() -> None:
    """From now on, give memory back whenever no page has run for ``IDLE_SECONDS``."""
    threading.Thread(target=_watch, name="idle", daemon=True).start()


def _watch() -> None:
    given_back = None
    while True:
        time.sleep(IDLE_SECONDS)
        left = admission.left
        if left not in (None, given_back) and time.monotonic() - left >= IDLE_SECONDS:
            give_back()
            given_back = left


def give_back() -> None:
    """Free what only refers to itself, and return to the system what glibc keeps of what is free.

    Much of what a visit leaves refers to itself. A full collection costs a page's run, so none takes place while pages run.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
