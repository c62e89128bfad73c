"""What stands around every page: its title, which beats are shown, and what the app must not be used for."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from nsr_core import DISCLAIMER


@contextmanager
def page(title: str, lead: str) -> Iterator[None]:
    """Draw a page's head, then what the ``with`` block draws, then its foot."""
    st.title(title)
    st.markdown(lead)
    st.info(
        "These beats are **synthetic**: drawn from averages of MIT-BIH beats, made on this machine. "
        "The networks were trained on the real records.",
        icon=":material/info:",
    )
    yield
    st.divider()
    st.caption(DISCLAIMER)
