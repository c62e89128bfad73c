"""Data: how many beats there are, what they look like, where each comes from, and what the cutting did to them."""

from ui.heading import heading

heading(
    "Data",
    "A network learns from heartbeats that were cut out of long recordings. How many there are of each class, "
    "what they look like, where each one comes from, and what the cutting added and took away.",
)

import streamlit as st

from ui import address, frame
from ui.data import TABS


def main() -> None:
    with frame.page_on_beats() as beats:
        for tab, show in zip(st.tabs(list(TABS), key="tab", bind=address.bound("tab")), TABS.values(), strict=True):
            if tab.open:  # the others cost nothing until they are looked at
                with tab:
                    show(beats)


main()
