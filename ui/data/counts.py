"""The tab Counts: how many beats of each class train, watch over the training, and test."""

import streamlit as st

from nsr_core.data import CLASS_NAMES, CLASSES, SOURCES, Beats, Split
from nsr_core.data.summary import PARTS, PartCounts, count_parts
from ui import address, chart, loaders, sources
from ui.data import figures
from ui.theme import ink

SPLIT_WORDS = {
    "beat": "**By beat**, as in the paper: beats are dealt out by chance, class by class. Beats of one patient train "
    "and test, so a network may know the patient already.",
    "patient": "**By patient** (de Chazal et al. 2004): records of DS1 train, records of DS2 test, the four paced "
    "records do neither. A network meets new patients in the test, with one exception: records 201 (DS1) and 202 (DS2) are of "
    "the same person. Only few Q beats are left.",
    "published": "**As published**: the rows of the test file test, a fifth of the train file validates.",
}


def show(beats: Beats) -> None:
    controls, result = st.columns([1, 2.6], gap="large")
    with controls:
        split, view = _choose(beats)
        outcome = count_parts(beats, split)
        st.markdown(SPLIT_WORDS[split.name])
        st.markdown(_balance_words(outcome))
        st.caption(
            f"Split `{split.name}`, fingerprint `{split.fingerprint}`, seed {split.seed}. "
            "Results can be compared only where the fingerprints agree."
        )
    with result:
        _result(beats, outcome, split, view)


def _choose(beats: Beats) -> tuple[Split, str]:
    possible = SOURCES[beats.source].splits
    name = possible[0]
    if len(possible) > 1:
        name = st.segmented_control(
            "Split by",
            possible,
            default=possible[0],
            key="split",
            bind=address.bound("split"),
            required=True,
            wrap=True,
            help="Which beats train the network, which ones watch over the training, and which ones test it.",
        )
    view = st.segmented_control(
        "Shown as",
        figures.VIEWS,
        default="log",
        key="axis",
        bind=address.bound("axis"),
        required=True,
        wrap=True,
        help="On the log axis each step to the right is ten times as many, so that rare classes can be seen. The share is "
        "that of a class among the beats of its part.",
    )
    return loaders.split_of(beats.source, sources.root_of(beats.source), name), view


def _result(beats: Beats, outcome: PartCounts, split: Split, view: str) -> None:
    st.subheader(_title(beats), anchor=False)
    figure = figures.class_counts(outcome, view, ink())
    chart.draw(figure, key="class_counts", alt=_alt(outcome, split.name))
    st.caption(" · ".join(f"**{label}** {CLASS_NAMES[label].lower()}" for label in CLASSES))
    facts = {"source": beats.source, "split": split.name, "fingerprint": split.fingerprint, "seed": split.seed}
    shares = {f"{part} share": 4 for part in PARTS}
    chart.numbers(
        outcome.table().round(shares),
        name="class-counts",
        figures=lambda: {"Beats by class and part": figure},
        facts=facts,
    )


def _title(beats: Beats) -> str:
    if beats.source == "demo":
        return f"{len(beats):,} synthetic beats, as many of each class"
    counts = beats.class_counts()
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    return f"{len(beats):,} beats: {counts[most] / len(beats):.0%} are {most}, {counts[least] / len(beats):.1%} are {least}"


def _balance_words(outcome: PartCounts) -> str:
    repeats = outcome.repeats(outcome.rarest)
    if repeats < 1.05:
        return "The classes are balanced already; real beats are far from it."
    return (
        f"Training evens this out, as in the paper: each class is repeated until it is as large as the largest "
        f"({outcome.largest:,}), so one epoch shows {outcome.epoch:,} beats, each {CLASSES[outcome.rarest]} beat about "
        f"{repeats:,.0f} times."
    )


def _alt(outcome: PartCounts, name: str) -> str:
    parts = [
        f"{part}: " + ", ".join(f"{label} {count:,}" for label, count in zip(CLASSES, column, strict=True))
        for part, column in zip(PARTS, outcome.counts.T, strict=True)
    ]
    return f"Beats by class in the split {name}. " + ". ".join(parts) + "."
