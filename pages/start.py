"""Start: what this is, one example that is computed as the page opens, and the ways on."""

from ui.heading import heading

heading(
    "Can this heartbeat be misread?",
    "A little noise, chosen against it, can make a neural network read a dangerous beat as a normal one. A paper of 2020 set out "
    "to prevent that. Here you attack its nine ways of training, on synthetic beats or on the real MIT-BIH records, and see what "
    "its numbers are worth. All of it is computed on this machine while you look.",
)

import numpy as np
import streamlit as st

from nsr_core.attacks import ATTACKS
from nsr_core.beat.attack import BeatAttack, noise_level
from nsr_core.beat.contrast import find_contrast
from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from ui import chart, ecg, frame, loaders, sources
from ui.attack_choice import AttackChoice
from ui.beat import known, tables, words
from ui.beat.answers import Answer, ask
from ui.beat_choice import first_beat
from ui.links import page_link
from ui.navigation import PAGES
from ui.theme import ink

#: By who they are: the page that serves them first, and what they find there.
WAYS = (
    (
        "I read ECGs",
        "recordings",
        "See how a network reads a recording, yours or the sample, and how little changes it.",
    ),
    ("I learn or teach", "lesson", "Predict what an attack does, then see it computed, step by step."),
    (
        "I do research",
        "verdict",
        "What published robustness is worth: worst case, proof, and the ceiling for any classifier.",
    ),
)
WEAK, STRONG = "mlp-ce", "mlp-mtl-ibp0.1"
EPS = 0.05
LABEL = "V"
#: Side by side, the two beats stand at one height, whether a headline takes one line or two.
ALIKE = "<style>@media (width > 640px) {[class*=st-key-headline_] {min-height: 4.5rem}}</style>"
#: Beats among which the example is looked for.
LOOKED_AT = 128


def main() -> None:
    with frame.page_on_beats() as beats:
        names = frame.checkpoint_names()
        if WEAK in names and STRONG in names:
            row = _example(beats.source, sources.root_of(beats.source))
            choice = AttackChoice("pgd", ATTACKS["pgd"], EPS, 0, True)
            pair, ways = st.columns([3.6, 1], gap="medium")
            with pair:
                answers = ask([WEAK, STRONG], beats, row, choice)
                _show(answers, beats, row, choice)
            with ways:
                _ways()
        _pages()


@st.cache_data(show_spinner=False)
def _example(source: str, root: str | None) -> int:
    """The row of a beat that the attack flips for one network and no attack for the other, certified where possible."""
    beats = loaders.beats_of(source, root)
    rows = np.flatnonzero(beats.y == CLASSES.index(LABEL))[:LOOKED_AT]
    found = find_contrast(loaders.checkpoint(WEAK), loaders.checkpoint(STRONG), ATTACKS["pgd"], beats, rows, EPS)
    return first_beat(beats) if found is None else found


def _show(answers: list[Answer], beats: Beats, row: int, choice: AttackChoice) -> None:
    level, colours = words.in_units(noise_level(beats, row, choice.eps)), ink()
    y_range = ecg.common_range([answer.result for answer in answers])
    st.html(ALIKE)
    titles = ("Trained as usual (cross-entropy)", "Trained to be provably robust (certified training)")
    for column, answer, title in zip(st.columns(2, gap="medium"), answers, titles, strict=True):
        with column, st.container(border=True):
            result = answer.result
            st.markdown(f"**{title}**")
            with st.container(key=f"headline_{answer.name}"):
                st.markdown(f"#### {_headline(result)}")
            chart.draw(
                ecg.attacked_beat(result, colours, y_range=y_range, height=420),
                key=f"beat_{answer.name}",
                alt=f"{title}: {words.readings(result)}",
            )
            st.markdown(f"{words.readings(result)} {words.verdict(result)}.")
            known.line(answer, beats, row, choice, colours)
    st.caption(f"Same beat, same budget: {level}. {words.protocol(answers[0].result)}")
    chart.numbers(
        tables.table(answers),
        name="start",
        facts={"attacks": [answer.result.to_json() for answer in answers]},
        figures=lambda: {
            answer.title: ecg.attacked_beat(answer.result, colours, y_range=y_range) for answer in answers
        },
    )
    result = answers[0].result
    settings = {"beat": result.beat, "models": [answer.name for answer in answers], "eps": f"{result.eps:g}"}
    page_link("beat", "Take this beat to the Beat lab and turn the noise up", settings)


def _headline(result: BeatAttack) -> str:
    if result.flipped:
        return f":material/warning: Now read as: {CLASS_NAMES[result.class_after].lower()}"
    return f":material/shield: Still read as: {CLASS_NAMES[result.class_after].lower()}"


def _ways() -> None:
    with st.container(border=True):
        st.markdown("**Where do you come from?**")
        for who, name, offer in WAYS:
            page_link(name, f"**{who}**")
            st.caption(offer)


def _pages() -> None:
    st.markdown("#### Explore")
    offered = [page for page in PAGES.values() if page.summary]
    for first in range(0, len(offered), 4):
        for column, page in zip(st.columns(4, gap="medium"), offered[first : first + 4], strict=False):
            with column, st.container(border=True):
                page_link(page.name, f"**{page.title}**")
                st.caption(page.summary)


main()
