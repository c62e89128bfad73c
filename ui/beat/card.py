"""A network's card in the Beat lab."""

import streamlit as st

from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from ui import chart, ecg
from ui.attack_choice import AttackChoice
from ui.beat import figures, known, words
from ui.beat.answers import Answer
from ui.theme import Ink


def card(
    answer: Answer,
    beats: Beats,
    row: int,
    choice: AttackChoice,
    y_range: tuple[float, float],
    colours: Ink,
    speed: int,
    narrow: bool,
) -> None:
    """One network's answer: the beat with and without noise, what is read, what it took, and what is known beyond."""
    result = answer.result
    with st.container(border=True):
        st.markdown(f"**{answer.title}** &nbsp; {words.verdict(result)}")
        trace, bars = (st.container(), st.container()) if narrow else st.columns([1.7, 1], gap="medium")
        with trace:
            chart.draw(
                ecg.attacked_beat(result, colours, y_range=y_range, height=430 if narrow else 520, speed=speed),
                key=f"beat_{answer.name}",
                alt=f"Beat {result.beat} without noise and with noise of at most {result.eps:g}; {answer.title}: "
                f"read as {CLASS_NAMES[result.class_before]} before and {CLASS_NAMES[result.class_after]} after.",
            )
        with bars:
            st.markdown(words.readings(result), help=words.PERCENTAGES)
            chart.draw(
                figures.probabilities(result, colours),
                key=f"probabilities_{answer.name}",
                alt="; ".join(
                    f"{CLASS_NAMES[label]} {before:.0%} without noise and {after:.0%} with"
                    for label, before, after in zip(CLASSES, result.before, result.after, strict=True)
                ),
                buttons=False,
            )
            st.markdown(
                f"Smallest ε at which this attack flips it: **{words.smallest(answer)}** · noise-to-signal: **{result.reached:.2f}** reached, "
                f"{result.bound:.2f} bound",
                help="The smallest level of the sweep below at which the attack succeeded. Noise-to-signal: change of the "
                "right class's output over that output; the bound is eq. 9 and holds as long as noise switches no unit "
                "on or off.",
            )
            known.line(answer, beats, row, choice, colours)
