"""Figure 3: the beat and the direction that noise hurts most, as arrows at their measured angle."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.beat.alignment import Alignment, align, angles_deg, sample_rows, typical
from nsr_core.data import Beats
from ui import address, chart, loaders, sources
from ui.beat_choice import choose_beat
from ui.paper import figures
from ui.paper.ours import tell_absent
from ui.theme import ink

COMPARED = ("mlp-ce", "mlp-loss1")


def show() -> None:
    if tell_absent(COMPARED):
        return
    st.markdown(
        "The paper sketches why loss1 should help; here it is measured. Near the beat $x$ the right class's output is "
        "$z_y = w_y^T x + b_y$ (eq. 2), and noise moves it most along $w_y$. If $w_y$ points where $x$ points, noise that "
        "hurts must look like the beat itself."
    )
    beats = sources.banner()
    rows = sample_rows(beats)
    angles = [angles_deg(loaders.checkpoint(name), beats, rows) for name in COMPARED]
    controls, result = st.columns([1, 3.1], gap="large")
    with controls, st.container(border=True):
        row = _choose(beats, rows, angles)
    with result:
        _arrows(beats, row, angles)


def _choose(beats: Beats, rows: np.ndarray, angles: list[np.ndarray]) -> int:
    own = st.segmented_control(
        "Beat",
        ("Typical", "Own choice"),
        default="Typical",
        required=True,
        key="pick",
        bind=address.bound("pick"),
        help="Typical: of those that both networks read correctly, the one whose two angles are nearest to the medians.",
    )
    return choose_beat(beats, COMPARED[0]) if own == "Own choice" else int(rows[typical(angles)])


def _arrows(beats: Beats, row: int, angles: list[np.ndarray]) -> None:
    outcome = [align(loaders.checkpoint(name), beats, row) for name in COMPARED]
    drawn = {loaders.title(name): figures.directions(one, ink()) for name, one in zip(COMPARED, outcome, strict=True)}
    for column, title, one, of_one in zip(st.columns(2, gap="medium"), drawn, outcome, angles, strict=True):
        with column, st.container(border=True):
            st.markdown(f"**{title}**: {one.angle_deg:.0f}° between $x$ and $w_y$")
            chart.draw(drawn[title], key=f"directions_{one.method}", alt=_alt(one), buttons=False)
            st.markdown(
                f"$w_y$ is **{one.relative_length:.1f} times** as long as $x / x^Tx$. $z_y = {one.z:.2f}$, of which "
                f"$w_y^Tx$ is {one.z - one.b:.2f}. {_read(one)} Median angle over {np.isfinite(of_one).sum():,} "
                f"beats that it reads correctly: {np.nanmedian(of_one):.0f}°."
            )
    st.caption(
        f"Beat {outcome[0].beat}, class {outcome[0].true_class}. Angles and lengths are true in the plane that holds both "
        "vectors; the panels have their own scales. x is drawn as long as x / xᵀx, where loss1 pulls w_y (eq. 4)."
    )
    table = pd.DataFrame([_table_row(one) for one in outcome])
    facts = {"beat": outcome[0].beat, "source": beats.source}
    chart.numbers(table, name="paper-figure-3", figures=lambda: drawn, facts=facts)


def _alt(outcome: Alignment) -> str:
    return (
        f"{outcome.checkpoint}: w_y at {outcome.angle_deg:.0f} degrees to x and {outcome.relative_length:.1f} times as long as x / x'x. "
        f"{_read(outcome)}"
    )


def _read(outcome: Alignment) -> str:
    right = outcome.read_class == outcome.true_class
    return (
        "The network reads the beat correctly." if right else f"The network misreads the beat as {outcome.read_class}."
    )


def _table_row(outcome: Alignment) -> dict[str, object]:
    return {
        "checkpoint": outcome.checkpoint,
        "weights": outcome.weights,
        "beat": outcome.beat,
        "class": outcome.true_class,
        "read as": outcome.read_class,
        "angle, degrees": round(outcome.angle_deg, 2),
        "cosine": round(outcome.cosine, 4),
        "‖x‖": round(outcome.x_norm, 4),
        "‖w_y‖": round(outcome.w_norm, 4),
        "‖w_y‖‖x‖": round(outcome.relative_length, 4),
        "z_y": round(outcome.z, 4),
        "b_y": round(outcome.b, 4),
    }
