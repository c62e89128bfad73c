"""Beats and where they come from: one function for all sources, one for all splits.

Importing this package is cheap; what reads WFDB or CSV files is imported when it is used.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from nsr_core.data.beats import CLASS_NAMES, CLASSES, FS_HZ, Beats
from nsr_core.data.splits import SPLITS, Split, make_split
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress

__all__ = [
    "CLASSES",
    "CLASS_NAMES",
    "FS_HZ",
    "SOURCES",
    "SPLITS",
    "Beats",
    "Source",
    "Split",
    "is_at_hand",
    "load_beats",
    "make_split",
    "usual_split",
]

Root = str | os.PathLike[str] | None


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


@dataclass(frozen=True)
class Source:
    """Where beats come from.

    Attributes:
        title: for people.
        load: the beats, from a folder or from where the source looks by itself.
        splits: the names of the splits that its beats can have, the usual one first: of real beats, the paper's.
        real: whether they are beats of people.
    """

    title: str
    load: Callable[[Root, Progress], Beats]
    splits: tuple[str, ...] = ("beat",)
    real: bool = True


SOURCES: dict[str, Source] = {
    "mitbih": Source("MIT-BIH records", _mitbih, ("beat", "patient")),
    "kaggle": Source("Kaggle CSV", _kaggle, ("published", "beat")),
    "demo": Source("Synthetic beats", _demo, real=False),
}


def usual_split(source: str) -> str:
    """The split that the beats of a source have where nothing else is asked for."""
    return SOURCES[source].splits[0]


def load_beats(source: str = "mitbih", root: Root = None, progress: Progress = no_progress) -> Beats:
    """The beats of one source.

    >>> beats = load_beats("demo")
    >>> beats.x.shape, beats.class_counts()["V"]
    ((1000, 187), 200)

    Args:
        source: ``"mitbih"`` (the 48 records), ``"kaggle"`` (the published CSV) or ``"demo"`` (1,000
            synthetic beats).
        root: folder with the source's files; without it each source looks where its loader says.
        progress: called for every file that is read or downloaded.

    Raises:
        UserError: no source has that name, or its files are missing or damaged.
    """
    if source not in SOURCES:
        raise UserError(f'There is no source "{source}". Choose one of: {", ".join(SOURCES)}.')
    return SOURCES[source].load(root, progress)


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
