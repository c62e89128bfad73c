"""Robustness curves: how accuracy falls with the noise, for any networks under any of their attacks."""

from ui.heading import heading

heading(
    "Robustness curves",
    "How much of a network's accuracy is left when every beat is attacked? Every point is counted from stored results, "
    "beat by beat; click one to see the beats behind it.",
)

import streamlit as st

from nsr_core.errors import UserError
from ui import frame, loaders, results
from ui.beside import beside
from ui.evaluation import attack_anew, choice, panels
from ui.plain import in_words, plain


def main() -> None:
    with frame.page():
        names = _evaluated(frame.checkpoint_names())
        if not names:
            st.info("No network here was attacked yet. Train one on the page Train, then evaluate it.")
            return
        controls, result = beside("Change networks, attacks or measure")
        with controls:
            view = choice.choose(names)
        with result:
            panels.show(view)
        attack_anew.show(frame.checkpoint_names())


def _evaluated(names: list[str]) -> list[str]:
    """Those that have results; one whose results cannot be read is named and left out."""
    found = []
    for name in names:
        try:
            if results.readings_of(name):
                found.append(name)
        except UserError as error:
            st.warning(f"{plain(loaders.title(name))} is left out: {in_words(error)}")
    return found


main()
