"""``certify``: prove up to which noise level nothing flips each beat, and keep it beside the checkpoint."""

from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from nsr_core.certificates import METHODS, certify_beats, summarise
from nsr_core.certificates import certify as run_certification
from nsr_core.cli.options import CheckpointFolder, Root, SignalOnly, Spread, Threads
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import configure
from nsr_core.data import SOURCES, load_beats, make_split
from nsr_core.data.splits import first_of_each_class, spread_of_each_class
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.verdict.levels import keep_levels

#: The shares that are printed.
LEVELS = (0.001, 0.003, 0.01, 0.03, 0.1)


def certify(
    checkpoint: CheckpointFolder,
    method: Annotated[str, typer.Option(help=f"How margins are bounded: {', '.join(METHODS)}.")] = "crown",
    per_class: Annotated[
        int | None, typer.Option(min=1, help="Certify only the first so many test beats of each class.")
    ] = None,
    spread: Spread = False,
    signal_only: SignalOnly = False,
    source: Annotated[
        str | None,
        typer.Option(
            help=f"Where the beats come from: {', '.join(SOURCES)}; by default the source that it was trained on. "
            "Certificates of another source's beats are shown and not kept."
        ),
    ] = None,
    root: Root = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace certificates with other settings.")] = False,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Prove, beat by beat, up to which noise level no noise flips it.

    Beats are those of the test split that the checkpoint was trained on. Interrupted, the same command goes on.
    """
    configure(threads)
    loaded = load_checkpoint(checkpoint)
    config = loaded.config
    own = source is None or source == config.source
    beats = load_beats(source or config.source, root, Meter())
    if own:
        split = make_split(beats, config.split, config.split_seed)
        table = run_certification(
            checkpoint, beats, split, method=method, per_class=per_class, spread=spread, signal_only=signal_only,
            replace_results=replace, progress=Meter(),
        )  # fmt: skip
        keep_levels(checkpoint)
        which = f"test beats of the split by {split.name} {split.fingerprint}"
    else:
        rows = np.arange(len(beats))
        some = spread_of_each_class if spread else first_of_each_class
        rows = rows if per_class is None else some(beats, rows, per_class)
        table = certify_beats(loaded.network, beats, rows, method=method, signal_only=signal_only, progress=Meter())
        which = f"{beats.source} beats, not kept"
    summary = summarise(table, LEVELS)
    value: dict[str, Any] = {
        "checkpoint": loaded.name,
        "weights": loaded.digest,
        "method": method,
        "beats": which,
        "signal_only": signal_only,
        "kept": own,
        "by_class": [_as_json_row(row) for row in summary.to_dict("records")],
    }
    emit(value, _tell(summary, value), as_json)


def _as_json_row(row: dict[Any, Any]) -> dict[str, Any]:
    """A summary's row with the shares in one place, and None for a median that is not there."""
    shares = {f"{eps:g}": row[f"{eps:g}"] for eps in LEVELS}
    rest = {name: None if cell != cell else cell for name, cell in row.items() if name not in shares}
    return {**rest, "proved": shares}


def _tell(summary: pd.DataFrame, value: dict[str, Any]) -> str:
    header = ("class", "beats", "read correctly", "median level", *(f"proved at {eps:g}" for eps in LEVELS))
    rows = []
    for row in summary.itertuples(index=False):
        name, count, right, median, *shares = row
        level = "" if np.isnan(median) else f"{median:.4f}"
        rows.append((name, f"{count:,}", f"{right:.3f}", level, *(f"{share:.3f}" for share in shares)))
    where = "the signal's samples" if value["signal_only"] else "all samples"
    return "\n".join(
        [
            columns(rows, header),
            f"{value['checkpoint']}, {value['method']} bounds, noise on {where}, {value['beats']}",
            "Up to its level no noise flips a beat; one that is misread without noise has level 0. What is not proved is "
            "not broken: only attacks show that.",
        ]
    )
