"""How a benchmark's table is written."""

import pandas as pd

from nsr_core import writing


def markdown(table: pd.DataFrame) -> str:
    """A table with its numbers to the right."""
    return writing.markdown(table.columns.tolist(), table.to_numpy(object).tolist())
