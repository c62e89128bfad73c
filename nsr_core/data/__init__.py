"""Beats and where they come from: one function for all sources, one for all splits.

Importing this package is cheap; what reads WFDB or CSV files is imported when it is used.
"""

import os
from collections.abc import Callable

from nsr_core.data.beats import CLASS_NAMES, CLASSES, FS_HZ, Beats
from nsr_core.data.splits import SPLITS, Split, make_split
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress

__all__ = [
    "CLASSES", "CLASS_NAMES", "FS_HZ", "SOURCES", "SPLITS", "Beats", "Split", "is_at_hand", "load_beats", "make_split",
]  # fmt: skip

Root = str | os.PathLike | None


def _mitbih(root: Root, progress: Progress) -> Beats:
    from nsr_core.data.mitbih import load_mitbih

    return load_mitbih(root, progress)


def _kaggle(root: Root, progress: Progress) -> Beats:
    from nsr_core.data.kaggle import load_kaggle

    return load_kaggle(root, progress)


def _demo(root: Root, progress: Progress) -> Beats:
    from nsr_core.data.demo import load_demo

    if root:
        raise UserError(f"The demo beats are made, not read: they need no folder, but got {root}. Leave it out.")
    return load_demo()


SOURCES: dict[str, Callable[[Root, Progress], Beats]] = {"mitbih": _mitbih, "kaggle": _kaggle, "demo": _demo}


def load_beats(source: str = "mitbih", root: Root = None, progress: Progress = no_progress) -> Beats:
    """The beats of one source.

    Args:
        source: ``"mitbih"`` (the 48 records), ``"kaggle"`` (the published CSV) or ``"demo"`` (1,000
            synthetic beats).
        root: folder with the source's files; without it each source looks where its loader says.
        progress: told of every file that is read or downloaded.

    Raises:
        UserError: no source has that name, or its files are missing or damaged.
    """
    if source not in SOURCES:
        raise UserError(f'There is no source "{source}". Choose one of: {", ".join(SOURCES)}.')
    return SOURCES[source](root, progress)


def is_at_hand(source: str, root: Root = None) -> bool:
    """Whether the beats of a source can be loaded here without a download.

    Looks for the place only; whether its files are whole, ``load_beats`` finds out.
    """
    if source == "mitbih":
        from nsr_core.data.mitbih import is_at_hand as records_are_at_hand

        return records_are_at_hand(root)
    if source == "kaggle":
        from nsr_core.data.kaggle import ROOT_VARIABLE

        return os.path.isdir(os.path.expanduser(root or os.environ.get(ROOT_VARIABLE) or ""))
    return source in SOURCES
