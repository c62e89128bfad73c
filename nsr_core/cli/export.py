"""``export``: a checkpoint's network for other programs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nsr_core.cli.options import CheckpointFolder, Seed
from nsr_core.cli.output import AsJson, emit
from nsr_core.compute import configure
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.export import export_onnx


def export(
    checkpoint: CheckpointFolder,
    onnx: Annotated[Path, typer.Option(help="The ONNX file to write.")],
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write a network as ONNX, once it gives the same as here on random beats.

    (batch, 187) beats to (batch, 5) logits, for any size of batch.
    """
    configure(threads=1)
    loaded = load_checkpoint(checkpoint)
    check = export_onnx(loaded, onnx, seed)
    emit(
        {"checkpoint": loaded.name, "file": str(onnx), **asdict(check)},
        f"{onnx}: {loaded.name}, run on {check.beats} random beats: {check.same} of them in the same class, logits within "
        f"{check.largest_difference:.2g} of the network's (the largest is {check.largest_logit:.3g}).",
        as_json,
    )
