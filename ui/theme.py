"""Colours: one for one thing, on light pages and dark ones."""

from dataclasses import dataclass

import streamlit as st


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
