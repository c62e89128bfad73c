"""The section Transfer: noise that was made for one network, read by all others, and one noise for all beats."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.attacks import PGD, attack_title
from nsr_core.errors import UserError
from nsr_core.models import NETWORKS
from nsr_core.verdict.transfer import TELLING, TransferTable
from ui import address, chart, loaders, results
from ui.pick import pick_one
from ui.theme import ink
from ui.verdict import transfer_figures

ALL = "all"
MOST_HEIGHT_PX = 360
GAP = "own noise leaves more by"
NUMBERS = ("own noise", "worst of the others'", "one noise for all beats")
GAP_HELP = (
    f"Accuracy under its own noise less that under the worst of the others'. From {TELLING:g} on its gradient misleads."
)


def show(levels: dict[str, pd.DataFrame]) -> None:
    st.markdown(
        "Noise that was made for one network often fools others too: it **transfers**. So each network meets its own noise and "
        "everyone else's. Its own should harm it most, since that attack sees its gradient. Where another's noise harms it "
        "more, its gradient misleads: it looks more robust under its own attack than it is."
    )
    try:
        table = results.transfer()
    except UserError as error:
        st.warning(str(error))
        return
    if table is None or not table.noises:
        st.info("Transfer was not measured for these networks yet. The command line's transfer command does it.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        table = _some(table)
        names = [f"{eps:g}" for eps in table.levels]
        chosen = st.segmented_control(
            "Noise level ε, share of the beat's range",
            names,
            default=names[-1],
            required=True,
            key="transfer_eps",
            bind=address.bound("transfer_eps"),
        )
    _show(table, float(chosen))


def _some(table: TransferTable) -> TransferTable:
    """The part of the table that the reader wants to see."""
    networks = [network for network in NETWORKS if any(_network(name) == network for name in table.noises)]
    titles = {network: network.upper() for network in networks} | {ALL: "All"}
    wanted = pick_one("Networks", titles, key="transfer_of", widget=st.segmented_control, required=True)
    names = [name for name in loaders.checkpoint_names() if name in table.noises]
    return table.only({name: table.weights[name] for name in names if wanted in (ALL, _network(name))})


def _show(table: TransferTable, eps: float) -> None:
    order = [name for name in loaders.checkpoint_names() if name in table.noises]
    matrix, titles = table.matrix(eps).loc[order, order], loaders.titles(order)
    clean, universal = table.clean[order], table.universal(eps)[order]
    st.markdown(_in_words(table, eps, titles))
    st.dataframe(
        _by_gap(matrix, universal, titles),
        hide_index=True,
        height=MOST_HEIGHT_PX if len(order) > 9 else "auto",
        key="transfer_list",
        column_config=dict.fromkeys(NUMBERS, st.column_config.NumberColumn(format="%.2f"))
        | {GAP: st.column_config.NumberColumn(help=GAP_HELP, format="%.2f")},
    )
    st.caption(
        "Each row is noise that was made for one network, each column, with the same numbers, a network that reads it. The cell is "
        "the accuracy that is left, in %; framed is a network's own noise."
    )
    figure = transfer_figures.matrix(matrix, clean, universal, titles, ink())
    with chart.roll("roll_transfer", transfer_figures.least_width_px(len(order))):
        chart.draw(figure, key="transfer", alt=_alt(matrix, titles, eps))
    ran = table.protocol
    protocol = (
        f"Protocol: {_attack(ran['attack'])}, noise on all samples, on the same {ran['count']:,} beats "
        f"for all ({ran['beats']}; split by {ran['split']['name']} `{ran['split']['fingerprint']}`), attack seed {ran['seed']}. "
        f"One noise for all beats is made for each network on {ran['universal_from']}. Accuracy, every class counting the "
        f"same. A difference counts from {TELLING:g}. Networks split by patient are left out: they have learned some of these beats. "
        "What a network withstands here proves nothing."
    )
    st.caption(protocol)
    numbers = pd.DataFrame(
        {"beats with": ["no noise", *(f"noise made for {titles[name]}" for name in order), "one noise for all beats"]}
    )
    for name in order:
        numbers[titles[name]] = [clean[name], *matrix[name], universal[name]]
    chart.numbers(
        numbers.round(3),
        name=f"transfer-{eps:g}",
        figures=lambda: {f"Transfer at noise level {eps:g}": figure},
        facts={"eps": eps, "protocol": ran, "weights": table.weights},
    )


def _in_words(table: TransferTable, eps: float, titles: dict[str, str]) -> str:
    """The most telling pair, and the most telling universal noise."""
    found = table.telling(eps)
    if found.empty:
        lines = ["No network's own noise is weaker than another's."]
    else:
        row = found.iloc[0]
        lines = [
            f"For **{len(found)} of {len(titles)}** networks another's noise is worse than their own. The clearest: noise "
            f"made for **{titles[row['source']]}** leaves **{titles[row['target']]}** an accuracy of **{row['transferred']:.2f}**, "
            f"its own noise {row['own']:.2f}."
        ]
    universal, matrix = table.universal(eps), table.matrix(eps)
    gap = pd.Series({name: matrix.loc[name, name] for name in titles}) - universal
    if gap.max() >= TELLING:
        name = str(gap.idxmax())
        lines.append(
            f"Even one noise for all beats, which does not look at the beat, leaves **{titles[name]}** only "
            f"**{universal[name]:.2f}**; noise made for each beat by its own gradient leaves {matrix[name][name]:.2f}."
        )
    return "\n".join(f"- {line}" for line in lines)


def _by_gap(matrix: pd.DataFrame, universal: pd.Series, titles: dict[str, str]) -> pd.DataFrame:
    """A row for each network that reads, those first whose own noise harms least beside another's."""
    names = list(titles)
    own = pd.Series({name: matrix.loc[name, name] for name in names})
    others = matrix.loc[names, names].mask(np.eye(len(names), dtype=bool))
    table = pd.DataFrame(
        {
            "network": pd.Series(titles),
            "own noise": own,
            "worst of the others'": others.min(),
            GAP: own - others.min(),
            "made for": others.idxmin().map(titles) if len(names) > 1 else None,
            "one noise for all beats": universal[names],
        }
    )
    return table.sort_values(GAP, ascending=False, ignore_index=True).round(2)


def _attack(ran: dict[str, Any]) -> str:
    if ran == {"name": PGD.name, **asdict(PGD())}:
        return f"PGD ({ran['steps']} steps) as published"
    return attack_title(ran["name"])


def _alt(matrix: pd.DataFrame, titles: dict[str, str], eps: float) -> str:
    told = "; ".join(
        f"{titles[name]} {matrix[name][name]:.2f} and {matrix[name].drop(name).min():.2f}" for name in map(str, matrix)
    )
    return f"Accuracy at noise level {eps:g} under its own noise and under the worst of the others': {told}."


def _network(name: str) -> str:
    return loaders.checkpoint(name).config.network
