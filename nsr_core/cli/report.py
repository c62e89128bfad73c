"""``report``: the checkpoints' results beside the paper's tables."""

from pathlib import Path
from typing import Annotated

import typer

from nsr_core.cli.output import AsJson, emit
from nsr_core.paper.report import compare
from nsr_core.paper.report import report as make_report
from nsr_core.training.card import list_checkpoints


def report(
    checkpoints: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = Path("checkpoints"),
    as_json: AsJson = False,
) -> None:
    """Set the evaluated checkpoints beside the paper's tables, as Markdown.

    "mended" counts the beats that an attack missed at a noise level after having broken them at a smaller one.
    """
    folders = list_checkpoints(checkpoints)
    emit(compare(folders).to_dict("records"), make_report(folders), as_json)
