"""Paper: its twelve tables beside ours, its eight figures from our results, and what we do differently."""

from ui.heading import heading

heading(
    "Paper",
    "Ma L, Liang L (2020). *Improve Robustness of DNN for ECG Signal Classification: A Noise-to-Signal Ratio "
    "Perspective.* University of Miami · two networks, nine ways to train them, three attacks, MIT-BIH beats · "
    "[the authors' code](https://github.com/SarielMa/ICLR2020_AI4AH)",
)

import streamlit as st

from ui import address, frame
from ui.paper import SECTIONS, ours


def main() -> None:
    with frame.page():
        section = st.segmented_control(
            "Show",
            list(SECTIONS),
            default=next(iter(SECTIONS)),
            required=True,
            key="section",
            bind=address.bound("section"),
            label_visibility="collapsed",
        )
        SECTIONS[section](ours.load())


main()
