"""A shard on disk: the per-beat rows of one attack on part of the beats, and a note that says what they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nsr_core.evaluation.table import load_table, save_table
from nsr_core.files import Note


@dataclass(frozen=True)
class ShardFile:
    """Rows and note of one shard.

    Attributes:
        path: of the rows; the note lies beside it.
        identity: all that decides the rows, as values that JSON knows.
    """

    path: Path
    identity: dict[str, Any]

    @property
    def _note(self) -> Note:
        return Note(self.path.with_suffix(".json"), self.identity)

    def note(self) -> dict[str, Any] | None:
        """The note, or None where there is none or it is of other rows."""
        return self._note.read()

    def is_finished(self) -> bool:
        note = self.note()
        return note is not None and note["finished"] and self.path.exists()

    def begin(self) -> pd.DataFrame | None:
        """The rows so far, or None; rows of anything else are gone before the note names these."""
        if self.note() is None:
            self.path.unlink(missing_ok=True)
            self._note.write(seconds=0.0, finished=False)
        return load_table(self.path) if self.path.exists() else None

    def keep(self, table: pd.DataFrame, seconds: float) -> None:
        """Replace the rows; ``seconds`` is what they took in all."""
        save_table(table, self.path)
        self._note.write(seconds=seconds, finished=False)

    def finish(self, machine: dict[str, str]) -> None:
        """Say that the rows are whole, and where they were made."""
        note = self.note() or {}
        self._note.write(seconds=note.get("seconds", 0.0), finished=True, machine=machine)

    def table(self) -> pd.DataFrame:
        return load_table(self.path)
