"""``verdict``: published robustness beside the worst case and the proof, for all checkpoints of a folder."""

from pathlib import Path
from typing import Annotated

import typer

from nsr_core.cli.options import INCLUDED, INCLUDED_IN_WORDS
from nsr_core.cli.output import AsJson, columns, emit
from nsr_core.errors import UserError
from nsr_core.training.card import list_checkpoints
from nsr_core.verdict.levels import levels_of, table_of
from nsr_core.verdict.masking import load_masking
from nsr_core.writing import rows_of


def verdict(
    root: Annotated[Path, typer.Argument(help="Folder of checkpoints.", show_default=INCLUDED_IN_WORDS)] = INCLUDED,
    eps: Annotated[float, typer.Option(min=0, max=1, help="Noise level.")] = 0.1,
    as_json: AsJson = False,
) -> None:
    """Show, from stored results, what 100-PGD as published leaves, what all our attacks leave, and what is proved.

    All on the same beats, ACC at equal priors. Get the results with evaluate, certify and masking --keep.
    """
    folders = {folder.name: folder for folder in list_checkpoints(root)}
    levels = levels_of(folders.values())
    table = table_of(levels, eps)
    if table.empty:
        known = sorted({float(level) for found in levels.values() for level in found["eps"]})
        raise UserError(
            f"No checkpoint here was evaluated at a noise level of {eps:g}. There are: {', '.join(f'{level:g}' for level in known)}.",
            command_line="Name one of them with --eps.",
        )
    checks = {name: load_masking(folder) for name, folder in folders.items()}
    table["masking"] = [check.light if (check := checks[name]) else None for name in table["checkpoint"]]
    table = table.sort_values("worst", ascending=False, ignore_index=True)
    rows = rows_of(table)
    shown = ("clean", "published", "worst", "low", "high", "signal", "proved", "gap")
    header = (
        "checkpoint",
        "clean",
        "100-PGD, published",
        "worst case",
        "from",
        "to",
        "signal only",
        "proved",
        "gap",
        "masking",
    )
    result = [
        (
            str(row["checkpoint"]),
            *("-" if row[name] is None else f"{row[name]:.3f}" for name in shown),
            str(row["masking"] or "-"),
        )
        for row in rows
    ]
    emit(
        {"eps": eps, "verdicts": rows},
        f"Noise level {eps:g}, on all samples (signal only: on those)\n{columns(result, header)}\n"
        "True robustness lies between what is proved and the worst case, which is the worst that was found.",
        as_json,
    )
