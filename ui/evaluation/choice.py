"""What the curves page shows: checkpoints, attacks, measure, and how they are read."""

from dataclasses import dataclass

import streamlit as st

from nsr_core.data import CLASS_NAMES
from nsr_core.evaluation.curves import MEASURES
from nsr_core.evaluation.summary import reading_title
from ui import address, loaders, results
from ui.network_choice import tell_missing
from ui.pick import pick_one, pick_some

FIRST_NETWORKS = ("mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-adv0.1")
MEASURE_HELP = (
    "Accuracy and precision are means over the five classes. Recall: the share of a class's beats that is found. "
    + ("; ".join(f"{name}: {title.lower()}" for name, title in CLASS_NAMES.items()) + ".")
)
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
    tell_missing("checkpoints", names)
    chosen = pick_some(
        "Networks",
        loaders.titles(names),
        [name for name in FIRST_NETWORKS if name in names] or names[:4],
        key="checkpoints",
        placeholder="Choose any number",
        help="Training method, its short name in brackets, and network.",
    )
    known = list(dict.fromkeys(reading for name in names for reading in results.readings_of(name)))
    readings = pick_some(
        "Attacks",
        {name: reading_title(name) for name in known},
        [name for name in FIRST_READINGS if name in known] or known[:1],
        key="under",
        help="PGD is the published attack, with 20 and with 100 steps. SPSA needs no gradient, and was run on fewer beats. Worst "
        "case: all our attacks in turn; signal only: with the padding after the signal untouched.",
    )
    measure = pick_one(
        "Measure", {name: measure.title for name, measure in MEASURES.items()}, key="measure", help=MEASURE_HELP
    )
    natural = st.toggle(
        "Natural prevalence",
        key="natural",
        bind=address.bound("natural"),
        help="Off: every class counts the same, as in the paper. On: classes as frequent as in the whole test split, "
        "whichever of its beats were attacked.",
    )
    alone = st.toggle(
        "Each noise level alone",
        key="alone",
        bind=address.bound("alone"),
        help="Off: a beat that was broken at one noise level counts as broken at every larger one, which contains it. "
        "On: as the paper reports, where an attack's misses at larger levels count as robustness.",
    )
    bands = st.toggle(
        "Intervals",
        value=True,
        key="bands",
        bind=address.bound("bands"),
        help="95 %, from 1,000 resamples of the beats. Beats of one patient are not independent, so for new patients "
        "they read too narrow.",
    )
    published = st.toggle(
        "Published curves",
        key="with_published",
        bind=address.bound("with_published"),
        disabled=not alone,
        help="The paper's own values, dotted. They are of each noise level alone: switch that reading on to see them beside "
        "ours.",
    )
    return View(chosen, readings, measure, natural, alone, bands, published and alone)
