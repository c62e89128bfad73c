"""A network's card in the Beat lab."""

import streamlit as st

from nsr_core.data import CLASS_NAMES, Beats
from ui import live
from ui.attack_choice import AttackChoice
from ui.beat import frames, known, words
from ui.beat.answers import Answer, sweep_attack
from ui.theme import Ink


def card(
    answer: Answer,
    beats: Beats,
    row: int,
    choice: AttackChoice,
    y_range: tuple[float, float],
    colours: Ink,
    speed: int,
) -> None:
    """One network's answer: the beat with and without noise, what is read, what it took, and what is known beyond."""
    result = answer.result
    levels = frames.of_levels(answer, sweep_attack(choice))
    with st.container(border=True):
        st.markdown(f"**{answer.title}**", help=words.PERCENTAGES)
        live.picture(
            result,
            levels,
            choice.eps,
            colours,
            key=f"beat_{answer.name}",
            channel="eps",
            alt=f"Beat {result.beat} without noise and with noise of at most {result.eps:g}; {answer.title}: "
            f"read as {CLASS_NAMES[result.class_before]} before and {CLASS_NAMES[result.class_after]} after.",
            y_range=y_range,
            speed=speed,
            tracks=[frames.true_reading(levels, result, colours)],
        )
        st.markdown(
            f"Smallest ε at which this attack flips it: **{words.smallest(answer)}** · noise-to-signal: **{result.reached:.2f}** reached, "
            f"{result.bound:.2f} bound",
            help="The smallest level of the sweep below at which the attack succeeded. Noise-to-signal: change of the "
            "right class's output over that output; the bound is eq. 9 and holds as long as noise switches no unit "
            "on or off.",
        )
        known.line(answer, beats, row, choice, colours)
