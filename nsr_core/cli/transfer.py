"""``transfer`` and ``universal``: noise that was made on one network or for no beat in particular."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from nsr_core.cli.options import CheckpointFolder, Root, Seed, Threads, parse_levels
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import configure
from nsr_core.data import SOURCES, Beats, load_beats, make_split
from nsr_core.data.splits import spread_of_each_class
from nsr_core.errors import UserError
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.verdict.transfer import attack_universally, transfer_matrix

PerClass = Annotated[int, typer.Option(min=1, help="How many test beats of each class, evenly spread.")]
FromSource = Annotated[
    str | None,
    typer.Option(
        help=f"Where the beats come from: {', '.join(SOURCES)}; by default as in the training, its test part."
    ),
]


def transfer(
    checkpoints: Annotated[list[Path], typer.Argument(help="Folders of two or more checkpoints.")],
    eps: Annotated[float, typer.Option(help="Noise level.")] = 0.05,
    per_class: PerClass = 40,
    seed: Seed = 0,
    source: FromSource = None,
    root: Root = None,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Make noise on each network and show it to every other: the share of beats that they then misread.

    Of beats that both read correctly without noise. Rows made the noise, columns read it.
    """
    configure(threads)
    (level,) = parse_levels(str(eps))
    loaded = [load_checkpoint(folder) for folder in checkpoints]
    names = [one.name for one in loaded]
    if len(set(names)) < len(names):
        raise UserError(f"The checkpoints are {', '.join(names)}; expected each name once. Leave out one of two alike.")
    beats, rows = _beats(loaded[0], source, root, per_class)
    found = transfer_matrix({one.name: one.network for one in loaded}, beats, rows, level, seed=seed, progress=Meter())
    shares = {(one.source, one.target): one.share for one in found}
    table = [(made_on, *(f"{shares[made_on, read_by]:.2f}" for read_by in names)) for made_on in names]
    text = columns(table, ("made on", *names)) + f"\n\nShare misread at noise {level:g}; {len(rows)} beats, seed {seed}"
    emit({"eps": level, "seed": seed, "pairs": [one.to_json() for one in found]}, text, as_json)


def universal(
    checkpoint: CheckpointFolder,
    eps: Annotated[float, typer.Option(help="Noise level.")] = 0.05,
    any_shift: Annotated[
        bool, typer.Option("--any-shift", help="The noise may begin at any sample of the beat.")
    ] = False,
    per_class: PerClass = 80,
    seed: Seed = 0,
    source: FromSource = None,
    root: Root = None,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Look for one noise that is added to every beat alike, and count what the network then misreads.

    It is made on half of the beats and measured on the other half.
    """
    configure(threads)
    (level,) = parse_levels(str(eps))
    loaded = load_checkpoint(checkpoint)
    beats, rows = _beats(loaded, source, root, per_class)
    shifts = tuple(range(beats.x.shape[1])) if any_shift else (0,)
    found = attack_universally(loaded.network, beats, rows, level, shifts=shifts, seed=seed, progress=Meter())
    where = "at any shift" if any_shift else "in place"
    text = (
        f"{loaded.name}: accuracy {found.accuracy_before:.2f} without noise, {found.accuracy_after:.2f} with one noise of "
        f"{level:g} for all beats, {where}; {found.beats} beats that it was not made on, seed {seed}"
    )
    value: dict[str, Any] = {"checkpoint": loaded.name, "weights": loaded.digest, "seed": seed}
    emit(value | found.to_json(), text, as_json)


def _beats(loaded: Checkpoint, source: str | None, root: Path | None, per_class: int) -> tuple[Beats, np.ndarray]:
    config = loaded.config
    beats = load_beats(source or config.source, root, Meter())
    own = source is None or source == config.source
    rows = make_split(beats, config.split, config.split_seed).test if own else np.arange(len(beats))
    return beats, spread_of_each_class(beats, rows, per_class)
