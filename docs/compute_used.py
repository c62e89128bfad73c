"""What the shipped results took to compute, from their cards."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from nsr_core.progress import duration
from nsr_core.training.card import read_card
from nsr_core.writing import markdown

#: By column, where a card keeps the seconds.
SPENT_ON = {
    "training": ("training",),
    "100-PGD": ("results", "attacks", "pgd"),
    "SPSA": ("results", "attacks", "spsa"),
    "worst case": ("results", "attacks", "worst-case"),
    "on the signal only": ("results", "attacks", "worst-case-signal"),
    "certificates": ("results", "certificates"),
}


def compute_used(folders: Iterable[Path]) -> pd.DataFrame:
    """Wall-clock seconds by checkpoint and by what they were spent on; NaN where it was not done.

    Returns:
        Rows by checkpoint name, with ``epochs`` and the columns of ``SPENT_ON``.
    """
    cards = {folder.name: read_card(folder) for folder in folders}
    rows = {
        name: {"epochs": card["training"]["epochs"]} | {spent: _seconds(card, path) for spent, path in SPENT_ON.items()}
        for name, card in cards.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _seconds(card: dict[str, Any], path: tuple[str, ...]) -> float:
    entry: Any = card
    for key in path:
        entry = entry.get(key, {})
    return float(entry.get("seconds", "nan"))


def compute_markdown(folders: Iterable[Path]) -> str:
    """The table of the documentation, with the sum of each column."""
    used = compute_used(folders)
    rows = [
        (name, f"{row['epochs']:.0f}", *(_spent(row[spent]) for spent in SPENT_ON)) for name, row in used.iterrows()
    ]
    sums = used[list(SPENT_ON)].sum()
    return markdown(("checkpoint", "epochs", *SPENT_ON), [*rows, ("all", "", *map(_spent, sums))])


def _spent(seconds: float) -> str:
    return "" if seconds != seconds else duration(seconds)
