"""What the server keeps in memory: checkpoints and the beats, loaded once and never changed; their results are in ``ui.results``."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import streamlit as st

from nsr_core.compute import configure
from nsr_core.data import Beats, Split, load_beats, make_split
from nsr_core.data.splits import SPLIT_SEED
from nsr_core.errors import UserError
from nsr_core.files import checkpoints_dir, runs_dir
from nsr_core.methods import METHODS
from nsr_core.models import NETWORKS
from nsr_core.paper.seeds import SEEDS_FOLDER
from nsr_core.progress import Progress
from nsr_core.recordings.beats import SOURCE
from nsr_core.training.card import CARD_FILE, MODEL_FILE, list_checkpoints, read_card
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.training.config import TrainConfig
from ui import own

SHIPPED = checkpoints_dir()
#: Before the name of a checkpoint that was trained on this machine.
OWN = "runs/"


def checkpoint_names() -> list[str]:
    """The shipped checkpoints, each network's methods in the order of the paper, then ``runs/...``, the reader's own."""
    # One thread: the networks are so small that a second one only gets in the way of the first.
    configure(threads=1)
    shipped = [folder.name for folder in list_checkpoints(SHIPPED)]
    own = [OWN + folder.name for folder in list_checkpoints(runs_dir())]
    return sorted(shipped, key=_rank) + sorted(own, key=_rank)


def other_seeds() -> list[str]:
    """Names of checkpoints that come along to tell how far the training seed moves the results, and for nothing else."""
    return [f"{SEEDS_FOLDER}/{folder.name}" for folder in list_checkpoints(SHIPPED / SEEDS_FOLDER)]


def folder_of(name: str) -> Path:
    """The folder of a checkpoint that ``checkpoint_names`` or ``other_seeds`` lists."""
    return runs_dir() / name.removeprefix(OWN) if name.startswith(OWN) else SHIPPED / name


def trained_as(name: str) -> TrainConfig | None:
    """How a checkpoint was trained, from its card; None where that cannot be read."""
    folder = folder_of(name)
    return _trained_as(str(folder), stamps_of(folder, CARD_FILE))


@lru_cache(maxsize=500)  # asked some fifty times a page: Streamlit's own cache takes a millisecond for an answer
def _trained_as(folder: str, stamps: tuple[int, ...]) -> TrainConfig | None:
    try:
        return TrainConfig.from_json(read_card(Path(folder))["config"])
    except (UserError, KeyError, TypeError):
        return None


def title(name: str) -> str:
    """A checkpoint in words: ``Noise-to-signal loss (loss2), MLP``, and what sets it apart from another of that method."""
    config = trained_as(name)
    if config is None:
        return name
    if name.startswith(OWN):
        return f"{config.title}, yours: {name.removeprefix(OWN)}"
    if name.startswith(f"{SEEDS_FOLDER}/"):
        return f"{config.title}, training seed {config.seed}"
    return f"{config.title}, split by patient" if config.split == "patient" else config.title


def titles(names: Iterable[str]) -> dict[str, str]:
    """``title`` of each, by name."""
    return {name: title(name) for name in names}


def _rank(name: str) -> tuple[int, int, str]:
    """The networks in the order of their table, the quick ones first, and each one's methods in the order of theirs."""
    config = trained_as(name)
    if config is None:
        return len(NETWORKS), len(METHODS), name
    return list(NETWORKS).index(config.network), list(METHODS).index(config.method), name


def checkpoint(name: str) -> Checkpoint:
    """A checkpoint; read again only when its files have changed."""
    folder = folder_of(name)
    return _checkpoint(str(folder), stamps_of(folder, CARD_FILE, MODEL_FILE))


@st.cache_resource(show_spinner=False, max_entries=64)
def _checkpoint(folder: str, stamps: tuple[int, ...]) -> Checkpoint:
    return load_checkpoint(folder)


def stamps_of(folder: Path, *names: str) -> tuple[int, ...]:
    """When those of a folder's files that exist were last written: another one whenever one of them has changed."""
    return tuple(path.stat().st_mtime_ns for name in names if (path := folder / name).exists())


def beats_of(source: str, root: str | None = None) -> Beats:
    """The beats of a source that is on this machine; those of the reader's own recording are of this visit only."""
    if source == SOURCE:
        return own.beats()
    return stored_beats(source, root)


@st.cache_resource(show_spinner=False, max_entries=3)
def stored_beats(source: str, root: str | None = None) -> Beats:
    """The beats of a source that everyone sees."""
    return load_beats(source, root)


def load_anew(source: str, root: str | None, progress: Progress) -> None:
    """Fetch a source's beats, however long it takes; ``stored_beats`` then has them at once.

    Raises:
        UserError: see ``load_beats``.
    """
    load_beats(source, root, progress)
    stored_beats.clear(source, root)


@st.cache_resource(show_spinner=False, max_entries=6)
def split_of(source: str, root: str | None, name: str = "beat", seed: int = SPLIT_SEED) -> Split:
    """The split called ``name`` of the beats of a source."""
    return make_split(beats_of(source, root), name, seed)
