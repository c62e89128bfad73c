"""What the curves page shows: checkpoints, attacks, measure, and how they are read."""

from dataclasses import dataclass

import streamlit as st

from nsr_core.evaluation.curves import MEASURES
from ui import loaders

FIRST_NETWORKS = ("mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-adv0.1")
FIRST_READINGS = ("pgd100", "worst-case")


@dataclass(frozen=True)
class View:
    """What the widgets say."""

    names: list[str]
    readings: list[str]
    measure: str
    natural: bool
    alone: bool
    bands: bool
    published: bool

    @property
    def title(self) -> str:
        return MEASURES[self.measure].title + (", natural prevalence" if self.natural else "")


def choose(names: list[str]) -> View:
    """The widgets.

    Args:
        names: the checkpoints that have results.
    """
    chosen = st.multiselect(
        "Checkpoints", names, [name for name in FIRST_NETWORKS if name in names] or names[:4], key="checkpoints",
        bind="query-params", placeholder="Choose any number", help="Network and training method.",
    )  # fmt: skip
    known = list(dict.fromkeys(reading for name in names for reading in loaders.readings_of(name)))
    readings = st.multiselect(
        "Attacks", known, [name for name in FIRST_READINGS if name in known] or known[:1], key="under", bind="query-params",
        help="pgd20 and pgd100: the published PGD with 20 and 100 steps. spsa: a black-box attack, on fewer beats. worst-case: "
        "all our attacks in turn; worst-case-signal: with the filling after the signal untouched.",
    )  # fmt: skip
    measure = st.selectbox("Measure", list(MEASURES), key="measure", bind="query-params")
    st.caption(MEASURES[measure].title)
    natural = st.toggle(
        "Natural prevalence", key="natural", bind="query-params",
        help="Off: every class counts the same, as in the paper. On: classes as frequent as in the whole test split, "
        "whichever of its beats were attacked.",
    )  # fmt: skip
    alone = st.toggle(
        "Each noise level alone", key="alone", bind="query-params",
        help="Off: a beat that was broken at one noise level counts as broken at every larger one, which contains it. "
        "On: as the paper reports, where an attack's misses at larger levels count as robustness.",
    )  # fmt: skip
    bands = st.toggle(
        "Intervals", value=True, key="bands", bind="query-params",
        help="95 %, from 1,000 resamples of the beats. Beats of one patient are not independent, so for new patients "
        "they read too narrow.",
    )  # fmt: skip
    published = st.toggle(
        "Published curves", key="with_published", bind="query-params", disabled=not alone,
        help="The paper's own values, dotted. They are of each noise level alone: switch that reading on to see them beside "
        "ours.",
    )  # fmt: skip
    return View(chosen, readings, measure, natural, alone, bands, published and alone)
