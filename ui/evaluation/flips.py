"""The beats behind a point of a curve."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.data import CLASSES
from nsr_core.evaluation.summary import reading_title
from ui import address, chart, loaders, results, sources
from ui.evaluation.figures import Line
from ui.links import page_link
from ui.pick import pick_one

OF, UNDER, AT = "flips_of", "flips_under", "flips_at"


def choose(reading: str) -> None:
    """A click on a point chooses whose beats are listed."""
    points = st.session_state[f"curves_{reading}"].selection.points
    if points and points[0].get("customdata"):
        name, eps = points[0]["customdata"]
        st.session_state[OF], st.session_state[UNDER], st.session_state[AT] = (
            name,
            reading,
            float(eps),
        )


def show(lines: dict[str, list[Line]]) -> None:
    """Choose a point; see its beats, and open one.

    Args:
        lines: what the panels draw, by attack.
    """
    st.markdown("#### The beats that flip at a point")
    names = list(dict.fromkeys(line.name for part in lines.values() for line in part))
    levels = sorted({float(eps) for part in lines.values() for line in part for eps in line.curve["eps"]})
    if st.session_state.get(AT, levels[0]) not in levels:
        del st.session_state[AT]
    which, under, where = st.columns(3)
    name = pick_one("Network", loaders.titles(names), key=OF, widget=which.selectbox)
    reading = pick_one("Attack", {name: reading_title(name) for name in lines}, key=UNDER, widget=under.selectbox)
    level = where.selectbox("Noise level ε", levels, min(2, len(levels) - 1), key=AT, bind=address.bound(AT))
    known = {line.name: line.curve["eps"].tolist() for line in lines[reading]}
    if level not in known.get(name, []):
        st.info(f"{loaders.title(name)} was not attacked by {reading_title(reading)} at {level:g}.")
        return
    found = results.beats_that_flip(name, reading, level)
    st.markdown(
        f"**{len(found):,} beats** are "
        + (
            "misread without any noise."
            if level == 0
            else f"read correctly at every smaller level and misread at {level:g}."
        )
    )
    shown = pd.DataFrame(
        {
            "beat": found["record"].astype(str) + ":" + found["sample"].astype(str),
            "class": np.array(CLASSES)[found["y"]],
            "read as": np.array(CLASSES)[found["pred"]],
            "step": found["step"],
        }
    )
    picked = st.dataframe(
        shown,
        hide_index=True,
        height=260,
        key="flips",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"step": st.column_config.NumberColumn(help="The attack's step of first success.")},
    )
    _open(shown, picked.selection.rows, name, level)
    chart.download_csv(
        shown,
        f"flips-{name.replace('/', '-')}-{reading}-{level:g}",
        "These beats (CSV)",
        {
            "checkpoint": name,
            "weights": loaders.checkpoint(name).digest,
            "eps": level,
            "protocol": results.protocol(name, reading),
        },
    )


def _open(shown: pd.DataFrame, rows: list[int], name: str, level: float) -> None:
    """The way to the Beat lab for the picked beat, where its signal is on this machine."""
    if not rows:
        st.caption("Pick a row to open its beat in the Beat lab.")
        return
    beat = str(shown["beat"].iloc[rows[0]])
    settings = {"beat": beat, "models": name, "eps": f"{max(level, 0.01):g}", "signal": "false"}
    source = loaders.checkpoint(name).config.source
    if not sources.can_show(source):
        st.caption(
            f"Beat {beat} is one of the {sources.TITLES[source]}, which are not on this machine. The Beat lab offers them."
        )
    page_link("beat", f"Open {beat} in the Beat lab", settings | {"source": source})
