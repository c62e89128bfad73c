"""Colours and words: one of each for one thing, on every page."""

from dataclasses import dataclass

import streamlit as st

#: Okabe and Ito's colours, one per method.
METHOD_COLOURS = {
    "ce": "#000000",
    "mse": "#999999",
    "mseMargin": "#56B4E9",
    "loss1": "#E69F00",
    "loss2": "#009E73",
    "jacob": "#CC79A7",
    "adv0.1": "#0072B2",
    "adv0.2": "#D55E00",
    "adv0.3": "#F0E442",
}


@dataclass(frozen=True)
class Ink:
    """The colours of a figure on a light or on a dark page."""

    trace: str
    attacked: str
    noise: str
    fine: str
    bold: str
    paper: str
    text: str


LIGHT = Ink("#1B2530", "#D55E00", "#0072B2", "#F9DCDC", "#EFB3B3", "#FFFAFA", "#1B2530")
DARK = Ink("#E8EDF2", "#FF9E4A", "#56B4E9", "#332328", "#53343B", "#181417", "#E8EDF2")


def ink() -> Ink:
    """The colours for the theme that the reader has chosen."""
    return DARK if st.context.theme.type == "dark" else LIGHT
