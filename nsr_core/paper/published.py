"""The numbers that the paper published (its Tables 1-12), and how far ours are from them."""

from functools import cache
from importlib.resources import files

import pandas as pd


@cache
def paper_tables() -> pd.DataFrame:
    """All 756 published values: ``table, metric, network, attack, method, eps, value``."""
    with files("nsr_core.paper").joinpath("paper-tables.csv").open(encoding="utf-8") as lines:
        return pd.read_csv(lines)


def beside_paper(summary: pd.DataFrame, network: str, method: str) -> pd.DataFrame:
    """Our values beside the paper's, where it has any: each noise level alone, as the paper reports.

    Args:
        summary: of ``summarise``.

    Returns:
        Rows ``table, metric, attack, eps, paper, ours, difference`` (ours minus paper).
    """
    published = paper_tables()
    published = published[(published["network"] == network) & (published["method"] == method)]
    alone = summary[["attack", "eps", "acc_alone", "prec_alone"]].set_axis(["attack", "eps", "acc", "prec"], axis=1)
    ours = alone.melt(["attack", "eps"], ["acc", "prec"], "metric", "ours")
    joined = published.merge(ours, on=["attack", "eps", "metric"]).rename(columns={"value": "paper"})
    joined["difference"] = joined["ours"] - joined["paper"]
    return joined[["table", "metric", "attack", "eps", "paper", "ours", "difference"]]
