"""Figures 1, 2 and 4 to 7: accuracy and precision against the noise, and what the paper reads from them."""

import pandas as pd
import streamlit as st

from nsr_core.paper.claims import CLAIMS, CURVE_FIGURES, ClaimResult, check_claim
from nsr_core.paper.replication import provenance
from nsr_core.paper.report import ATTACK_TITLES, METRIC_TITLES
from ui import chart
from ui.paper import figures, worst
from ui.paper.ours import Ours, protocol, table_title, tell_missing, tell_starred
from ui.theme import ink

ICONS = {
    "holds": ":material/check_circle:",
    "partly": ":material/contrast:",
    "fails": ":material/cancel:",
    "open": ":material/pending:",
}
COLUMNS = ["table", "metric", "method", "eps", "ours", "paper", "difference", "beats", "protocol", "departures"]


def show(ours: Ours, number: int, overlay: bool) -> None:
    network, attack = CURVE_FIGURES[number]
    rows = ours.rows
    shown = rows[(rows["network"] == network) & (rows["attack"] == attack)]
    drawn = {}
    for column, part, metric in zip(st.columns(2, gap="medium"), "ab", METRIC_TITLES, strict=True):
        with column:
            of_metric = shown[shown["metric"] == metric]
            title = f"Figure {number} ({part}): {table_title(of_metric)}"
            st.markdown(f"({part}) {METRIC_TITLES[metric]} · Table {of_metric['table'].iloc[0]}")
            drawn[title] = figures.curves(of_metric, ink(), overlay)
            chart.draw(drawn[title], key=f"curves_{metric}", alt=_alt(title, of_metric))
    lines = "Solid: ours. Dotted: published. " if overlay else ""
    st.caption(f"{lines}Click a method in the legend to hide it, double-click to see it alone. {protocol(shown)}")
    tell_missing(shown)
    tell_starred(shown)
    worst.show(shown)
    _claims(ours, number)
    chart.numbers(
        shown[COLUMNS].round({"difference": 5}),
        name=f"paper-figure-{number}",
        figures=lambda: drawn,
        facts=provenance(shown),
    )


def _alt(title: str, rows: pd.DataFrame) -> str:
    at = rows[(rows["eps"] == 0.1) & (rows["missing"] == "")]
    result = "; ".join(f"{row.method} {row.ours:.2f} (paper {row.paper:.2f})" for row in at.itertuples())
    return f"{title} against the noise level. At 0.1: {result or 'ours is missing'}."


def _claims(ours: Ours, number: int) -> None:
    results = [check_claim(claim, ours.rows) for claim in CLAIMS if claim.figure == number]
    st.markdown(f"##### What the paper reads from this figure{_tally([result.outcome for result in results])}")
    for result in results:
        st.markdown(_in_words(result) + _from_other_seeds(result, ours.rows_by_seed))
    if any(result.claim.than_attack for result in results):
        st.caption(
            "The two attacks are not on the same beats: SPSA is on the first 162 test beats of each class in the paper."
        )


def _tally(outcomes: list[str]) -> str:
    judged = len(outcomes) - outcomes.count("open")
    if not judged:
        return ""
    partly = outcomes.count("partly")
    return f": {outcomes.count('holds')} of {judged} hold in ours" + (f", {partly} in part" if partly else "")


def _in_words(result: ClaimResult) -> str:
    in_paper = sum(level.holds for level in result.paper)
    published = f"In the paper's table: {in_paper} of {len(result.paper)}."
    head = f"{ICONS[result.outcome]} **{result.claim.text}.**"
    if result.decisive is None:
        return f"{head} Open: ours is missing for {', '.join(result.missing)}. {published}"
    held, level = sum(one.holds for one in result.ours), result.decisive
    how = "Closest" if result.outcome == "holds" else "Furthest off"
    rival = ATTACK_TITLES[result.claim.than_attack] if result.claim.than_attack else level.rival
    custom = "" if result.protocol == "paper" else " Protocol custom."
    return (
        f"{head} Ours: {'fails' if not held else 'holds'} at {held or len(result.ours)} of {len(result.ours)} noise "
        f"{'level' if len(result.ours) == 1 else 'levels'}. {how} at {level.eps:g}: {level.value:.2f} against "
        f"{level.rival_value:.2f} ({rival}). {published}{custom}"
    )


def _from_other_seeds(result: ClaimResult, rows_by_seed: dict[int, pd.DataFrame]) -> str:
    """At how many noise levels the claim holds with the checkpoints of each other training seed, where these have a say."""
    others = {seed: check_claim(result.claim, rows).ours for seed, rows in rows_by_seed.items()}
    held = [
        f"from seed {seed} at {sum(level.holds for level in levels)} of {len(levels)}"
        for seed, levels in others.items()
        if levels and levels != result.ours
    ]
    return f" With other training seeds it holds {' and '.join(held)}." if held else ""
