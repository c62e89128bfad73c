"""Choosing the networks that a page compares."""

import streamlit as st

MOST_NETWORKS = 4


def choose_networks(names: list[str], first: tuple[str, ...]) -> list[str]:
    """The widget, and up to four of ``names``; at first those of ``first`` that are there."""
    return st.multiselect(
        "Networks",
        names,
        [name for name in first if name in names] or names[:1],
        key="models",
        bind="query-params",
        max_selections=MOST_NETWORKS,
        placeholder="Choose up to four",
        help="MLP: fully connected. CNN: convolutional, and much slower to attack. After it the training method; Learn explains "
        "them.",
    )
