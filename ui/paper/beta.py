"""The section Choice of β: what the weight of each method's own term buys, on validation beats."""

import pandas as pd
import streamlit as st

from nsr_core.errors import UserError
from nsr_core.paper.beta import search_protocol, trials_of
from ui import chart, results
from ui.paper.beta_figure import trade_off
from ui.paper.ours import Ours
from ui.plain import in_words
from ui.theme import ink

INTRO = (
    "Three losses of the paper weigh a term of their own by **β**: the alignment of loss1, the noise-to-signal ratio of loss2, "
    "the Jacobian. The paper chose β on validation beats and does not show the choice. Here each was trained with several β "
    "around the paper's, and each is a point: how accurate it is without noise (to the right) and under it (up). The score weighs "
    "both alike: √(ACC without noise · mean ACC over noise up to 0.1)."
)


def show(ours: Ours) -> None:
    st.markdown(INTRO)
    try:
        search = results.beta_search()
    except UserError as error:
        st.warning(in_words(error))
        return
    if search is None:
        st.info("No β was swept yet. On the command line, `reproduce beta` does it.")
        return
    trials, protocol = trials_of(search), search_protocol(search)
    networks = trials["network"].unique().tolist()
    network = networks[0]
    if len(networks) > 1:
        network = st.segmented_control("Network", networks, default=network, required=True, format_func=str.upper)
    trials = trials[trials["network"] == network]
    figure = trade_off(trials, ink())
    chart.draw(
        figure,
        key="beta",
        alt="Accuracy without noise and mean accuracy under noise by β: "
        + "; ".join(f"{row.method} {row.beta:g} {row.clean:.2f} and {row.area:.2f}" for row in trials.itertuples()),
    )
    st.caption(
        "Numbers: β, where a path begins and ends, of the paper and of the best; point at any other. Filled: the paper's. Ring: the "
        "best score of its method."
    )
    for _, of_method in trials.groupby("method", sort=False):
        st.markdown(f"- {_in_words(of_method)}")
    st.caption(
        f"{network.upper()}, {protocol} These numbers choose; the published attack is one of many, and what it leaves is not "
        "what the worst case leaves (page Verdict)."
    )
    shown = trials.drop(columns=["network"]).round(4)
    chart.numbers(shown, name=f"beta-{network}", figures=lambda: {"Choice of β": figure}, facts=search["protocol"])


def _in_words(trials: pd.DataFrame) -> str:
    """Which β of one method is best, and how far the paper's is from it."""
    best, paper = (trials[trials[name]] for name in ("is_best", "is_paper"))
    top = best.iloc[0]
    words = f"**{top['method']}**: the best is β = {top['beta']:g}, with a score of {top['score']:.3f}"
    if paper.empty:
        return f"{words}; the paper's was not tried."
    own = paper.iloc[0]
    if own["beta"] == top["beta"]:
        return f"{words}, which is the paper's."
    more = f"{words}; the paper's {own['beta']:g} has {own['score']:.3f}."
    return f"{more} No β beyond it was tried." if top["at_edge"] else more
