"""Verdict: what each network's published robustness is worth."""

from ui.heading import heading

heading(
    "Verdict",
    "The paper attacks with one method, in steps of 0.01. Here the same beats meet eight attacks, one after another, until one "
    "succeeds; and a proof, so far for the MLPs, says which beats no noise can flip. What is left of the published robustness?",
)

import pandas as pd
import streamlit as st

from nsr_core.errors import UserError
from ui import address, frame, loaders, results
from ui.plain import in_words, plain
from ui.verdict import SECTIONS


def main() -> None:
    with frame.page():
        levels = _levels()
        if not levels:
            st.info("No worst case was evaluated yet. The command line's evaluate command does it.")
            return
        section = st.segmented_control(
            "Show",
            list(SECTIONS),
            default=next(iter(SECTIONS)),
            required=True,
            key="verdict_section",
            bind=address.bound("verdict_section"),
            label_visibility="collapsed",
        )
        SECTIONS[section](levels)


def _levels() -> dict[str, pd.DataFrame]:
    """``Verdict.levels`` of every checkpoint that has a verdict; a checkpoint whose results cannot be read is named and left out."""
    found = {}
    for name in frame.checkpoint_names():
        try:
            found[name] = results.verdict_levels(name)
        except UserError as error:
            st.warning(f"{plain(loaders.title(name))} is left out: {in_words(error)}")
    return {name: levels for name, levels in found.items() if levels is not None}


main()
