"""How long work reports itself: one callback, so that the command line, a log and a page can all listen."""

from typing import Protocol


class Progress(Protocol):
    """Called as ``progress(done, total, what)`` from time to time; it may raise to stop the work."""

    def __call__(self, done: int, total: int, what: str) -> None: ...


def no_progress(done: int, total: int, what: str) -> None:
    """For callers that do not listen."""
