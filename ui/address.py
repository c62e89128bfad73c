"""What a page's address says of its choices, and what it said when the page was left.

A link within the app, and the bar above every page, start a page with a bare address. Widgets that are bound to the address
(``bind``) then come back as they were by Streamlit's own doing; what is written here by hand is given back here. A link that
names settings leads to these and nothing else: what the page was left with before is forgotten.
"""

from typing import Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui import presenting

#: Keys of the session that no widget owns: the page that is shown; by page what its address said last, and its bound widgets.
_PAGE = "page_shown"
_LEFT = "addresses_left"
_BOUND = "bound_widgets"


def went_back() -> bool:
    """Whether this run answers the browser's Back or Forward: then the page shows what its address says and nothing else."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def return_to(page: str) -> None:
    """Come to a page, by its path: where its address is bare, it says again what it said when the page was left.

    So it is too for Back and Forward from another page: Streamlit leaves a bare address behind where a page is left. It
    would set all bound widgets to what they are at first; run once more, as a page that a link leads to, they are kept.
    """
    if st.session_state.get(_PAGE) == page:
        return
    is_bare = not set(st.query_params) - {presenting.PARAMETER}
    if went_back() and is_bare:
        st.rerun()
    st.session_state[_PAGE] = page
    if is_bare:
        st.query_params.update(_left())
        return
    for key in _bound_here() - set(st.query_params):
        st.session_state.pop(key, None)


def bound(key: str) -> Literal["query-params"] | None:
    """What a widget of this key takes as ``bind``: the address says its value.

    A key without a value, as in ``?view=``, is taken out of the address and not listened to: Streamlit would have none chosen
    by it, even where one is required.
    """
    _bound_here().add(key)
    if (values := asked(key)) and not any(values):
        st.query_params.pop(key, None)
        return None
    return "query-params"


def asked(key: str) -> list[str]:
    """All that the address says under a key."""
    return st.query_params.get_all(key)


def tell(key: str, names: list[str]) -> None:
    """Write a choice into the address; nothing for one that is as at first."""
    if names:
        _left()[key] = names
    else:
        _left().pop(key, None)
    if asked(key) == names:
        return
    if names:
        st.query_params[key] = names
    else:
        st.query_params.pop(key, None)


def _left() -> dict[str, list[str]]:
    pages: dict[str, dict[str, list[str]]] = st.session_state.setdefault(_LEFT, {})
    return pages.setdefault(st.session_state.get(_PAGE, ""), {})


def _bound_here() -> set[str]:
    pages: dict[str, set[str]] = st.session_state.setdefault(_BOUND, {})
    return pages.setdefault(st.session_state.get(_PAGE, ""), set())
