"""Options that several commands share, and the way from ``--set name=value`` to a setting."""

from pathlib import Path
from typing import Annotated

import typer

from nsr_core.data import SOURCES, SPLITS
from nsr_core.errors import UserError
from nsr_core.files import checkpoints_dir
from nsr_core.training.card import find_checkpoint

#: As many as a run's settings allow.
MOST_THREADS = 1024
Source = Annotated[str, typer.Option(help=f"Where the beats come from: {', '.join(SOURCES)}.")]
Root = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the source's files. Without it: NSR_MITDB_DIR (or NSR_KAGGLE_DIR), the cache, a download."
    ),
]
SplitName = Annotated[str, typer.Option("--split", help=f"Which beats train and test: {', '.join(SPLITS)}.")]
Device = Annotated[str, typer.Option(help="auto (CUDA where there is one), cpu or cuda.")]
Threads = Annotated[
    int, typer.Option(min=1, max=MOST_THREADS, help="CPU threads. The networks are small: one is usually best.")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting; may be given several times.")
]
AttackSets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Change a setting of each of the attacks; may be given several times."
    ),
]
Spread = Annotated[
    bool, typer.Option("--spread", help="With --per-class: not the first ones, but evenly spread over the records.")
]
SignalOnly = Annotated[bool, typer.Option("--signal-only", help="Leave the padding after the signal untouched.")]
Seed = Annotated[int, typer.Option(min=0, help="Where all chance comes from.")]
#: The default of what takes a folder of checkpoints.
INCLUDED, INCLUDED_IN_WORDS = checkpoints_dir(), "the included ones"
Checkpoints = Annotated[Path, typer.Option(help="Folder of checkpoints.", show_default=INCLUDED_IN_WORDS)]
CheckpointFolder = Annotated[
    Path,
    typer.Argument(
        help="A checkpoint: its name, such as mlp-loss2, or its folder, such as runs/mlp-loss2.",
        callback=find_checkpoint,
    ),
]


def parse_sets(sets: list[str] | None) -> dict[str, str]:
    """``["beta=0.3"]`` to ``{"beta": "0.3"}``.

    Raises:
        UserError: an entry without a name or a value.
    """
    parsed = {}
    for entry in sets or []:
        name, equals, value = entry.partition("=")
        if not (name and equals and value):
            raise UserError(f'--set got "{entry}"; expected NAME=VALUE, for example --set beta=0.3.')
        parsed[name.strip()] = value.strip()
    return parsed


def parse_levels(text: str) -> tuple[float, ...]:
    """``"0.01,0.1"`` to noise levels in ascending order.

    Raises:
        UserError: not numbers, or not in (0, 1].
    """
    try:
        levels = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        raise UserError(f'--eps is "{text}"; expected numbers separated by commas, for example 0.01,0.1.') from None
    if not all(0 < level <= 1 for level in levels):
        raise UserError(f'--eps is "{text}"; each noise level must lie in (0, 1], in units of the beat\'s range.')
    return levels
