"""What the server keeps in memory: checkpoints, their results and the beats, loaded once and never changed."""

from pathlib import Path

import pandas as pd
import streamlit as st

from nsr_core.compute import configure
from nsr_core.data import Beats, Split, load_beats, make_split
from nsr_core.data.splits import SPLIT_SEED
from nsr_core.evaluation import curves
from nsr_core.evaluation.summary import readings
from nsr_core.evaluation.table import load_table
from nsr_core.jobs import runs_dir
from nsr_core.methods import METHODS
from nsr_core.progress import Progress
from nsr_core.training.checkpoint import (
    BEATS_FILE,
    CARD_FILE,
    MODEL_FILE,
    RESULTS_FILE,
    Checkpoint,
    list_checkpoints,
    load_checkpoint,
)

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints"
#: Before the name of a checkpoint that was trained on this machine.
OWN = "runs/"


def checkpoint_names() -> list[str]:
    """The shipped checkpoints, each network's methods in the order of the paper, then ``runs/...``, the reader's own."""
    # One thread: the networks are so small that a second one only gets in the way of the first.
    configure(threads=1)
    shipped = sorted((folder.name for folder in list_checkpoints(SHIPPED)), key=_rank)
    own = sorted((folder.name for folder in list_checkpoints(runs_dir())), key=_rank)
    return shipped + [OWN + name for name in own]


def folder_of(name: str) -> Path:
    """The folder of a checkpoint that ``checkpoint_names`` lists."""
    return runs_dir() / name.removeprefix(OWN) if name.startswith(OWN) else SHIPPED / name


def split_name(name: str) -> tuple[str, str]:
    """Network and method of a checkpoint's name, such as ``mlp`` and ``loss2``."""
    network, _, method = name.removeprefix(OWN).partition("-")
    return network, method if method in METHODS else method.rpartition("-")[0]


def title(name: str) -> str:
    """A checkpoint in words: ``MLP loss2: noise-to-signal``."""
    network, method = split_name(name)
    own = f" (yours, {name.removeprefix(OWN)})" if name.startswith(OWN) else ""
    return f"{network.upper()} {method}{own}" if method in METHODS else name


def _rank(name: str) -> tuple[str, int, str]:
    network, method = split_name(name)
    # The MLPs first: all nine are there, and they answer at once.
    return "cnn" if network == "cnn" else "", list(METHODS).index(method) if method in METHODS else len(METHODS), name


def checkpoint(name: str) -> Checkpoint:
    """A checkpoint; read again only when its files have changed."""
    folder = folder_of(name)
    return _checkpoint(str(folder), _stamps(folder, CARD_FILE, MODEL_FILE))


@st.cache_resource(show_spinner=False, max_entries=64)
def _checkpoint(folder: str, stamps: tuple[int, ...]) -> Checkpoint:
    return load_checkpoint(folder)


def summary(name: str) -> pd.DataFrame | None:
    """A checkpoint's attack results (see ``summarise``), or None where it was not evaluated."""
    folder = folder_of(name)
    return _summary(str(folder), _stamps(folder, RESULTS_FILE)) if (folder / RESULTS_FILE).exists() else None


@st.cache_data(show_spinner=False, max_entries=64)
def _summary(folder: str, stamps: tuple[int, ...]) -> pd.DataFrame:
    return pd.read_csv(Path(folder) / RESULTS_FILE)


def beat_table(name: str) -> pd.DataFrame | None:
    """What became of each test beat (see ``nsr_core.evaluation.table``), or None where it was not evaluated."""
    folder = folder_of(name)
    return _beat_table(str(folder), _stamps(folder, BEATS_FILE)) if (folder / BEATS_FILE).exists() else None


@st.cache_resource(show_spinner=False, max_entries=16)
def _beat_table(folder: str, stamps: tuple[int, ...]) -> pd.DataFrame:
    return load_table(Path(folder) / BEATS_FILE)


def curve(name: str, reading: str, measure: str, natural: bool, alone: bool) -> pd.DataFrame:
    """A checkpoint's curve (see ``nsr_core.evaluation.curves``), computed once."""
    folder = folder_of(name)
    return _curve(str(folder), _stamps(folder, BEATS_FILE), reading, measure, natural, alone)


@st.cache_data(show_spinner=False, max_entries=500)
def _curve(
    folder: str, stamps: tuple[int, ...], reading: str, measure: str, natural: bool, alone: bool
) -> pd.DataFrame:
    table = _beat_table(folder, stamps)
    return curves.curve(table, readings(table)[reading], measure, natural=natural, alone=alone)


def readings_of(name: str) -> list[str]:
    """Under which names a checkpoint's attacks can be shown; none where it was not evaluated."""
    found = summary(name)
    return [] if found is None else list(dict.fromkeys(found["attack"]))


def beats_that_flip(name: str, reading: str, eps: float) -> pd.DataFrame:
    """The beats behind a point of a curve (see ``nsr_core.evaluation.curves``)."""
    table = beat_table(name)
    assert table is not None  # it has a curve
    return curves.beats_that_flip(table, readings(table)[reading], eps)


def protocol(name: str, reading: str) -> str:
    """Under which rules a checkpoint's results came about, from its card."""
    card = checkpoint(name).card
    table = beat_table(name)
    assert table is not None  # it has results
    ran = card["results"]["attacks"][readings(table)[reading].attack]
    where = "signal samples only" if ran["signal_only"] else "padding included"
    return (
        f"Protocol: {ran['protocol']}; {ran['beats']}, {where}; split by {card['split']['name']} "
        f"`{card['split']['fingerprint']}`; attack seed {ran['seed']}, training seed {card['config']['seed']}, "
        f"{card['config']['epochs']} epochs. An attack that fails proves nothing."
    )


def _stamps(folder: Path, *names: str) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns for name in names if (path := folder / name).exists())


@st.cache_resource(show_spinner=False, max_entries=3)
def beats_of(source: str, root: str | None = None) -> Beats:
    """The beats of a source that is on this machine."""
    return load_beats(source, root)


def load_anew(source: str, root: str | None, progress: Progress) -> None:
    """Fetch a source's beats, however long it takes; ``beats_of`` then has them at once.

    Raises:
        UserError: see ``load_beats``.
    """
    load_beats(source, root, progress)
    beats_of.clear(source, root)


@st.cache_resource(show_spinner=False, max_entries=6)
def split_of(source: str, root: str | None, name: str = "beat", seed: int = SPLIT_SEED) -> Split:
    """The split called ``name`` of the beats of a source."""
    return make_split(beats_of(source, root), name, seed)
