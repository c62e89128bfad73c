"""``transfer`` and ``universal``: noise that was made on one network or for no beat in particular."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from nsr_core.attacks import ATTACKS, attack_title, get_attack
from nsr_core.cli.options import INCLUDED, CheckpointFolder, Root, Seed, Threads, parse_levels
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import configure
from nsr_core.data import SOURCES, Beats, load_beats, make_split
from nsr_core.data.splits import spread_of_each_class, which_beats
from nsr_core.errors import UserError
from nsr_core.files import writing
from nsr_core.training.card import list_checkpoints
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.verdict.transfer import LEVELS, PER_CLASS, TransferTable, comparable, measure_transfer
from nsr_core.verdict.universal import attack_universally

#: As ``--eps`` takes them.
USUAL_LEVELS = ",".join(f"{eps:g}" for eps in LEVELS)
PerClass = Annotated[int, typer.Option(min=1, help="How many test beats of each class, evenly spread.")]
FromSource = Annotated[
    str | None,
    typer.Option(
        help=f"Where the beats come from: {', '.join(SOURCES)}; by default as in the training, its test part."
    ),
]


def transfer(
    checkpoints: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Names or folders of checkpoints; by default all included ones whose test beats are those of the first."
        ),
    ] = None,
    eps: Annotated[str, typer.Option(help="Noise levels, separated by commas.")] = USUAL_LEVELS,
    attack: Annotated[str, typer.Option(help=f"What makes the noise: {', '.join(ATTACKS)}.")] = "pgd",
    per_class: PerClass = PER_CLASS,
    seed: Seed = 0,
    source: FromSource = None,
    root: Root = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the result in this file, as JSON, and go on from what it holds.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace results with other settings.")] = False,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Make noise on each network and show it to every other: the accuracy that it leaves, classes equally frequent.

    Rows made the noise, columns read it. The last row is one noise for all beats, made for the network that reads it on other
    beats. Interrupted, the same command goes on after the last network that was kept.
    """
    configure(threads)
    levels, chosen = parse_levels(eps), get_attack(attack)
    loaded = _loaded(checkpoints, source)
    config = loaded[0].config
    own = source is None or source == config.source
    beats = load_beats(source or config.source, root, Meter())
    split = make_split(beats, config.split if own else "beat", config.split_seed)
    rows, known = (spread_of_each_class(beats, part, per_class) for part in (split.test, split.validation))
    protocol = {
        "source": beats.source,
        "split": {"name": split.name, "fingerprint": split.fingerprint},
        "beats": which_beats(per_class, spread=True),
        "count": len(rows),
        "signal_only": False,
        "universal_from": f"{len(known)} validation beats",
    }
    with writing(keep.absolute().parent, "measuring transfer") if keep else nullcontext():
        table = measure_transfer(
            loaded,
            beats,
            known,
            rows,
            protocol,
            attack=chosen,
            levels=levels,
            seed=seed,
            keep=keep,
            replace_results=replace,
            progress=Meter(),
        )
    emit(table.to_json(), _tell(table, attack), as_json)


def _loaded(given: list[Path] | None, source: str | None) -> list[Checkpoint]:
    """The checkpoints that are named, or the included ones.

    Raises:
        UserError: some were trained on what are test beats of the others.
    """
    folders = given or list_checkpoints(INCLUDED)
    if not folders:
        raise UserError(f"There is no checkpoint in {INCLUDED}. Name two or more.")
    loaded = [load_checkpoint(folder) for folder in folders]
    if not given:
        return comparable(loaded)
    if source is None and len(comparable(loaded)) < len(loaded):
        splits = ", ".join(f"{one.name} by {one.config.split}" for one in loaded)
        raise UserError(
            f"The checkpoints have different test beats ({splits}): what one is tested on, another has learned. Name those of "
            "one split.",
            command_line="Or let all read beats that none was trained on: --source demo.",
        )
    return loaded


def _tell(table: TransferTable, attack: str) -> str:
    names = list(table.noises)
    parts = []
    for eps in table.levels:
        matrix = table.matrix(eps)
        rows = [(name, *(f"{matrix[target][name]:.2f}" for target in names)) for name in names]
        rows.append(("one noise for all beats", *(f"{table.noises[name].universal[f'{eps:g}']:.2f}" for name in names)))
        told = [
            f"{row['target']}: its own noise leaves {row['own']:.2f}, that of {row['source']} {row['transferred']:.2f}"
            for row in table.telling(eps).to_dict("records")
        ]
        parts.append(f"Noise {eps:g}\n{columns(rows, ('made on', *names))}")
        parts += ["Weaker than another's noise:\n" + "\n".join(told)] if told else []
    ran = table.protocol
    parts.append(
        f"Accuracy, classes equally frequent; {attack_title(attack)}, noise on all samples, {ran['count']:,} {ran['source']} "
        f"beats ({ran['beats']}), split by {ran['split']['name']} {ran['split']['fingerprint']}, seed {ran['seed']}"
    )
    return "\n\n".join(parts)


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
    found = attack_universally(
        loaded.network, beats, rows[::2], rows[1::2], level, shifts=shifts, seed=seed, progress=Meter()
    )
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
