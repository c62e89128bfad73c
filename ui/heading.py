"""A page's first words. Light to import: a fresh server shows them before it has read torch and all else that a page computes with.

So a page's file begins with its head, and imports what it needs below it.
"""

import gc
import sys
import time

import streamlit as st

from ui import presenting, theme
from ui.navigation import enter_late

#: How long a fresh server waits before it imports the rest: an import holds up the thread that sends the words, and the files
#: of Streamlit's own with which a browser draws them.
SENDING_SECONDS = 0.25


def heading(title: str, lead: str) -> None:
    """Draw a page's title and what it is for."""
    enter_late()
    st.title(title, anchor=False)
    # Not by st.html, whose part of Streamlit's page is fetched late: until then captions were faint and titles large on a phone.
    with st.container(gap=None):
        st.markdown(theme.style(theme.ink()), unsafe_allow_html=True)
        st.markdown(lead)
    presenting.apply()
    if "torch" not in sys.modules:
        time.sleep(SENDING_SECONDS)
        gc.disable()


def imported() -> None:
    """Say that the rest of a page is imported; what was stays, and need not be looked through for what has gone, then or later."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
