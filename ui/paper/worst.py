"""Beside the published protocol: what the same networks keep in the worst case."""

import pandas as pd
import streamlit as st

from ui import results
from ui.links import page_link
from ui.verdict import words


def show(rows: pd.DataFrame) -> None:
    """A row for each method of ours among ``rows``, a column for each noise level; nothing where none was evaluated.

    Args:
        rows: of ``nsr_core.paper.replication.published_and_ours``.
    """
    ours = rows[rows["checkpoint"] != ""].drop_duplicates("method", keep="last")
    names: dict[str, str] = dict(zip(ours["method"], ours["checkpoint"], strict=True))
    found = {method: levels for method, name in names.items() if (levels := results.verdict_levels(name)) is not None}
    if not found:
        return
    st.markdown("**The same networks in the worst case**: ACC after all our attacks in turn, not only the paper's")
    worst = {method: levels.set_index("eps")["worst"] for method, levels in found.items()}
    table = pd.DataFrame(worst).T.round(2).rename(columns=lambda eps: f"{eps:g}").rename_axis("method").reset_index()
    two_digits = {name: st.column_config.NumberColumn(format="%.2f") for name in table.columns[1:]}
    st.dataframe(table, hide_index=True, key="worst_case", column_config=two_digits)
    st.caption(words.protocol(names[next(iter(found))]))
    page_link("verdict", "What the published numbers are worth")
