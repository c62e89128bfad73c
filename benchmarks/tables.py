"""How a benchmark's table is written."""

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """A table with its numbers to the right."""
    lines = ["| " + " | ".join(table.columns) + " |", "| --- |" + " ---: |" * (len(table.columns) - 1)]
    return "\n".join(
        [*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in table.to_numpy(object).tolist())]
    )
