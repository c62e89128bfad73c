"""``report``: the checkpoints' results beside the paper's tables."""

from nsr_core.cli.options import INCLUDED, Checkpoints
from nsr_core.cli.output import AsJson, emit
from nsr_core.paper.report import compare
from nsr_core.paper.report import report as make_report
from nsr_core.training.card import list_checkpoints


def report(
    checkpoints: Checkpoints = INCLUDED,
    as_json: AsJson = False,
) -> None:
    """Set the evaluated checkpoints beside the paper's tables, as Markdown.

    "mended" counts the beats that an attack missed at a noise level after having broken them at a smaller one.
    """
    folders = list_checkpoints(checkpoints)
    emit(compare(folders).to_dict("records"), make_report(folders), as_json)
