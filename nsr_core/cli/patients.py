"""``patients``: recall, precision and F1 by class as frequent as the classes are, with intervals over patients."""

from typing import Annotated, Any

import typer

from nsr_core.cli.options import CheckpointFolder
from nsr_core.cli.output import AsJson, columns, emit
from nsr_core.verdict.patients import CLASS_MEASURES, read_patients
from nsr_core.writing import rows_of


def patients(
    checkpoint: CheckpointFolder,
    attack: Annotated[str, typer.Option(help="Whose stored results: pgd20, pgd100, spsa, worst-case, ...")] = "pgd100",
    eps: Annotated[float, typer.Option(min=0, max=1, help="Noise level; 0 for none.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Show a checkpoint's stored results class by class, at natural class frequencies.

    Intervals are over resampled patients: beats of one patient are alike, so intervals over beats are too narrow.
    """
    found = read_patients(checkpoint, attack, eps)
    classes = rows_of(found.classes)
    value = {
        "checkpoint": checkpoint.name,
        "attack": attack,
        "eps": eps,
        "beats": found.beats,
        "classes": classes,
        "overall": rows_of(found.overall),
    }
    header = ("class", "beats", "patients", *CLASS_MEASURES)
    rows = [
        (row["class"], f"{row['beats']:,}", str(row["patients"]), *(_cell(row, name) for name in CLASS_MEASURES))
        for row in classes
    ]
    whole = "\n".join(
        f"{row.measure} {row.value:.3f} ({row.low:.3f} to {row.high:.3f})" for row in found.overall.itertuples()
    )
    which = f"{found.beats}; {attack} at noise level {eps:g}" if eps else f"{found.beats}; no noise"
    emit(
        value,
        f"{columns(rows, header)}\n\n{whole}\n{which}; intervals: 95 % of 1,000 resamples of the patients",
        as_json,
    )


def _cell(row: dict[str, Any], name: str) -> str:
    if row[name] is None:
        return "-"
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})"
