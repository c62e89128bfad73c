"""The included results beside the paper's, as Markdown: what the documentation shows is made here."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from nsr_core.errors import UserError
from nsr_core.methods import METHODS
from nsr_core.paper.published import beside_paper, paper_tables
from nsr_core.training.card import RESULTS_FILE
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.writing import markdown

ATTACK_TITLES = {"pgd20": "20-PGD", "pgd100": "100-PGD", "spsa": "SPSA"}
METRIC_TITLES = {"acc": "ACC", "prec": "PREC"}


def compare(folders: Iterable[Path]) -> pd.DataFrame:
    """Every value of the paper's tables for which a checkpoint trained and evaluated by its protocol has one.

    Returns:
        Rows ``table, metric, attack, eps, paper, ours, difference, network, method, mended``, by table and method.

    Raises:
        UserError: none of the folders has such results.
    """
    parts = []
    for folder in folders:
        checkpoint = load_checkpoint(folder)
        robust = checkpoint.card["results"].get("robust", {})
        published = [attack for attack, entry in robust.items() if entry["protocol"] == "paper"]
        if checkpoint.config.protocol != "paper" or not published:
            continue
        summary = pd.read_csv(folder / RESULTS_FILE)
        summary = summary[summary["attack"].isin(published)]
        compared = beside_paper(summary, checkpoint.config.network, checkpoint.config.method)
        compared = compared.merge(summary[["attack", "eps", "mended"]], on=["attack", "eps"])
        parts.append(compared.assign(network=checkpoint.config.network, method=checkpoint.config.method))
    if not parts:
        raise UserError("No checkpoint here was trained and evaluated by the paper's protocol. Train and evaluate one.")
    parts.sort(key=lambda part: list(METHODS).index(part["method"].iloc[0]))
    return pd.concat(parts, ignore_index=True).sort_values("table", kind="stable", ignore_index=True)


def table_markdown(compared: pd.DataFrame, table: int) -> str:
    """One of the paper's tables with our value in each cell, the paper's in brackets, and the mean distance by method."""
    cells = compared[compared["table"] == table]
    first = paper_tables()[paper_tables()["table"] == table].iloc[0]
    title = (
        f"Table {table}: {METRIC_TITLES[first['metric']]}, {first['network'].upper()}, {ATTACK_TITLES[first['attack']]}"
    )
    levels = sorted(cells["eps"].unique())
    rows = []
    for method, row in cells.groupby("method", sort=False):
        values = (f"{ours:.2f} ({paper:.2f})" for ours, paper in zip(row["ours"], row["paper"], strict=True))
        rows.append((method, *values, f"{row['difference'].abs().mean():.3f}", f"{row['mended'].sum():,}"))
    header = ("method", *(f"{level:g}" for level in levels), "mean distance", "mended")
    return f"**{title}** — ours (paper)\n\n{markdown(header, rows)}"


def report(folders: Iterable[Path]) -> str:
    """All tables that the checkpoints can be set beside."""
    compared = compare(folders)
    return "\n\n".join(table_markdown(compared, table) for table in sorted(compared["table"].unique()))
