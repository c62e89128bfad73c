"""Verdict: what each network's published robustness is worth."""

import streamlit as st

from nsr_core.errors import UserError
from nsr_core.evaluation.verdict import Verdict
from ui import frame, loaders
from ui.verdict import SECTIONS

LEAD = (
    "The paper attacks with one method, in steps of 0.01. Here the same beats meet eight attacks, one after another, until one "
    "succeeds; and for the MLPs a proof says which beats no noise can flip. What is left of the published robustness?"
)


def main() -> None:
    with frame.page("Verdict", LEAD):
        verdicts = _verdicts()
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


def _verdicts() -> dict[str, Verdict]:
    """Of every checkpoint that has one; a checkpoint whose results cannot be read is named and left out."""
    found = {}
    for name in frame.checkpoint_names():
        try:
            found[name] = loaders.verdict(name)
        except UserError as error:
            st.warning(f"{name} is left out: {error}")
    return {name: verdict for name, verdict in found.items() if verdict is not None}


main()
