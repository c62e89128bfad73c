"""How every command talks: text for people on standard output, JSON for machines, progress on standard error."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from nsr_core.progress import TimeLeft, duration
from nsr_core.writing import finite

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def emit(value: Any, text: str, as_json: bool) -> None:
    """Print a result: ``value`` as JSON, null for what is not finite, or ``text``."""
    typer.echo(json.dumps(finite(value), indent=2) if as_json else text)


class Meter:
    """Shows progress and the time left, on one line of a terminal or every half minute in a log."""

    def __init__(self) -> None:
        self._interactive = sys.stderr.isatty()
        self._every_seconds = 0.2 if self._interactive else 30.0
        self._last, self._left = time.monotonic(), TimeLeft()

    def __call__(self, done: int, total: int, what: str) -> None:
        now, left = time.monotonic(), self._left(done, total, what)
        if done < total and now - self._last < self._every_seconds:
            return
        self._last = now
        line = f"{100 * done / max(total, 1):5.1f} %  {what}" + (f", {duration(left)} left" if left else "")
        if self._interactive:
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r\x1b[K{line}{end}")
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()


def columns(rows: list[tuple[str, ...]], header: tuple[str, ...]) -> str:
    """Rows of text in aligned columns under a header."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)
