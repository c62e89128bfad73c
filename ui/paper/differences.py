"""The section Differences: what the paper leaves open, what is done otherwise here, and where it shows."""

import pandas as pd
import streamlit as st

from nsr_core.paper.deviations import DEVIATIONS
from nsr_core.paper.replication import Replication, aim, outside_aim, provenance
from ui import chart, loaders
from ui.paper.ours import Ours


def show(ours: Ours) -> None:
    st.markdown(
        "We follow the paper's text. Where it is silent we follow the authors' published code, and where the two disagree "
        "the text wins. What is open, or not the same:"
    )
    left, right = st.columns(2, gap="large")
    for number, one in enumerate(DEVIATIONS):
        with (left, right)[number % 2], st.container(border=True):
            st.markdown(f"**{one.topic}**  \nPaper: {one.paper}  \nHere: {one.here}  \nWhy: {one.why}")
    _outside_aim(ours.rows)
    _notes(ours.replications)
    chart.numbers(
        pd.DataFrame([vars(one) for one in DEVIATIONS]),
        name="differences-from-the-paper",
        label="The list as a file",
        facts=provenance(ours.rows),
    )


def _outside_aim(rows: pd.DataFrame) -> None:
    st.markdown("##### Where ours is further off than we aimed at")
    far = outside_aim(rows)
    st.markdown(
        f"The aim was a mean distance to Tables 1 and 5 of at most {aim('ce'):g}, for loss2 {aim('loss2'):g}. "
        + (f"Outside it: {len(far)}." if len(far) else "None is outside it.")
    )
    for row in far.itertuples():
        st.markdown(f"- **{row.method}**, Table {row.table}: {row.distance:.3f}")


def _notes(replications: list[Replication]) -> None:
    """What the cards note, each note once, after the checkpoints that have it."""
    st.markdown("##### Notes on the checkpoints")
    names_by_note: dict[str, list[str]] = {}
    for replication in replications:
        for note in filter(None, (replication.note, "; ".join(replication.training_departures))):
            names_by_note.setdefault(note, []).append(replication.name)
    for note, names in names_by_note.items():
        st.markdown(f"- **{'; '.join(map(loaders.title, names))}**: {note}")
    if not names_by_note:
        st.markdown("No card has a note.")
