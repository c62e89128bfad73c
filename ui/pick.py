"""Choosing by title, while the page's address keeps the names: a better title breaks no link.

Streamlit's own binding writes into the address what the picker shows.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from ui import address

#: What the address says where none of several was chosen.
_NONE = [""]


def pick_one(
    label: str,
    titles: Mapping[str, str],
    first: str | None = None,
    *,
    key: str,
    widget: Callable[..., Any] | None = None,
    **settings: Any,
) -> str:
    """One of ``titles``; a name in the address that is not among them falls back to the first.

    Args:
        titles: by name, in order.
        first: the name that is chosen at first; the first of all by default.
        key: of the widget, and of the page's address.
        widget: ``st.selectbox`` unless another is given, such as ``st.radio`` or a column's own.
        settings: what else the widget takes.
    """
    first = first if first is not None and first in titles else next(iter(titles))
    if st.session_state.get(key) not in titles or address.went_back():
        st.session_state[key] = next((name for name in address.asked(key) if name in titles), first)
    choose = widget or st.selectbox
    chosen: str = choose(label, list(titles), format_func=titles.__getitem__, key=key, **settings) or first
    address.tell(key, [] if chosen == first else [chosen])
    return chosen


def pick_some(label: str, titles: Mapping[str, str], first: Sequence[str], *, key: str, **settings: Any) -> list[str]:
    """Any of ``titles``; at first those of ``first`` that are there. See ``pick_one``."""
    first = [name for name in first if name in titles]
    if key not in st.session_state or address.went_back():
        asked = address.asked(key)
        known = [name for name in dict.fromkeys(asked) if name in titles][: settings.get("max_selections")]
        st.session_state[key] = known if known or asked == _NONE else first
    else:
        st.session_state[key] = [name for name in st.session_state[key] if name in titles]
    chosen = st.multiselect(label, list(titles), format_func=titles.__getitem__, key=key, **settings)
    address.tell(key, [] if chosen == first else chosen or _NONE)
    return chosen
