"""``masking``: whether a checkpoint hides its gradient, so that a gradient attack reports too much robustness."""

from contextlib import nullcontext
from typing import Annotated

import typer

from nsr_core.cli.options import CheckpointFolder, Root, Threads, parse_levels
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import configure
from nsr_core.data import SOURCES, load_beats, make_split
from nsr_core.files import writing
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.verdict.masking import LEVELS, PER_CLASS, SIGNS, MaskingCheck, check_masking, load_masking, save_masking

#: As ``--eps`` takes them.
USUAL_LEVELS = ",".join(f"{eps:g}" for eps in LEVELS)


def masking(
    checkpoint: CheckpointFolder,
    per_class: Annotated[int, typer.Option(min=1, help="How many beats of each class to attack.")] = PER_CLASS,
    eps: Annotated[str, typer.Option(help="Noise levels, separated by commas.")] = USUAL_LEVELS,
    seed: Annotated[int, typer.Option(min=0, help="Where the beats and the attacks' chance come from.")] = 0,
    source: Annotated[
        str | None,
        typer.Option(
            help=f"Where the beats come from: {', '.join(SOURCES)}; by default the source that it was trained on, and "
            "of that its test part."
        ),
    ] = None,
    root: Root = None,
    signs: Annotated[
        str | None,
        typer.Option(
            help=f"Look at these signs only, separated by commas, and take the others from masking.json: {', '.join(SIGNS)}."
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write masking.json into the checkpoint's folder.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with status 1 if the light is red.")] = False,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Look for signs that a checkpoint masks its gradient, so that 100-PGD as published overstates its robustness.

    Compares attacks on a few beats that it reads correctly and gives each sign a light: green, amber or red.
    """
    configure(threads)
    levels = parse_levels(eps)
    loaded = load_checkpoint(checkpoint)
    config = loaded.config
    beats = load_beats(source or config.source, root, Meter())
    own = source is None or source == config.source
    split = make_split(beats, config.split, config.split_seed) if own else None
    # While it looks, nobody trains other weights into the folder that gets the result.
    with writing(loaded.folder, "checking for masking") if keep else nullcontext():
        check = check_masking(
            loaded,
            beats,
            split,
            per_class=per_class,
            eps=levels,
            seed=seed,
            only=None if signs is None else [name.strip() for name in signs.split(",")],
            known=None if signs is None else load_masking(loaded.folder),
            progress=Meter(),
        )
        if keep:
            save_masking(check, loaded.folder)
    emit(check.to_json(), _tell(check), as_json)
    if strict and check.light == "red":
        raise typer.Exit(1)


def _tell(check: MaskingCheck) -> str:
    drawn = ", ".join(f"{count} {label}" for label, count in check.beats.items())
    return "\n".join(
        [
            columns(
                [(sign.light, sign.title, sign.sentence) for sign in check.signs], ("light", "sign", "what came out")
            ),
            "",
            f"{check.checkpoint}: {check.light}. {check.verdict}",
            check.caveat,
            f"Beats: {drawn}; {check.beats_from}, all read correctly without noise; seed {check.seed}",
        ]
    )
