"""How results are written: rows that JSON can hold for machines, tables in Markdown for documents."""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def finite(value: Any) -> Any:
    """The value, or None for a number that is NaN or infinite, which JSON does not know; so within dicts and lists too.

    >>> finite({"eps": 0.1, "proved": float("nan"), "levels": (1.0, float("inf"))})
    {'eps': 0.1, 'proved': None, 'levels': [1.0, None]}
    """
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rows_of(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """A table's rows by column name; None for what is missing and for what is not finite."""
    there = table.astype(object).where(table.notna(), None)
    return [{str(name): finite(cell) for name, cell in row.items()} for row in there.to_dict("records")]


def markdown(header: Sequence[str], rows: Iterable[Iterable[object]], left: Collection[str] = ()) -> str:
    """A table in Markdown: the first column and those named in ``left`` on the left, the others, of numbers, on the right.

    >>> print(markdown(("network", "ε = 0", "0.1"), [("MLP", "0.93", "0.41")]))
    | network | ε = 0 | 0.1 |
    | --- | ---: | ---: |
    | MLP | 0.93 | 0.41 |
    """
    rule = ("---" if place == 0 or name in left else "---:" for place, name in enumerate(header))
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (header, rule, *rows))
