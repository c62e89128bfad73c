"""The tab Records: which of the 48 recordings holds what, and how large its beats are."""

from functools import partial

import pandas as pd
import streamlit as st

from nsr_core.data import CLASSES, Beats
from nsr_core.data.summary import median_mv, record_table
from ui import chart
from ui.data import choice, figures
from ui.data.choice import ANY, CHOOSE_RECORDS
from ui.theme import ink

NONE_HERE = {
    "kaggle": "The published CSV does not say from which record, lead or patient a row comes, nor its range in mV. "
    f"To see them, {CHOOSE_RECORDS}.",
    "demo": "Synthetic beats come from no record and no patient. To see the 48 recordings, their leads and amplitudes, "
    f"{CHOOSE_RECORDS}.",
}
COLUMNS = {
    "record": st.column_config.TextColumn("record", pinned=True),
    "part": st.column_config.TextColumn("split by patient"),
    "low_mv": st.column_config.NumberColumn("mV, 5 %", format="%.2f"),
    "median_mv": st.column_config.NumberColumn("mV, median", format="%.2f", help="Peak to peak of a beat."),
    "high_mv": st.column_config.NumberColumn("mV, 95 %", format="%.2f"),
    "padding": st.column_config.NumberColumn("padding", format="percent"),
}


def show(beats: Beats) -> None:
    if beats.source != "mitbih":
        st.info(NONE_HERE[beats.source])
        return
    table = record_table(beats)
    rounded = table.round({"padding": 3, "low_mv": 2, "median_mv": 2, "high_mv": 2})
    st.markdown(_leads_words(table, median_mv(beats)))
    _choose(beats, table)
    st.dataframe(
        rounded,
        hide_index=True,
        key="records_table",
        selection_mode="single-row",
        height=420,
        on_select=partial(_take_record, table["record"].tolist()),
        column_config=COLUMNS,
        alt="One row for each record: lead, part, beats by class, amplitude, padding.",
    )
    st.caption("Select a row, or choose a record above, to look at its beats.")
    st.subheader("How large the beats are", anchor=False)
    st.markdown(
        "A noise level ε is a share of the beat's own range: at ε = 0.1 a beat of 2 mV may change by ±0.2 mV, 2 mm on paper."
    )
    figure = figures.amplitudes(table, ink())
    chart.draw(figure, key="amplitudes", alt=_alt(table))
    chart.numbers(
        rounded, name="records", figures=lambda: {"Peak to peak by record": figure}, facts={"source": "mitbih"}
    )


def _choose(beats: Beats, table: pd.DataFrame) -> None:
    """One record in words, and the way to its beats."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        record = choice.record_field(beats)
        st.button(
            "Look at its beats",
            icon=":material/grid_view:",
            key="look",
            on_click=choice.open_tab,
            args=(choice.BEATS,),
            disabled=record == ANY,
        )
    if record != ANY:
        st.markdown(_record_words(table[table["record"] == record].iloc[0]))


def _take_record(records: list[str]) -> None:
    """A row of the table was selected, or no longer is."""
    rows = st.session_state["records_table"]["selection"]["rows"]
    st.session_state["of_record"] = records[rows[0]] if rows else ANY


def _leads_words(table: pd.DataFrame, median: float) -> str:
    leads = table.groupby("lead")["record"].agg(list).to_dict()
    usual = max(leads, key=lambda lead: len(leads[lead]))
    others = [f"{lead} in {', '.join(records)}" for lead, records in leads.items() if lead != usual]
    return (
        f"{len(table)} records of half an hour, two leads each; beats are cut from the first: {usual} in "
        f"{len(leads[usual])} records, {'; '.join(others)}. The median beat spans {median:.2f} mV from its lowest to its "
        f"highest point."
    )


def _record_words(row: pd.Series) -> str:
    classes = ", ".join(f"{row[label]:,} {label}" for label in CLASSES if row[label])
    return (
        f"Record **{row['record']}**, lead {row['lead']}, {row['part']} in the split by patient: {row['beats']:,} beats ({classes}); "
        f"a median beat spans {row['median_mv']:.2f} mV, {row['padding']:.0%} of the numbers are padding."
    )


def _alt(table: pd.DataFrame) -> str:
    least, most = (table.iloc[place] for place in (table["median_mv"].argmin(), table["median_mv"].argmax()))
    return (
        f"Peak to peak in mV of each record's beats. Smallest median: record {least['record']}, "
        f"{least['median_mv']:.2f} mV; largest: record {most['record']}, {most['median_mv']:.2f} mV."
    )
