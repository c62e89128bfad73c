"""``train``: a network, a method, a checkpoint."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nsr_core.cli.app import PROGRAM
from nsr_core.cli.options import Device, Root, Sets, Source, SplitName, Threads, parse_sets
from nsr_core.cli.output import AsJson, Meter, emit
from nsr_core.compute import pick_device
from nsr_core.data import load_beats, make_split
from nsr_core.errors import UserError
from nsr_core.methods import METHODS
from nsr_core.models import NETWORKS
from nsr_core.progress import duration
from nsr_core.settings import described_fields, parse
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import TrainConfig, paper_config
from nsr_core.training.loop import train as run_training


def train(
    network: Annotated[str, typer.Argument(help=f"One of: {', '.join(NETWORKS)}.")],
    method: Annotated[str, typer.Argument(help=f"One of: {', '.join(METHODS)}.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the checkpoint; by default runs/NETWORK-METHOD.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How often every training beat is seen; by default as the method needs.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where all chance of the run comes from.")] = 0,
    source: Source = "mitbih",
    root: Root = None,
    split: SplitName = "beat",
    sets: Sets = None,
    device: Device = "auto",
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Train a network with a method under the paper's protocol.

    Interrupted, the same command goes on after the last whole epoch. Settings beyond the options, such as beta or
    learning_rate, are changed with --set; "list" names them.
    """
    base = paper_config(network, method)
    texts = parse_sets(sets)
    if fixed := {"network", "method"} & set(texts):
        raise UserError(f"--set cannot change the {fixed.pop()}: give it as the command's argument.")
    changes: dict[str, Any] = parse(
        base, {name: text for name, text in texts.items() if name in described_fields(base)}
    )
    changes |= parse(base.make_method(), {name: text for name, text in texts.items() if name not in changes})
    options = {"seed": seed, "source": source, "split": split, "threads": threads}
    if epochs is not None:
        options["epochs"] = epochs
    config: TrainConfig = paper_config(network, method, **(options | changes))
    beats = load_beats(config.source, root, Meter())
    parts = make_split(beats, config.split, config.split_seed)
    folder = out or Path("runs") / f"{network}-{method}"
    run_training(config, beats, parts, folder, device=pick_device(device), progress=Meter())
    card = load_checkpoint(folder).card
    last, spent = card["training"]["last_epoch"], card["training"]["seconds"]
    emit(
        {"folder": str(folder), **card["training"]},
        f"{folder}: {config.epochs} {'epoch' if config.epochs == 1 else 'epochs'} in {duration(spent)}, protocol {config.protocol}; on validation beats accuracy "
        f"{last['val_acc']:.3f} clean and {last['val_pgd_acc']:.3f} under 20-PGD at noise 0.1.\n"
        f"Next: {PROGRAM} evaluate {folder}",
        as_json,
    )
