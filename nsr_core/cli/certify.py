"""``certify``: prove up to which noise level nothing flips each beat, and keep it beside the checkpoint."""

from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer

from nsr_core.beat.bracket import bracket_beat
from nsr_core.certificates import BOUNDS, certify_beats, summarise_certificates
from nsr_core.certificates import certify as run_certification
from nsr_core.certificates.branch import decide as decide_beat
from nsr_core.cli.options import CheckpointFolder, Root, SignalOnly, Spread, Threads
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import configure
from nsr_core.data import SOURCES, Beats, load_beats, make_split
from nsr_core.data.splits import first_of_each_class, spread_of_each_class
from nsr_core.models import Network
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.verdict.levels import keep_levels
from nsr_core.writing import finite, rows_of

#: The shares that are printed.
LEVELS = (0.001, 0.003, 0.01, 0.03, 0.1)


def certify(
    checkpoint: CheckpointFolder,
    method: Annotated[str, typer.Option(help=f"How margins are bounded: {', '.join(BOUNDS)}.")] = "crown",
    per_class: Annotated[
        int | None, typer.Option(min=1, help="Certify only this number of test beats of each class, the first.")
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
    decide: Annotated[
        bool,
        typer.Option("--decide", help="Close each beat's bracket by branch and bound (MLP); shown and not kept."),
    ] = False,
    seconds: Annotated[float, typer.Option(min=0, help="With --decide: the time limit of each beat.")] = 30.0,
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
    if decide:
        rows = np.arange(len(beats))
        if own:
            rows = make_split(beats, config.split, config.split_seed).test
        if per_class is not None:
            rows = (spread_of_each_class if spread else first_of_each_class)(beats, rows, per_class)
        decided = [_decided(loaded.network, beats, int(row), signal_only, seconds) for row in rows]
        emit({"checkpoint": loaded.name, "beats": decided}, _tell_decided(decided), as_json)
        return
    if own:
        split = make_split(beats, config.split, config.split_seed)
        table = run_certification(
            checkpoint,
            beats,
            split,
            method=method,
            per_class=per_class,
            spread=spread,
            signal_only=signal_only,
            replace_results=replace,
            progress=Meter(),
        )
        keep_levels(checkpoint)
        which = f"test beats of the split by {split.name} {split.fingerprint}"
    else:
        rows = np.arange(len(beats))
        some = spread_of_each_class if spread else first_of_each_class
        rows = rows if per_class is None else some(beats, rows, per_class)
        table = certify_beats(loaded.network, beats, rows, method=method, signal_only=signal_only, progress=Meter())
        which = f"{beats.source} beats, not kept"
    summary = summarise_certificates(table, LEVELS)
    value: dict[str, Any] = {
        "checkpoint": loaded.name,
        "weights": loaded.digest,
        "method": method,
        "beats": which,
        "signal_only": signal_only,
        "kept": own,
        "by_class": [_as_json_row(row) for row in rows_of(summary)],
    }
    emit(value, _tell(summary, value), as_json)


def _decided(network: Network, beats: Beats, row: int, signal_only: bool, seconds: float) -> dict[str, Any]:
    """What is known of a beat from attacks and CROWN, and after branch and bound."""
    known = bracket_beat(network, beats, row, signal_only=signal_only)
    result: dict[str, Any] = {"record": str(beats.record[row]), "sample": int(beats.sample[row])}
    result |= {"crown": known.certified, "attack": finite(known.broken)}
    certified, broken, cases, took = known.certified, known.broken, 0, 0.0
    if known.broken != 0:
        length = int(beats.length[row]) if signal_only else None
        found = decide_beat(
            network,
            torch.from_numpy(beats.x[row]),
            int(beats.y[row]),
            certified,
            broken,
            length=length,
            seconds=seconds,
            progress=Meter(),
        )
        certified, broken, cases, took = found.certified, found.broken, found.cases, found.seconds
    result |= {"certified": certified, "broken": finite(broken)}
    return result | {"cases": cases, "seconds": round(took, 1)}


def _tell_decided(decided: list[dict[str, Any]]) -> str:
    header = ("record", "sample", "CROWN", "smallest attack", "proved", "broken", "cases", "seconds")
    rows = [
        tuple("-" if cell is None else f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row.values())
        for row in decided
    ]
    closed = sum(
        row["broken"] is not None and row["broken"] <= 1.05 * row["certified"] for row in decided if row["attack"] != 0
    )
    right = sum(row["attack"] != 0 for row in decided)
    return f"{columns(rows, header)}\n{closed} of {right} beats that are read correctly: bracket closed to within 5 %"


def _as_json_row(row: dict[str, Any]) -> dict[str, Any]:
    """A summary's row with the shares in one place."""
    shares = {f"{eps:g}": row[f"{eps:g}"] for eps in LEVELS}
    rest = {name: cell for name, cell in row.items() if name not in shares}
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
