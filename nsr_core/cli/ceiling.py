"""``ceiling``: the most that any classifier can keep on the test beats, and what a nearest neighbour proves."""

import json
from pathlib import Path
from typing import Annotated

import typer

from nsr_core.certificates.ceiling import ceiling as run_ceiling
from nsr_core.certificates.ceiling import nearest_kept
from nsr_core.cli.options import Root, Spread
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.data import SOURCES, load_beats, make_split
from nsr_core.data.splits import SPLITS, chosen_test_beats, which_beats
from nsr_core.files import write_atomically

LEVELS = (0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)


def ceiling(
    source: Annotated[str, typer.Option(help=f"Where the beats come from: {', '.join(SOURCES)}.")] = "mitbih",
    split: Annotated[str, typer.Option(help=f"Which of them test: {', '.join(SPLITS)}.")] = "beat",
    per_class: Annotated[
        int | None, typer.Option(min=1, help="Only this number of test beats of each class, the first.")
    ] = None,
    spread: Spread = False,
    neighbours: Annotated[
        int, typer.Option(min=0, help="Test beats of each class that are read by their nearest training beat; 0: none.")
    ] = 50,
    keep: Annotated[Path | None, typer.Option(help="Keep the result in this file, as JSON.")] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Show what no classifier whatever can exceed at each noise level, whatever it is trained on or with.

    Beats of different classes that noise can make alike cannot both be kept. Classes are equally frequent.
    """
    beats = load_beats(source, root, Meter())
    parts = make_split(beats, split)
    rows = chosen_test_beats(beats, parts, per_class, spread)
    table = run_ceiling(beats, rows, LEVELS, progress=Meter())
    read = chosen_test_beats(beats, parts, min(neighbours, per_class or neighbours), True)
    if neighbours:
        table["nearest"] = nearest_kept(beats, parts.train, read, LEVELS, progress=Meter())
    levels = table.to_dict("records")
    value = {
        "source": source,
        "split": {"name": parts.name, "fingerprint": parts.fingerprint},
        "beats": which_beats(per_class, spread),
        "count": len(rows),
        "nearest_count": len(read) if neighbours else 0,
        "levels": levels,
    }
    header = ("noise level", "any classifier, at most", "noise on the signal only", "nearest neighbour, proved")
    cells = [tuple(f"{cell:.4g}" for cell in row.values()) for row in levels]
    result = (
        f"{columns(cells, header[: len(table.columns)])}\n{len(rows):,} test beats of {source}, classes equally frequent; "
        f"{value['nearest_count']:,} of them read by their nearest training beat"
    )
    if keep is not None:
        write_atomically(keep, lambda path: path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8"))
    emit(value, result, as_json)
