"""Tables about beats, each named by ``record`` and ``sample``: how they are kept in files, and where a beat is in one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nsr_core.data.beats import Beats
from nsr_core.errors import Damaged, UserError
from nsr_core.files import write_atomically


@dataclass(frozen=True)
class BeatTable:
    """One kind of table.

    Attributes:
        columns: their types by name.
        order: the columns by which a file is sorted; repeats that lie together take little room.
        absent: what is said where there is no file; ``{folder}`` stands for where it would be.
        command: that writes it.
        remedy: what to do where there is a file that cannot be used: to give that command again, which may replace it.
    """

    columns: Mapping[str, str]
    order: tuple[str, ...]
    absent: str
    command: str
    remedy: str

    def empty(self) -> pd.DataFrame:
        """No beats yet."""
        return pd.DataFrame({column: [] for column in self.columns}).astype(dict(self.columns))

    def sort(self, table: pd.DataFrame) -> pd.DataFrame:
        """As it is kept: sorted, these columns, these types."""
        ordered = table.sort_values(list(self.order), ignore_index=True)
        return ordered[list(self.columns)].astype(dict(self.columns))

    def save(self, table: pd.DataFrame, path: Path) -> None:
        """Write it as Parquet, compressed and sorted."""
        ordered = self.sort(table)
        write_atomically(path, lambda partial: ordered.to_parquet(partial, compression="zstd", compression_level=19))

    def load(self, path: Path) -> pd.DataFrame:
        """Read what ``save`` wrote.

        Raises:
            Damaged: the file cannot be read or lacks a column.
            UserError: it is missing.
        """
        try:
            table = pd.read_parquet(path)
        except FileNotFoundError:
            raise UserError(f"{path} is missing: {self.absent.format(folder=path.parent)}") from None
        except (OSError, ValueError) as error:
            raise self.damaged(f"{path} cannot be read ({' '.join(str(error).split())}).") from None
        missing = [name for name in self.columns if name not in table.columns]
        if missing:
            raise self.damaged(f"{path} lacks the columns {', '.join(missing)}.")
        try:
            return table.astype(dict(self.columns))
        except (ValueError, TypeError) as error:
            raise self.damaged(f"{path} holds other values than it should ({error}).") from None

    def load_to_add(self, path: Path, replace_results: bool) -> pd.DataFrame:
        """What is there already; no beats where nothing is, or where it is damaged and may be replaced: it is then deleted.

        Raises:
            Damaged: it is damaged, and may not be replaced.
        """
        if not path.exists():
            return self.empty()
        try:
            return self.load(path)
        except Damaged:
            if not replace_results:
                raise
        path.unlink()
        return self.empty()

    def damaged(self, what: str) -> Damaged:
        """The error for what was found, with what to do next."""
        return Damaged(
            f"{what} Restore it, or {self.remedy}.", command_line=f"Give {self.command} the option --replace."
        )


def place_in_table(beats: Beats, rows: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """(rows,) where in a table with one row a beat each of the beats is; -1 where it is not."""
    return _index_of(table).get_indexer(_index(beats, rows))


def place_among(beats: Beats, rows: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """(table's rows,) which of the beats each row of the table is about; -1 where none."""
    return _index(beats, rows).get_indexer(_index_of(table))


def _index(beats: Beats, rows: np.ndarray) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([beats.record[rows], beats.sample[rows]])


def _index_of(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([table["record"].to_numpy(str), table["sample"].to_numpy()])
