"""How many runs of pages go on at the same time."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

#: Runs of pages that go on at the same time, of those that began in the last ``LONG_SECONDS``.
AT_ONCE, LONG_SECONDS = 2, 1.0


class Admission:
    """Lets few at a time in, in the order in which they came.

    The runs of pages share one interpreter. Let in all at once, none ends before nearly all the work is done, each holds what its
    page is made of until then, and changing between them costs processor time. One after the other most end much sooner, and the
    last one no later.

    Args:
        at_once: how many.
        long: seconds after which one that is in no longer counts: others shall not wait for a slow attack.
    """

    def __init__(self, at_once: int = AT_ONCE, long: float = LONG_SECONDS) -> None:
        self._at_once, self._long = at_once, long
        self._waiting: deque[object] = deque()
        #: When each began that is in, in that order.
        self._began: dict[object, float] = {}
        self._changed = threading.Condition()

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Waits until it is let in; the ``with`` block is in."""
        me = object()
        with self._changed:
            self._waiting.append(me)
            while self._waiting[0] is not me:
                self._changed.wait()
            while (seconds := self._seconds_until_free()) > 0:
                self._changed.wait(seconds)
            self._waiting.popleft()
            self._began[me] = time.monotonic()
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                del self._began[me]
                self._changed.notify_all()

    def _seconds_until_free(self) -> float:
        """Where nobody leaves; 0 or less where there is room."""
        if len(self._began) < self._at_once:
            return 0.0
        return list(self._began.values())[-self._at_once] + self._long - time.monotonic()


#: Of this process.
admission = Admission()
