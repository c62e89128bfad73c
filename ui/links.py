"""Ways from one page to another, with the settings that the other page opens on."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from ui.navigation import PAGES


def _plain(settings: Mapping[str, str | Sequence[str]]) -> dict[str, str | list[str]]:
    return {name: value if isinstance(value, str) else list(value) for name, value in settings.items()}


def page_link(name: str, label: str, settings: Mapping[str, str | Sequence[str]] | None = None) -> None:
    """A link to another page of the app.

    Args:
        name: in ``PAGES``, such as ``"beat"``.
        settings: the other page's query parameters.
    """
    page = PAGES[name]
    kept = {"source": st.session_state["source"]} if st.session_state.get("source", "demo") != "demo" else {}
    try:
        st.page_link(page.file, label=label, icon=page.icon, query_params=_plain(kept | dict(settings or {})))
    except StreamlitPageNotFoundError:  # a page run on its own, without app.py, has no others to link to
        st.markdown(f"{page.icon} {label}")
