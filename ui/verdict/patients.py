"""The section Patients: each class as frequent as it is, on beats of patients that the network knows and that it does not."""

import pandas as pd
import streamlit as st

from nsr_core.data import CLASS_NAMES
from nsr_core.errors import UserError
from nsr_core.verdict.patients import CLASS_MEASURES, PatientResult
from nsr_core.verdict.verdict import WHOLE
from ui import address, chart, loaders, results
from ui.pick import pick_one
from ui.plain import in_words
from ui.theme import ink
from ui.verdict import patient_figures

#: What a checkpoint's name ends in that was trained on some patients and tested on others.
NEW_PATIENTS = "-patient"
TITLES = {"recall": "Recall", "precision": "Precision", "f1": "F1"}
TOLD = {
    "recall": "The share of a class's beats that are read as this class.",
    "precision": "The share of the beats read as a class that belong to it.",
    "f1": "The harmonic mean of recall and precision.",
}
UNDER = {"no noise": None, "PGD (100 steps)": "pgd100", "worst case": WHOLE}
LEVELS = ("0.01", "0.03", "0.05", "0.1")


def show(levels: dict[str, pd.DataFrame]) -> None:
    st.markdown(
        "The paper splits beats at random, so a network is tested on patients whose other beats it has learned, with every "
        "class counting the same. In practice the patients are new and nine of ten beats are normal. Here are both: **known "
        "patients** (the paper's split) and **new patients** (de Chazal's: trained on 22 records, tested on 22 others), with "
        "natural class frequencies. Intervals are over patients, not beats: what if these had been others?"
    )
    methods = [name.removesuffix(NEW_PATIENTS) for name in levels if name.endswith(NEW_PATIENTS)]
    methods = [name for name in methods if name in levels]
    if not methods:
        st.info(
            "No network that was split by patient is here yet. The page Train makes one: My own, split by patient; then evaluate it."
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = pick_one("Network", loaders.titles(methods), key="patients_of", width=320)
        under = pick_one("Noise", {title: title for title in UNDER}, key="patients_under", width=220)
        level = "0"
        if UNDER[under]:
            level = st.segmented_control(
                "Noise level ε",
                LEVELS,
                default=LEVELS[1],
                required=True,
                key="patients_eps",
                bind=address.bound("patients_eps"),
            )
        measure = pick_one(
            "Measure",
            {name: TITLES[name] for name in CLASS_MEASURES},
            CLASS_MEASURES[-1],
            key="patients_measure",
            widget=st.segmented_control,
            required=True,
        )
    st.caption(f"{TITLES[measure]}: {TOLD[measure]}")
    try:
        found = {
            title: results.patients(one, UNDER[under] or "pgd100", float(level))
            for title, one in (("known patients", name), ("new patients", name + NEW_PATIENTS))
        }
    except UserError as error:
        st.info(in_words(error))
        return
    _show(name, found, under, float(level), measure)


def _show(name: str, found: dict[str, PatientResult], under: str, eps: float, measure: str) -> None:
    figure = patient_figures.by_class(
        {title: one.classes for title, one in found.items()}, measure, TITLES[measure], ink()
    )
    chart.draw(
        figure,
        key="by_class",
        alt=f"{TITLES[measure]} of {loaders.title(name)} by class, known and new patients: "
        + "; ".join(
            f"{CLASS_NAMES[row]} "
            + " and ".join(f"{one.classes.set_index('class')[measure][row]:.2f}" for one in found.values())
            for row in CLASS_NAMES
        ),
    )
    whole = pd.concat([one.overall.assign(split=title) for title, one in found.items()])
    for column, (title, one) in zip(st.columns(len(found)), found.items(), strict=True):
        with column, st.container(border=True):
            st.markdown(f"**{title.capitalize()}**, {int(one.overall['patients'].iloc[0])} of them")
            for row in one.overall.itertuples():
                st.markdown(f"{_capitalised(str(row.measure))}: **{row.value:.2f}** ({row.low:.2f} to {row.high:.2f})")
            st.caption(f"{one.beats.capitalize()}.")
    cards = {title: loaders.checkpoint(one).card for title, one in zip(found, (name, name + NEW_PATIENTS), strict=True)}
    st.caption(
        f"{under.capitalize()}{f', noise level {eps:g}' if eps else ''}; splits "
        + " and ".join(f"by {card['split']['name']} `{card['split']['fingerprint']}`" for card in cards.values())
        + ". 95 % of 1,000 resamples of the patients. A class with few patients has an interval that says little."
    )
    table = pd.concat([one.classes.assign(patients_are=title.split()[0]) for title, one in found.items()])
    chart.numbers(
        table.round(3),
        name=f"patients-{name}-{measure}",
        figures=lambda: {TITLES[measure]: figure},
        facts={
            "overall": whole.to_dict("records"),
            "noise": under,
            "eps": eps,
            "beats": {title: one.beats for title, one in found.items()},
            "splits": {title: card["split"] for title, card in cards.items()},
            "weights": {one: loaders.checkpoint(one).digest for one in (name, name + NEW_PATIENTS)},
        },
    )


def _capitalised(measure: str) -> str:
    """``str.capitalize`` would make f1 of F1."""
    return measure[0].upper() + measure[1:]
