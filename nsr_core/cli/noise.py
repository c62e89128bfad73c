"""``noise``: read test beats under everyday noise, beside which adversarial noise can be seen."""

from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from nsr_core.cli.options import CheckpointFolder, Root, Threads
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import configure
from nsr_core.data import SOURCES, Beats, load_beats, make_split
from nsr_core.data.everyday_noise import NOISE_KINDS, noise_rms
from nsr_core.data.splits import spread_of_each_class
from nsr_core.errors import UserError
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.verdict.everyday import (
    DRAWS,
    PER_CLASS,
    SNR_DB,
    everyday_table,
    read_under_noise,
    summarise_everyday,
)
from nsr_core.writing import rows_of

DEFAULT_SNR = ",".join(f"{level:g}" for level in SNR_DB)


def noise(
    checkpoint: CheckpointFolder,
    snr: Annotated[str, typer.Option(help="Signal-to-noise ratios in dB, separated by commas.")] = DEFAULT_SNR,
    kinds: Annotated[str, typer.Option(help="Kinds of noise, separated by commas.")] = ",".join(NOISE_KINDS),
    draws: Annotated[int, typer.Option(min=1, help="How often noise is drawn for each beat and kind.")] = DRAWS,
    per_class: Annotated[
        int, typer.Option(min=0, help="Test beats of each class that are read, evenly spread; 0 for all of them.")
    ] = PER_CLASS,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Where the noise comes from.")] = 0,
    source: Annotated[
        str | None,
        typer.Option(
            help=f"Where the beats come from: {', '.join(SOURCES)}; by default the source that it was trained on. "
            "What is read on another source's beats is shown and not kept."
        ),
    ] = None,
    root: Root = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace results with other settings.")] = False,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Show it its test beats under wander, muscle artefact, electrode motion and mains hum, and count what it misreads.

    All noise is synthetic. It is added before the beat is scaled to [0, 1], so it may move every sample. Interrupted, the
    same command goes on.
    """
    configure(threads)
    loaded = load_checkpoint(checkpoint)
    config = loaded.config
    own = source is None or source == config.source
    asked: dict[str, Any] = {"kinds": _names(kinds), "snr_db": parse_snr(snr), "draws": draws, "seed": seed}
    beats = load_beats(source or config.source, root, Meter())
    split = make_split(beats, config.split, config.split_seed) if own else None
    rows = np.arange(len(beats)) if split is None else split.test
    rows = spread_of_each_class(beats, rows, per_class) if per_class else rows
    if split is None:
        table = everyday_table(loaded.network, beats, rows, **asked, progress=Meter())
        which = f"{beats.source} beats, not kept"
    else:
        table = read_under_noise(
            checkpoint, beats, split, **asked, per_class=per_class or None, replace_results=replace, progress=Meter()
        )
        which = f"test beats of the split by {split.name} {split.fingerprint}"
    summary = summarise_everyday(table)
    value = {
        "checkpoint": loaded.name,
        "weights": loaded.digest,
        "beats": f"{len(rows):,} {which}",
        "draws": draws,
        "seed": seed,
        "kept": own,
        "same_power_eps": same_power_eps(beats, rows, asked["snr_db"]),
        "by_noise": rows_of(summary.round(5)),
    }
    emit(value, _tell(summary, value), as_json)


def parse_snr(text: str) -> tuple[float, ...]:
    """``"12,0"`` to signal-to-noise ratios in descending order.

    Raises:
        UserError: not finite numbers.
    """
    try:
        levels = tuple(sorted({float(part) for part in text.split(",")}, reverse=True))
    except ValueError:
        raise UserError(f'--snr is "{text}"; expected numbers separated by commas, for example 24,12,0.') from None
    if not np.isfinite(levels).all():
        raise UserError(f'--snr is "{text}"; each ratio must be a finite number of dB.')
    return levels


def same_power_eps(beats: Beats, rows: np.ndarray, snr_db: tuple[float, ...]) -> dict[str, float]:
    """For each ratio the eps of the same power: noise that changes every signal sample by so much, median over beats."""
    x, length = beats.x[rows], beats.length[rows]
    return {f"{level:g}": round(float(np.median(noise_rms(x, length, level))), 5) for level in snr_db}


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _tell(summary: pd.DataFrame, value: dict[str, Any]) -> str:
    levels = list(dict.fromkeys(summary["snr_db"]))
    header = ("ACC", *("no noise" if np.isinf(level) else f"{level:g} dB" for level in levels))
    rows = [
        (str(kind), *(f"{row.acc:.3f} ({row.low:.3f}-{row.high:.3f})" for row in group.itertuples()))
        for kind, group in summary.groupby("kind", sort=False)
    ]
    same = ("eps of the same power", "0", *(f"{eps:.3f}" for eps in value["same_power_eps"].values()))
    return "\n".join(
        [
            columns([*rows, same], header),
            f"{value['checkpoint']}, synthetic noise, {value['draws']} draws, seed {value['seed']}, {value['beats']}",
            "ACC with every class as frequent as any other, mean over the draws; in brackets 95 % of resamples of the beats. "
            "Such noise does not aim, and may mend a reading too. What an attack does within an eps, evaluate tells.",
        ]
    )
