"""The section One network: its curves with the undecided band, and which attack broke its beats."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.certificates import band
from nsr_core.evaluation.summary import reading_title
from nsr_core.verdict.verdict import Verdict, breaks
from ui import chart, loaders, results
from ui.network_choice import tell_missing
from ui.pick import pick_one
from ui.theme import ink, method_style
from ui.verdict import figures, words

FIRST = "mlp-loss2"
#: Where the proved curve is read.
FINE = np.geomspace(figures.LEVELS[0], 0.3, 121).tolist()


def choose(names: list[str]) -> str:
    tell_missing("verdict_of", names)
    return pick_one("Network", loaders.titles(names), FIRST, key="verdict_of", width=420)


def show(levels: dict[str, pd.DataFrame]) -> None:
    name = choose(list(levels))
    found, colours = results.verdict(name), ink()
    assert found is not None  # it has levels
    certified = bool(found.beats["certified"].notna().any())
    known = band(found.beats, FINE) if certified else None
    figure = figures.curves(
        found.levels, known, method_style(loaders.checkpoint(name).config.method).colour(colours), colours
    )
    st.markdown(f"#### {loaders.title(name)}: {'between proof and break' if certified else 'what attacks leave'}")
    last = found.levels.iloc[-1]
    chart.draw(
        figure,
        key="verdict_curves",
        alt=f"Accuracy of {loaders.title(name)} from {found.levels['worst'].iloc[0]:.2f} without noise to "
        f"{last['worst']:.2f} at {last['eps']:g} in the worst case and {last['published']:.2f} as published.",
    )
    st.caption(
        "True accuracy under the strongest noise that exists lies in the shaded band: no noise gets below it, and noise that "
        "gets to its upper edge is known. Lines of attacks have steps, because attacks were run at six levels."
        if certified
        else "Nothing is certified of this network yet: the worst case is only the worst that we found."
    )
    st.caption(words.protocol(name))
    chart.numbers(
        found.levels.round(4),
        name=f"verdict-{name}",
        figures=lambda: {loaders.title(name): figure},
        facts={"protocol": words.protocol(name), "weights": loaders.checkpoint(name).digest},
    )
    _who_broke_it(name, found)


def _who_broke_it(name: str, found: Verdict) -> None:
    counts = breaks(found).rename(columns=reading_title)
    st.markdown("#### Which attack broke its beats")
    if counts.empty:
        st.info("No attack broke any of its beats.")
        return
    total = int(counts.sum().sum())
    missed = int(counts.drop(columns=[one for one in map(reading_title, ("fgsm", "pgd")) if one in counts]).sum().sum())
    st.markdown(
        f"**{total:,}** beats fell. **{missed:,}** of them ({missed / total:.0%}) withstood FGSM and the published PGD at the "
        "level at which another attack broke them. Attacks run from the cheapest to the dearest, each on the beats that are left."
    )
    figure = figures.broken_by(counts, ink())
    chart.draw(
        figure,
        key="broken_by",
        alt="Beats broken: " + "; ".join(f"{attack} {counts[attack].sum()}" for attack in counts.columns),
    )
    beats = found.beats.assign(
        by=found.beats["by"].map(reading_title),
        beat=found.beats["record"].astype(str) + ":" + found.beats["sample"].astype(str),
    )
    chart.numbers(
        beats[["beat", "y", "clean", "certified", "broken", "by"]].round(5),
        name=f"verdict-beats-{name}",
        figures=lambda: {"Which attack broke its beats": figure},
        label="Every beat: proved up to, broken at, by which attack",
        facts={"protocol": words.protocol(name), "weights": loaders.checkpoint(name).digest},
    )
