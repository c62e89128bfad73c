"""The section All networks: published, worst case and proof of every checkpoint at one noise level."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.models import NETWORKS
from nsr_core.verdict.levels import table_of
from ui import address, chart, loaders, results
from ui.theme import ink
from ui.verdict import figures, words

#: The level of the paper's claim, at which published, worst case and proof differ most.
FIRST_LEVEL = 0.1
COLUMNS = {
    "title": "network",
    "beats": "test beats",
    "clean": "without noise",
    "published": "PGD (100 steps), published",
    "worst": "worst case",
    "low": "from",
    "high": "to",
    "gap": "overstated by",
    "signal": "worst case, signal only",
    "proved": "proved",
    "undecided": "undecided",
    "ceiling": "any classifier, at most",
    "check": "masking check",
    "checkpoint": "checkpoint",
}
HELP = {
    "PGD (100 steps), published": "Accuracy that the paper's own attack leaves, each noise level alone, as its tables report.",
    "worst case": "Accuracy after all attacks, one after another; 95 % of resamples of the beats lie between from and to.",
    "overstated by": "By how much the published protocol is above the worst case.",
    "worst case, signal only": "The same with noise on the signal only, not on the zeros that fill a beat up.",
    "proved": "Share of beats for which it is proved that no noise of this size changes the reading.",
    "undecided": "Neither broken by any attack nor proved.",
    "any classifier, at most": "Beats of different classes that noise can make alike cannot both be kept, whatever the classifier; of the whole test split.",
    "masking check": "Whether the network's gradient misleads attacks; see the section Gradient masking.",
}


def show(levels: dict[str, pd.DataFrame]) -> None:
    tried = sorted({float(eps) for found in levels.values() for eps in found["eps"] if eps > 0})
    names = [f"{eps:g}" for eps in tried]
    chosen = st.segmented_control(
        "Noise level ε, share of the beat's range",
        names,
        required=True,
        key="verdict_eps",
        bind=address.bound("verdict_eps"),
        default=f"{FIRST_LEVEL:g}" if f"{FIRST_LEVEL:g}" in names else names[0],
    )
    eps = float(chosen)
    table = _with_ceiling(_ranked(table_of(levels, eps)), eps)
    st.markdown(words.who_leads(table))
    figure = figures.ladder(table, ink())
    chart.draw(
        figure,
        key="ladder",
        alt=f"At noise level {eps:g}, PGD (100 steps) as published, worst case and proved: "
        + "; ".join(
            f"{title} {published:.2f}, {worst:.2f}, {f'{proved:.2f}' if proved >= 0 else '-'}"
            for title, published, worst, proved in zip(
                table["title"], table["published"], table["worst"], table["proved"], strict=True
            )
        ),
    )
    st.caption(words.protocols(table["checkpoint"]))
    chart.numbers(
        _numbers(table),
        name=f"verdict-{eps:g}",
        figures=lambda: {f"Noise level {eps:g}": figure},
        expanded=True,
        facts={
            "eps": eps,
            "protocols": {name: words.protocol(name) for name in table["checkpoint"]},
            "weights": {name: loaders.checkpoint(name).digest for name in table["checkpoint"]},
        },
        column_config={name: st.column_config.Column(help=result) for name, result in HELP.items()},
    )


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    """With titles and groups, those split by beat first; in each group the most robust first."""
    names = table["checkpoint"]
    table = table.assign(title=names.map(loaders.title), group=names.map(words.group))
    by_beat, there = [network.upper() for network in NETWORKS], set(table["group"])
    order = [*(group for group in by_beat if group in there), *sorted(there.difference(by_beat))]
    table["group"] = pd.Categorical(table["group"], order, ordered=True)
    return table.sort_values(["group", "worst"], ascending=[True, False], ignore_index=True)


def _with_ceiling(table: pd.DataFrame, eps: float) -> pd.DataFrame:
    """With the column ``ceiling``; NaN where it is not known of a checkpoint's test beats."""
    known = [results.ceiling_for(name) for name in table["checkpoint"]]
    return table.assign(ceiling=[ceiling.at(eps) if ceiling else np.nan for ceiling in known])


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    checks = [results.masking(name) for name in table["checkpoint"]]
    table = table.assign(check=pd.Series([check.light if check else None for check in checks], table.index))
    return table[list(COLUMNS)].round(3).rename(columns=COLUMNS)
