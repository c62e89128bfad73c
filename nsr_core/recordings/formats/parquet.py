"""Parquet: columns of numbers and one of times, read by pyarrow."""

import io
from typing import Any

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.csv_time import Table
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.table import read_table
from nsr_core.recordings.formats.text import quote, split_unit

_MAGIC = b"PAR1"


def read_parquet(given: Given) -> Contents:
    """The columns of numbers; a column of times tells the rate.

    Raises:
        UserError: it is damaged, holds no column of numbers, or more than a limit allows.
    """
    try:
        table, others = _columns(given)
    except UserError:
        raise
    except Exception as error:  # pyarrow meets damage with more types than it documents
        raise UserError(f"{quote(given.name)} cannot be read as Parquet. Save it again, or save it as CSV.") from error
    if not table.values:
        raise UserError(f"{quote(given.name)} has no column of numbers. Give a table with the ECG in one.")
    contents = read_table(given, table, None)
    if others:
        contents.notes.append(f"Left out: {others} columns that hold no numbers.")
    return contents


def _columns(given: Given) -> tuple[Table, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(given.content))
    schema, rows = file.schema_arrow, file.metadata.num_rows
    numbers = [each.name for each in schema if _is_number(each.type) or pa.types.is_timestamp(each.type)]
    given.limits.check_channels(len(numbers) - 1)
    given.limits.check_samples(rows * len(numbers))
    unpacked = sum(file.metadata.row_group(each).total_byte_size for each in range(file.metadata.num_row_groups))
    given.limits.check_unzipped(unpacked)
    headings: list[str] = []
    units: list[str] = []
    stamps: list[int] = []
    values: list[list[np.ndarray]] = []
    for batch in file.iter_batches(batch_size=min(rows or 1, 1 << 20), columns=numbers):
        given.deadline.check()
        parts = [_floats(column) for column in batch.columns]
        values = [[*before, part] for before, part in zip(values or [[] for _ in parts], parts, strict=True)]
        given.limits.check_samples(sum(map(len, values[0])) * len(values) if values else 0)
    for place, name in enumerate(numbers):
        heading, unit = split_unit(name)
        headings.append("" if heading.startswith("__index_level") else heading)
        units.append(unit)
        if pa.types.is_timestamp(schema.field(name).type):
            stamps.append(place)
    table = Table(headings, units, [np.concatenate(each) for each in values], frozenset(stamps))
    return table, len(schema) - len(numbers)


def _is_number(kind: object) -> bool:
    import pyarrow as pa

    return any(is_such(kind) for is_such in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean))


def _floats(column: Any) -> np.ndarray:
    """(rows,) float64, NaN where a value is missing; of times seconds from the first day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        column = pc.divide(
            pc.cast(pc.cast(column, pa.timestamp("ns", column.type.tz)), pa.int64()).cast(pa.float64()), 1e9
        )
    return np.array(pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


PARQUET = Format(
    key="parquet",
    title="Parquet",
    endings=(".parquet",),
    recognise=lambda name, content: content[:4] == _MAGIC,
    read=read_parquet,
    reads="columns of numbers, and one of times",
)
