"""What the server keeps in memory: the shipped checkpoints and the demo beats, loaded once and never changed."""

from pathlib import Path

import streamlit as st

from nsr_core.compute import configure
from nsr_core.data import Beats, load_beats
from nsr_core.methods import METHODS
from nsr_core.training.checkpoint import CARD_FILE, MODEL_FILE, Checkpoint, list_checkpoints, load_checkpoint

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"


def checkpoint_names() -> list[str]:
    """The shipped checkpoints, each network's methods in the order of the paper, the baseline first."""
    # One thread: the networks are so small that a second one only gets in the way of the first.
    configure(threads=1)
    return sorted((folder.name for folder in list_checkpoints(CHECKPOINTS)), key=_rank)


def _rank(name: str) -> tuple[str, int, str]:
    network, _, method = name.partition("-")
    return network, list(METHODS).index(method) if method in METHODS else len(METHODS), name


def checkpoint(name: str) -> Checkpoint:
    """A shipped checkpoint; read again only when its files have changed."""
    folder = CHECKPOINTS / name
    stamps = tuple(path.stat().st_mtime_ns for path in (folder / CARD_FILE, folder / MODEL_FILE) if path.exists())
    return _checkpoint(str(folder), stamps)


@st.cache_resource(show_spinner=False, max_entries=64)
def _checkpoint(folder: str, stamps: tuple[int, ...]) -> Checkpoint:
    return load_checkpoint(folder)


@st.cache_resource(show_spinner=False)
def demo_beats() -> Beats:
    """The synthetic beats."""
    return load_beats("demo")
