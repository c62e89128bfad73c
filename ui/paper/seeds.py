"""Below a table of the paper: how far the values move where only the training seed is another."""

import pandas as pd
import streamlit as st

from nsr_core.paper.report import METRIC_TITLES
from nsr_core.paper.seeds import ALIKE


def show(rows: pd.DataFrame, over_seeds: pd.DataFrame) -> None:
    """A row for each method that was trained from several seeds; nothing where none was.

    Args:
        rows: of ``nsr_core.paper.replication.published_and_ours``, of one table.
        over_seeds: of ``nsr_core.paper.seeds.over_seeds``.
    """
    several = rows.merge(over_seeds.dropna(subset="spread"), on=ALIKE, suffixes=("", "_over_seeds"))
    if several.empty:
        return
    result = several.assign(
        result=[f"{row.mean:.2f} ± {row.spread:.2f}" for row in several[["mean", "spread"]].itertuples()]
    )
    wide = result.pivot(index=["method", "seeds"], columns="eps", values="result").rename(
        columns=lambda eps: f"{eps:g}"
    )
    table = wide.loc[list(dict.fromkeys(several["method"]))].reset_index()
    of_all = several["seeds"].unique()
    seeds = f"training seeds {of_all[0]}" if len(of_all) == 1 else "training seeds"
    metric = METRIC_TITLES[several["metric"].iloc[0]]
    st.markdown(f"**The same training from other seeds**: {metric}, mean ± standard deviation over {seeds}")
    shown = table.drop(columns="seeds") if len(of_all) == 1 else table  # a column less on a phone
    st.dataframe(shown, hide_index=True, key="over_seeds")
    st.caption(
        "Above stands the first seed. Two methods that differ by less than such a spread may change places with the next seed."
    )
