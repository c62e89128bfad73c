"""Choices beside their answer. On a phone, where both cannot be seen at once, the answer comes first: the choices are folded."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.theme import NARROW_PX

#: The fold is the browser's own: it opens without a visit to the server, and no widget comes or goes with it. Whatever is
#: wrong with a choice is never folded away.
STYLE = f"""<style>
[data-testid=stLayoutWrapper]:has(> .st-key-fold) {{display: none}}
.st-key-fold summary {{cursor: pointer; min-height: 2rem; align-content: center; font-weight: 600}}
@media (max-width: {NARROW_PX}px) {{
/* Columns under each other need no wide gap. */
[data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {{gap: 1rem}}
[data-testid=stLayoutWrapper]:has(> .st-key-fold) {{display: block}}
[data-testid=stColumn]:not(:has(.st-key-fold details[open], .st-key-folded [data-testid=stAlert]))
    [data-testid=stLayoutWrapper]:has(> .st-key-folded) {{display: none}}
}}</style>"""


def beside(label: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where a page's choices go and where their answer goes.

    Args:
        label: what there is to choose, on the fold.
    """
    choices, answer = st.columns([1, 3.1], gap="large")
    with choices:
        with st.container(key="fold"):
            st.html(f"{STYLE}<details><summary>{label}</summary></details>")
        folded = st.container(key="folded")
    return folded, answer
