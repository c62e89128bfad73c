"""What is known of the beat: proved up to a level, broken from a level, and by which attack."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.beat.bracket import NOTHING_KNOWN, BeatBracket, bracket_beat, quick_bracket
from nsr_core.beat.smallest_flip import SEARCH_ATTACK
from nsr_core.data import Beats
from nsr_core.evaluation.summary import reading_title
from nsr_core.progress import Progress
from ui import chart, live, loaders, results, serving
from ui.attack_choice import AttackChoice
from ui.beat import figures, searching, words
from ui.beat.answers import ELSEWHERE, Answer, sweep_attack
from ui.memo import memo_for
from ui.theme import Ink

KNOWN_HELP = (
    "Dark: proved, no noise of that size flips it. Pale: nobody knows. Hatched: an attack flips it. The line is the noise level "
    f"shown here. “So far”: beside the page's own attack, a quick search has looked ({SEARCH_ATTACK.title} at one level after "
    "another, to within a tenth); “What is known” in the Beat lab tries all attacks."
)


def so_far(answer: Answer, beats: Beats, row: int, choice: AttackChoice) -> tuple[BeatBracket, bool]:
    """What is known of a beat without waiting, and whether all attacks in turn have looked for a break.

    One answer for every page: whatever proof and break are at hand from the stored results, from all attacks in turn where
    these were asked for or else from the quick search, and from the attack and the sweep that the page shows.
    """
    memo, key = memo_for(beats.source), _key(answer, beats, row, choice)
    found = next((memo.get(one, _never) for one in (key, _quick(key)) if one in memo), NOTHING_KNOWN)
    return _together(found, _stored(answer, beats, row, choice), answer, choice), key in memo


def _together(found: BeatBracket, stored: BeatBracket, answer: Answer, choice: AttackChoice) -> BeatBracket:
    """The largest proof and the smallest break of all that is known."""
    found = found.with_proof(stored.certified).with_break(stored.broken, stored.by)
    found = found.with_break(answer.sweep.smallest, sweep_attack(choice).name)
    return found.with_break(answer.result.eps, answer.result.attack) if answer.result.flipped else found


def _stored(answer: Answer, beats: Beats, row: int, choice: AttackChoice) -> BeatBracket:
    key = ("stored", *_key(answer, beats, row, choice))
    stored: BeatBracket = memo_for(beats.source).get(
        key, lambda: results.stored_bracket(answer.name, beats, row, choice.signal_only)
    )
    return stored


def _never() -> BeatBracket:
    raise AssertionError("it is in the memo")


def _is_searching(answer: Answer, beats: Beats, row: int, choice: AttackChoice) -> bool:
    """Whether the quick search for what is not stored is under way; it begins where it is needed."""
    key, stored = _key(answer, beats, row, choice), _stored(answer, beats, row, choice)
    misread = answer.result.class_before != answer.result.true_class
    if misread or key in memo_for(beats.source) or np.isfinite([stored.certified, stored.broken]).all():
        return False
    network = loaders.checkpoint(answer.name).network

    def look(progress: Progress) -> BeatBracket:
        return quick_bracket(network, beats, row, seed=choice.seed, signal_only=choice.signal_only, progress=progress)

    return not searching.searches_for(beats.source).is_there(_quick(key), look)


@st.fragment
def line(answer: Answer, beats: Beats, row: int, choice: AttackChoice, colours: Ink) -> None:
    """The beat's bracket as one small bar with its numbers, for a card.

    What is not stored is looked for off the script's thread; until it is there, the bar shows what is known already.
    """
    under_way = _is_searching(answer, beats, row, choice)
    bracket, complete = so_far(answer, beats, row, choice)
    if not bracket.misread:
        chart.draw(
            figures.bracket_bar(bracket, choice.eps, colours),
            key=f"bracket_{answer.name}",
            buttons=False,
            alt=f"{answer.title}: {_result(bracket)}.",
        )
    with st.container(gap=None):  # so that nothing moves where the one that waits goes
        st.caption(words.known(bracket, complete, under_way), help=KNOWN_HELP)
        if under_way:
            live.wait(key=f"wait_{answer.name}")


def show(answers: list[Answer], beats: Beats, row: int, choice: AttackChoice, colours: Ink) -> None:
    """The bracket of each network; what is not known yet is looked for, with a bar."""
    st.markdown(
        "One attack that fails says little. Here **all attacks** take their turn at every noise level, and a **certificate** "
        "proves up to which level no noise whatever flips the beat. In between nothing is known."
    )
    if look_further(answers, beats, row, choice):
        st.rerun()  # the cards above say it too
    brackets = [(answer, so_far(answer, beats, row, choice)[0]) for answer in answers]
    lines = {answer.title: (answer.method, bracket) for answer, bracket in brackets}
    figure = figures.brackets(lines, choice.eps, colours)
    chart.draw(
        figure, key="known", alt="; ".join(f"{answer.title}: {_result(bracket)}" for answer, bracket in brackets)
    )
    for answer, bracket in brackets:
        st.markdown(f"**{answer.title}**: {_result(bracket)}.")
    where = "the signal samples only" if choice.signal_only else "all 187 samples, padding included"
    st.caption(
        f"Protocol: worst-case, strength standard, noise on {where}, with what the page's own attack and the stored results "
        f"found. Beat {beats.name(row)}, seed {choice.seed}. A break is sought at 31 levels up to 0.3 and then to 0.001; a "
        "stronger attack may find a smaller one, never one that is proved."
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


def look_further(answers: list[Answer], beats: Beats, row: int, choice: AttackChoice) -> bool:
    """All attacks in turn on each network that has not met them, with a bar; whether any had to be run."""
    memo = memo_for(beats.source)
    waiting = [answer for answer in answers if _key(answer, beats, row, choice) not in memo]
    place = st.empty()
    for number, answer in enumerate(waiting):
        progress = serving.limited(_listener(place, answer.title, number, len(waiting)))
        look = partial(
            bracket_beat,
            loaders.checkpoint(answer.name).network,
            beats,
            row,
            seed=choice.seed,
            signal_only=choice.signal_only,
            progress=progress,
        )
        with serving.turn():
            memo.get(_key(answer, beats, row, choice), look, partial(progress, 0, 1, ELSEWHERE))
    place.empty()
    return bool(waiting)


def _listener(place: "st.delta_generator.DeltaGenerator", title: str, number: int, count: int) -> Progress:
    def progress(done: int, total: int, what: str) -> None:
        if done % 100 == 0:
            share = (number + done / max(total, 1)) / count
            place.progress(min(share, 1.0), f"{title}: {what}. A change on the page stops it.")

    return progress


def _quick(key: tuple) -> tuple:
    """Of what the quick search found, where all attacks in turn have ``key``."""
    return "quick", *key


def _key(answer: Answer, beats: Beats, row: int, choice: AttackChoice) -> tuple:
    beat = (answer.result.weights, beats.source, beats.name(row), answer.result.true_class)
    return ("bracket", answer.name, *beat, choice.seed, choice.signal_only)


def _result(bracket: BeatBracket) -> str:
    if bracket.misread:
        return "misread before any noise"
    proof = "not certified" if bracket.certified != bracket.certified else f"proved up to {bracket.certified:.4f}"
    if bracket.by:
        return f"{proof}, broken at {bracket.broken:.3f} by {reading_title(bracket.by)}"
    return f"{proof}, and no attack breaks it up to {bracket.most:g}"
