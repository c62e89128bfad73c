"""Choosing one beat: by class and record, by chance, by how little noise flips it, or by its name."""

import numpy as np
import streamlit as st

from nsr_core.beat.attack import find_beat
from nsr_core.beat.sweep import find_fragile_beat
from nsr_core.data import CLASS_NAMES, CLASSES, SOURCES, Beats, usual_split
from nsr_core.data.summary import matching_rows
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import read_correctly
from nsr_core.recordings.beats import SOURCE
from ui import address, loaders, own, sources
from ui.pick import pick_one
from ui.plain import in_words

#: Of the classes to choose from.
CLASS_TITLES = {"any": "Any class"} | {name: f"{CLASS_NAMES[name]} ({name})" for name in CLASSES}
#: Of the first beat: a class whose misreading matters, and the networks that read it correctly; noise flips the first of them.
FIRST_CLASS, FIRST_NETWORKS = "V", ("mlp-ce", "mlp-loss2")


def choose_beat(beats: Beats, network: str | None) -> int:
    """The widgets, and the row of the beat that they say.

    Args:
        network: the checkpoint whose fragile beats the button looks for; the baseline where it is None.
    """
    label = pick_one("Class", CLASS_TITLES, key="class")
    root = sources.root_of(beats.source)
    records = [] if beats.source == SOURCE else _records(beats.source, root)
    record = "any"
    if len(records) > 1:
        record = st.selectbox(
            "Record",
            ("any", *records),
            key="record",
            bind=address.bound("record"),
            format_func=lambda name: "Any record" if name == "any" else name,
        )
    unseen = not _may_have_trained(beats.source) or st.toggle(
        "Test beats only",
        value=True,
        key="test_only",
        bind=address.bound("test_only"),
        help="Beats that trained no network: an attack on a beat that a network has learned says less.",
    )
    rows = _own_rows(beats, label) if beats.source == SOURCE else _candidates(beats.source, root, label, record, unseen)
    with st.container(horizontal=True):
        st.button(
            "Random",
            icon=":material/shuffle:",
            key="random_beat",
            on_click=_pick_at_random,
            args=(beats, rows),
            disabled=len(rows) == 0,
            help="Any beat of this class and record.",
        )
        st.button(
            "Fragile",
            icon=":material/bolt:",
            key="fragile_beat",
            on_click=_pick_fragile,
            disabled=len(rows) == 0,
            args=(beats, rows, network or FIRST_NETWORKS[0]),
            help="One that flips at a small noise level: PGD (20 steps) on 200 beats of this class and record, on the first network.",
        )
    first = first_beat(beats)
    name = st.text_input(
        "Beat",
        key="beat",
        bind=address.bound("beat"),
        placeholder=beats.name(first),
        help="record:sample, or the number of a row. This name stays the same in every table and link.",
    )
    if message := st.session_state.pop("beat_message", None):
        st.caption(message)
    if len(rows) == 0:
        st.caption(f"Record {record} has no beat of class {label}.")
    return row_of(beats, name, first)


def first_beat(beats: Beats) -> int:
    """The beat that a page opens on: one that the networks read correctly until a little noise flips it."""
    if beats.source == SOURCE:
        return own.most_fragile()
    return _first_beat(beats.source, sources.root_of(beats.source))


def _own_rows(beats: Beats, label: str) -> np.ndarray:
    """The rows of a class in the reader's own recording; of it nothing is kept in the server's caches."""
    return matching_rows(beats, None if label == "any" else label, None)


@st.cache_data(show_spinner=False)
def _first_beat(source: str, root: str | None) -> int:
    beats = loaders.beats_of(source, root)
    rows = _candidates(source, root, FIRST_CLASS, "any", unseen=True)
    names = loaders.checkpoint_names()
    if not names or not len(rows):
        return 0
    first = [loaders.checkpoint(name) for name in FIRST_NETWORKS if name in names] or [loaders.checkpoint(names[0])]
    right = np.all([read_correctly(each.network, beats, rows) for each in first], axis=0)
    found = find_fragile_beat(first[0], beats, rows[right], signal_only=True)
    return int(rows[0]) if found is None else found


@st.cache_data(show_spinner=False)
def _records(source: str, root: str | None) -> list[str]:
    return np.unique(loaders.beats_of(source, root).record).tolist()


@st.cache_data(show_spinner=False, max_entries=100)
def _candidates(source: str, root: str | None, label: str, record: str, unseen: bool) -> np.ndarray:
    """The rows of a class and a record; of real beats only those of the test part where they are to be unseen."""
    beats = loaders.beats_of(source, root)
    rows = matching_rows(beats, None if label == "any" else label, None if record == "any" else record)
    if unseen and _may_have_trained(source):
        rows = np.intersect1d(rows, loaders.split_of(source, root, usual_split(source)).test)
    return rows


def _may_have_trained(source: str) -> bool:
    """Whether beats of a source may have trained the networks: those outside the test part of the usual split."""
    return source in SOURCES and SOURCES[source].real


def row_of(beats: Beats, name: str, first: int) -> int:
    """The row of the beat called ``name``; ``first`` where it is empty or, with a warning, names none of these beats."""
    if not name:
        return first
    try:
        return find_beat(beats, name)
    except UserError as error:
        st.warning(f"{in_words(error)} Shown instead: {beats.name(first)}.")
        return first


def _pick_at_random(beats: Beats, rows: np.ndarray) -> None:
    st.session_state["beat"] = beats.name(np.random.default_rng().choice(rows))


def _pick_fragile(beats: Beats, rows: np.ndarray, network: str) -> None:
    chance = int(np.random.default_rng().integers(2**31))
    found = find_fragile_beat(loaders.checkpoint(network), beats, rows, seed=chance, signal_only=True)
    if found is None:
        st.session_state["beat_message"] = "None of 200 beats flipped, up to a noise level of 0.1."
    else:
        st.session_state["beat"] = beats.name(found)
