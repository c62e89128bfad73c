"""A shard on disk: the per-beat rows of one attack on part of the beats, and a note that says what they are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nsr_core.evaluation.table import load_table, save_table
from nsr_core.files import write_atomically


@dataclass(frozen=True)
class ShardFile:
    """Rows and note of one shard.

    Attributes:
        path: of the rows; the note lies beside it.
        identity: all that decides the rows, as plain JSON values.
    """

    path: Path
    identity: dict[str, Any]

    @property
    def _note_path(self) -> Path:
        return self.path.with_suffix(".json")

    def note(self) -> dict[str, Any] | None:
        """The note, or None where there is none or it is of other rows."""
        try:
            note = json.loads(self._note_path.read_text())
        except (OSError, ValueError):
            return None
        return note if isinstance(note, dict) and note.get("identity") == self.identity else None

    def is_finished(self) -> bool:
        note = self.note()
        return note is not None and note["finished"] and self.path.exists()

    def begin(self) -> pd.DataFrame | None:
        """The rows so far, or None; rows of anything else are gone before the note names these."""
        if self.note() is None:
            self.path.unlink(missing_ok=True)
            self._write(seconds=0.0, finished=False)
        return load_table(self.path) if self.path.exists() else None

    def keep(self, table: pd.DataFrame, seconds: float) -> None:
        """Replace the rows; ``seconds`` is what they took in all."""
        save_table(table, self.path)
        self._write(seconds=seconds, finished=False)

    def finish(self, machine: dict[str, str]) -> None:
        """Say that the rows are whole, and where they were made."""
        note = self.note() or {}
        self._write(seconds=note.get("seconds", 0.0), finished=True, machine=machine)

    def table(self) -> pd.DataFrame:
        return load_table(self.path)

    def _write(self, **values: Any) -> None:
        text = json.dumps({"identity": self.identity, **values}, indent=2) + "\n"
        write_atomically(self._note_path, lambda path: path.write_text(text))
