"""Choosing the networks that a page compares."""

import streamlit as st

from ui import address, loaders
from ui.pick import pick_some
from ui.plain import quoted

MOST_NETWORKS = 4


def choose_networks(names: list[str], first: tuple[str, ...]) -> list[str]:
    """The widget, and up to four of ``names``; at first those of ``first`` that are there."""
    tell_missing("models", names)
    return pick_some(
        "Networks",
        loaders.titles(names),
        [name for name in first if name in names] or names[:1],
        key="models",
        max_selections=MOST_NETWORKS,
        placeholder="Choose up to four",
        help="The training method, its short name in brackets, and the network. MLP: fully connected. CNN: convolutional, and "
        "much slower to attack.",
    )


def tell_missing(key: str, names: list[str]) -> None:
    """Name the networks that the address asks for and that are not among ``names``; before the widget, which keeps to these."""
    if key in st.session_state and not address.went_back():
        return  # what was chosen on the page itself is there
    if missing := [name for name in dict.fromkeys(address.asked(key)) if name and name not in names]:
        more = f" and {len(missing) - MOST_NETWORKS} more" if len(missing) > MOST_NETWORKS else ""
        st.warning(
            f"The link names networks that are not here: {', '.join(map(quoted, missing[:MOST_NETWORKS]))}{more}. They may have "
            "been deleted, trained on another machine, or not evaluated yet. Others are shown instead."
        )
