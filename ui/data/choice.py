"""What the tabs of the data page choose together: a record, the beat shown under Origin, the open tab."""

import numpy as np
import streamlit as st

from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from nsr_core.data.summary import draw_beats, matching_rows
from ui import address

#: The tabs that others lead to.
BEATS, ORIGIN = "Beats", "Origin"
ANY = "any"
#: How many beats are drawn, and the seed that a page opens on.
DRAWN, FIRST_DRAW = 12, 0
#: The way to the records from beats that have none.
CHOOSE_RECORDS = "choose the MIT-BIH records with “Change beats” above"


def title_of(beats: Beats, row: int) -> str:
    """A beat in words: ``100:12345: normal or bundle branch block beat (N)``."""
    label = CLASSES[beats.y[row]]
    return f"{beats.name(row)}: {CLASS_NAMES[label].lower()} ({label})"


def record_field(beats: Beats) -> str:
    """The record whose beats are shown; any, where beats come from none."""
    if beats.source != "mitbih":
        return ANY
    return st.selectbox(
        "Record",
        (ANY, *np.unique(beats.record).tolist()),
        key="of_record",
        bind=address.bound("of_record"),
        width=150,
        format_func=lambda name: "Any record" if name == ANY else name,
    )


def beat_field(beats: Beats, first: int) -> str:
    """The name of the beat shown under Origin, ``first`` where it is empty. It stands beside the small beats too.

    So the field is on the page before a button writes into it; the page's address would not follow otherwise.
    """
    return st.text_input(
        "Beat",
        key="origin",
        bind=address.bound("origin"),
        placeholder=beats.name(first),
        width=190,
        on_change=open_tab,
        args=(ORIGIN,),
        help="The beat shown under Origin: pick one under Beats, or type record:sample or the number of a row.",
    )


def first_row(beats: Beats) -> int:
    """The first of the small beats on a page that was just opened."""
    return int(draw_beats(beats, matching_rows(beats), DRAWN, FIRST_DRAW)[0])


def show_origin(name: str) -> None:
    """Of a button: show where the beat called ``name`` comes from."""
    st.session_state["origin"] = name
    open_tab(ORIGIN)


def open_tab(name: str) -> None:
    st.session_state["tab"] = name
