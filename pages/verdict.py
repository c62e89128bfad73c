"""Verdict: what each network's published robustness is worth."""

import streamlit as st

from ui import frame, loaders
from ui.verdict import SECTIONS

LEAD = (
    "The paper attacks with one method, in steps of 0.01. Here the same beats meet eight attacks, one after another, until one "
    "succeeds; and for the MLPs a proof says which beats no noise can flip. What is left of the published robustness?"
)


def main() -> None:
    with frame.page("Verdict", LEAD):
        verdicts = {name: found for name in frame.checkpoint_names() if (found := loaders.verdict(name)) is not None}
        if not verdicts:
            st.info(
                "No worst case was evaluated yet: `python -m nsr_core evaluate FOLDER --attacks worst-case,worst-case-signal`"
            )
            return
        section = st.segmented_control(
            "Show", list(SECTIONS), default=next(iter(SECTIONS)), required=True, key="verdict_section",
            bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        SECTIONS[section](verdicts)


main()
