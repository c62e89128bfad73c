"""The section Figures: one of the paper's eight, drawn from our results."""

from collections.abc import Callable

import streamlit as st

from nsr_core.paper.claims import CURVE_FIGURES
from nsr_core.paper.report import ATTACK_TITLES
from ui import address
from ui.paper import arrows, curves, growing_noise
from ui.paper.ours import Ours

ARROWS, NOISE = 3, 8
TITLES = {
    number: f"{ATTACK_TITLES[attack]} on the {network.upper()}" for number, (network, attack) in CURVE_FIGURES.items()
} | {ARROWS: "The beat $x$ and $w_y$ as arrows", NOISE: "A beat under growing noise"}
#: Those that are no curves.
OTHERS: dict[int, Callable[[], None]] = {ARROWS: arrows.show, NOISE: growing_noise.show}


def show(ours: Ours) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        number = st.segmented_control(
            "Figure of the paper", sorted(TITLES), default=1, required=True, key="figure", bind=address.bound("figure")
        )
        overlay = number in CURVE_FIGURES and st.toggle(
            "Published curves",
            value=True,
            key="published",
            bind=address.bound("published"),
            help="The paper's own values, dotted.",
        )
    st.markdown(f"##### Figure {number}: {TITLES[number]}")
    if number in OTHERS:
        OTHERS[number]()
    else:
        curves.show(ours, number, overlay)
