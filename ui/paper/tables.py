"""The section Tables: how far ours is from each published table, and one of them in full."""

import pandas as pd
import streamlit as st

from nsr_core.paper.published import paper_tables
from nsr_core.paper.replication import provenance, table_distances, table_number
from nsr_core.paper.report import ATTACK_TITLES, METRIC_TITLES
from nsr_core.paper.seeds import ALIKE
from ui import address, chart
from ui.paper import seeds, table_figures, worst
from ui.paper.ours import Ours, protocol, table_title, tell_missing, tell_starred
from ui.theme import ink

FIRST_TABLE = 5
#: What makes a table: its label, the titles of what can be chosen, and what they mean.
MAKES_A_TABLE = {
    "network": ("Network", {"mlp": "MLP", "cnn": "CNN"}, "MLP: fully connected. CNN: convolutional."),
    "attack": ("Attack", ATTACK_TITLES, "PGD climbs the gradient for 20 or 100 steps. SPSA needs no gradient."),
    "metric": (
        "Metric",
        METRIC_TITLES,
        "ACC: share of beats read correctly. PREC: how often a reading is right. Both with all classes equally frequent, "
        "mean over the five classes.",
    ),
}
COLUMNS = [
    "method",
    "eps",
    "ours",
    "paper",
    "difference",
    "low",
    "high",
    "beats",
    "mended",
    "protocol",
    "departures",
    "epochs",
    "split",
    "seed",
    "attack_seed",
    "checkpoint",
    "digest",
    "missing",
    "mean",
    "spread",
    "seeds",
]
EXPLAINED = {
    "low": st.column_config.NumberColumn(
        help="Lower end of the 95 % bootstrap interval over the beats; where no beat was mended, ACC only"
    ),
    "high": st.column_config.NumberColumn(help="Upper end of that interval"),
    "mean": st.column_config.NumberColumn(help="Mean of ours over the training seeds named under seeds"),
    "spread": st.column_config.NumberColumn(help="Standard deviation over them; of a single seed there is none"),
}


def show(ours: Ours) -> None:
    rows = ours.rows
    st.markdown(
        "How far our results are from the published ones: the **mean distance** of a method to a table is |ours - "
        "paper|, averaged over the seven noise levels; here in hundredths. Click a cell to open its table."
        + (" A star: not by the paper's protocol; the table says how." if (rows["protocol"] == "custom").any() else "")
    )
    all_tables, one_table = st.columns([1, 1.35], gap="large")
    with one_table:
        table = _choose()
        _one_table(rows[rows["table"] == table], ours.over_seeds)
    with all_tables:
        _overview(rows, table)


def _choose() -> int:
    """Network, attack and metric name a table, and its number names them; whichever changes, the others follow."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        numbers = sorted(paper_tables()["table"].unique().tolist())
        table = st.selectbox(
            "Table",
            numbers,
            numbers.index(FIRST_TABLE),
            key="table",
            bind=address.bound("table"),
            width=90,
            help="Its number in the paper.",
        )
        first = paper_tables()[paper_tables()["table"] == table].iloc[0]
        for key, (label, titles, result) in MAKES_A_TABLE.items():
            st.session_state[f"table_{key}"] = str(first[key])
            st.segmented_control(
                label,
                list(titles),
                required=True,
                format_func=titles.__getitem__,
                key=f"table_{key}",
                help=result,
                on_change=_follow,
            )
    return table


def _follow() -> None:
    st.session_state["table"] = table_number(*(st.session_state[f"table_{key}"] for key in MAKES_A_TABLE))


def _overview(rows: pd.DataFrame, table: int) -> None:
    found = table_distances(rows)
    figure = table_figures.overview(found, table, ink())
    chart.draw(figure, key="overview", alt=_overview_alt(found), on_select=_open_clicked)
    shown = found.rename(columns={"distance": "mean distance", "levels": "noise levels"})
    chart.numbers(
        shown.round({"mean distance": 4}),
        name="distances-to-the-paper",
        figures=lambda: {"Mean distance": figure},
        facts=provenance(rows),
        label="All mean distances",
    )


def _open_clicked() -> None:
    points = st.session_state["overview"]["selection"]["points"]
    if points:
        clicked = points[0]["customdata"]
        st.session_state["table"] = int(clicked[0] if isinstance(clicked, list) else clicked)


def _overview_alt(found: pd.DataFrame) -> str:
    known = found.dropna(subset="distance")
    if known.empty:
        return "Mean distance to each of the paper's tables; no result of ours is here."
    far = known.iloc[known["distance"].argmax()]
    return (
        f"Mean distance to the paper's tables by method: median {known['distance'].median():.3f}, largest "
        f"{far['distance']:.3f} ({far['method']}, Table {far['table']}); {len(found) - len(known)} of {len(found)} missing."
    )


def _one_table(rows: pd.DataFrame, over_seeds: pd.DataFrame) -> None:
    number = int(rows["table"].iloc[0])
    title = f"Table {number}: {table_title(rows)}"
    st.markdown(f"##### {title}")
    st.caption(
        "**Ours**, (the paper's), and ours - paper. Blue: ours is lower, less robust than published. Orange: ours is higher."
    )
    found = table_distances(rows)
    figure = table_figures.cells(rows, found, ink())
    chart.draw(figure, key="cells", alt=_cells_alt(title, rows))
    tell_missing(rows)
    st.caption(protocol(rows))
    tell_starred(rows)
    _mended(found)
    seeds.show(rows, over_seeds)
    worst.show(rows)
    result = rows.merge(over_seeds[[*ALIKE, "mean", "spread", "seeds"]], how="left", on=ALIKE)
    chart.numbers(
        result[COLUMNS].round({"difference": 5, "mean": 5, "spread": 5}),
        name=f"paper-table-{number}",
        figures=lambda: {title: figure},
        facts={"table": number, "title": title} | provenance(rows),
        column_config=EXPLAINED,
    )


def _cells_alt(title: str, rows: pd.DataFrame) -> str:
    difference = rows["difference"].dropna()
    if difference.empty:
        return f"{title}, ours beside the paper's. Ours is missing."
    return f"{title}, ours beside the paper's. Differences from {difference.min():+.2f} to {difference.max():+.2f}."


def _mended(found: pd.DataFrame) -> None:
    with st.popover("What “mended” means", icon=":material/help:"):
        st.markdown(
            "A larger noise budget contains every smaller one. A beat that was broken at 0.05 and “held” at 0.1 was only "
            "missed there. The paper lets each noise level stand alone, and so do these cells; such a beat counts as right "
            "again. Elsewhere in this app it stays broken: it is **mended**."
        )
        known = found.dropna(subset="distance")
        if len(known):
            counts = ", ".join(f"{row.method} {row.mended:,.0f}" for row in known.itertuples())
            st.markdown(f"Mended here, all noise levels together: {counts}.")
