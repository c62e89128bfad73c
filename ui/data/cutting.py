"""The tab Cutting: what was added to the beats and what was taken away when they were cut out."""

import pandas as pd
import streamlit as st

from nsr_core.data import Beats
from nsr_core.data.beats import BEAT_LENGTH
from nsr_core.data.summary import class_table, length_histogram
from ui import chart
from ui.data import figures
from ui.data.choice import CHOOSE_RECORDS
from ui.theme import ink

WORDS = {
    "mitbih": "Lengths are exact: they were kept when the records were cut.",
    "kaggle": "Lengths are estimates: up to the last number that is not 0. The file does not say which windows were cut "
    "short; those of exactly 187 samples count as lost ends.",
    "demo": "Synthetic beats take their lengths from whole windows only, so nothing was cut. The real records show "
    f"more: {CHOOSE_RECORDS}.",
}


def show(beats: Beats) -> None:
    table = class_table(beats)
    st.markdown(
        "A beat's window opens on its mark and closes after the next mark, beat or not, by a fifth of the interval that "
        f"follows; then it is padded with zeros to {BEAT_LENGTH} samples, or cut there. So it shows one interval between "
        "beats, not a fixed time around the peak, and no P wave of its own beat. From the padding a network can tell how "
        "long the interval was."
    )
    _totals(beats, table.iloc[-1])
    st.caption(WORDS[beats.source])
    st.subheader("How long the signal of a beat is", anchor=False)
    st.markdown("Each class as high as its own peak; the blue line is its median.")
    figure = figures.lengths(length_histogram(beats), table, ink())
    chart.draw(figure, key="lengths", alt=_alt(table))
    chart.numbers(
        table.round({"median_ms": 0, "padding": 3, "median_mv": 2}),
        name="cutting",
        figures=lambda: {"Length of the signal by class": figure},
        facts={"source": beats.source},
    )


def _totals(beats: Beats, total: pd.Series) -> None:
    with st.container(horizontal=True):
        st.metric(
            "Padding",
            f"{total['padding']:.1%}",
            border=True,
            width=200,
            help="Share of all numbers that are zeros behind the signal.",
        )
        st.metric(
            "Windows cut short",
            _known(beats, total, "cut_short"),
            border=True,
            width=200,
            help="The next mark was no beat (a change of rhythm, noise), and the window was measured to it.",
        )
        st.metric(
            "Ends lost",
            _known(beats, total, "truncated"),
            border=True,
            width=200,
            help="The window was longer than 187 samples (1.558 s). It is scaled by the extremes of the whole window, so what "
            "is left may not reach 0 or 1.",
        )


def _known(beats: Beats, total: pd.Series, what: str) -> str:
    if beats.source == "demo":
        return "none"
    if beats.source == "kaggle" and what == "cut_short":
        return "not known"
    return f"{total[what]:,}"


def _alt(table: pd.DataFrame) -> str:
    parts = [f"{row['class']} {row['median_ms']:.0f} ms" for _, row in table.iterrows() if row["beats"]]
    return "Histogram of the length of the signal for each class. Medians: " + ", ".join(parts) + "."
