"""What is known of the beat: proved up to a level, broken from a level, and by which attack."""

import pandas as pd
import streamlit as st

from nsr_core.beat.bracket import BeatBracket, bracket_beat
from nsr_core.data import Beats
from nsr_core.evaluation.summary import reading_title
from ui import chart, loaders
from ui.attack_choice import AttackChoice
from ui.beat import figures
from ui.beat.answers import Answer
from ui.memo import memo_for
from ui.theme import Ink


def show(answers: list[Answer], beats: Beats, row: int, choice: AttackChoice, colours: Ink) -> None:
    """The bracket of each network; what is not known yet is looked for, with a bar."""
    st.markdown(
        "One attack that fails says little. Here **all attacks** take their turn at every noise level, and for the MLP a "
        "**proof** says up to which level no noise at all flips the beat. In between nothing is known."
    )
    brackets = _brackets(answers, beats, row, choice)
    lines = {answer.title: (answer.method, bracket) for answer, bracket in brackets}
    figure = figures.brackets(lines, choice.eps, colours)
    chart.draw(
        figure, key="known", alt="; ".join(f"{answer.title}: {_result(bracket)}" for answer, bracket in brackets)
    )
    for answer, bracket in brackets:
        st.markdown(f"**{answer.title}**: {_result(bracket)}. {_stored(answer, beats, row)}")
    where = "the signal samples only" if choice.signal_only else "all 187 samples, padding included"
    st.caption(
        f"Protocol: worst-case, strength standard, noise on {where}. Beat {beats.name(row)}, seed {choice.seed}. A break is "
        "sought at 31 levels up to 0.3 and then to 0.001; a stronger attack may find a smaller one, never one that is proved."
    )
    table = pd.DataFrame(
        [
            {
                "network": answer.title,
                "proved up to": bracket.certified,
                "broken at": bracket.broken,
                "by": reading_title(bracket.by),
            }
            for answer, bracket in brackets
        ]
    )
    chart.numbers(
        table.round(5),
        name=f"known-{beats.name(row)}".replace(":", "-").replace("/", "-"),
        figures=lambda: {"What is known": figure},
        facts={
            "beat": beats.name(row),
            "seed": choice.seed,
            "signal_only": choice.signal_only,
            "protocol": "worst-case",
            "weights": {answer.name: answer.result.weights for answer, _ in brackets},
        },
    )


def _brackets(answers: list[Answer], beats: Beats, row: int, choice: AttackChoice) -> list[tuple[Answer, BeatBracket]]:
    place, found = st.empty(), []
    for number, answer in enumerate(answers):

        def progress(done: int, total: int, what: str, number: int = number, title: str = answer.title) -> None:
            if done % 100 == 0:
                share = (number + done / max(total, 1)) / len(answers)
                place.progress(min(share, 1.0), f"{title}: {what}. A change on the page stops it.")

        key = (
            "bracket",
            answer.name,
            answer.result.weights,
            beats.source,
            beats.name(row),
            choice.seed,
            choice.signal_only,
        )
        settings = {"seed": choice.seed, "signal_only": choice.signal_only, "progress": progress}
        network = loaders.checkpoint(answer.name).network
        found.append(
            (answer, memo_for(beats.source).get(key, lambda n=network, s=settings: bracket_beat(n, beats, row, **s)))
        )
    place.empty()
    return found


def _result(bracket: BeatBracket) -> str:
    if bracket.broken == 0:
        return "misread before any noise"
    proof = (
        "there is no certificate for this network"
        if bracket.certified != bracket.certified
        else (f"proved up to {bracket.certified:.4f}")
    )
    if bracket.by:
        return f"{proof}, broken at {bracket.broken:.3f} by {reading_title(bracket.by)}"
    return f"{proof}, and no attack breaks it up to {bracket.most:g}"


def _stored(answer: Answer, beats: Beats, row: int) -> str:
    """What the shipped results say of this very beat, where it is one of theirs."""
    found = loaders.verdict(answer.name)
    if found is None or loaders.checkpoint(answer.name).config.source != beats.source:
        return ""
    own = found.beats[(found.beats["record"] == beats.record[row]) & (found.beats["sample"] == beats.sample[row])]
    if own.empty or not own["by"].iloc[0]:
        return ""
    return f"In the stored results, with noise on all samples: broken at {own['broken'].iloc[0]:g} by {reading_title(own['by'].iloc[0])}."
