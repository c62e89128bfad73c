"""Step 1: what an attack is. Noise of one size, its signs tossed or chosen."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from nsr_core.beat.attack import BeatAttack, noise_level
from ui import chart, ecg
from ui.lesson import course, figures
from ui.lesson.course import BASELINE, Lesson, Question, class_name, percent

QUESTION = Question(
    1,
    "Of 200 such coin noises, how many make the network misread the beat?",
    "Coin noises of 200 that flip the reading",
    lambda key, value, disabled: st.slider(
        "How many of 200", 0, 200, 100 if value is None else value, key=key, disabled=disabled
    ),
    "within 10 of 200",
)


def show(lesson: Lesson) -> None:
    result, chosen = lesson.on_beat(core.against_chance, BASELINE, lesson.eps), lesson.attacked()
    words, picture = course.columns()
    with words:
        st.markdown(_words(lesson, float(chosen.before.max())))
        said = course.ask(lesson, QUESTION)
        if said is not None:
            close = abs(said - result.flips) <= 10
            course.tell(lesson, QUESTION, f"{said} of 200", f"{result.flips} of 200", close, _why(result, lesson.eps))
    y_range = ecg.common_range([chosen])
    with picture:
        if said is None:
            st.markdown("**The beat, and one coin noise on it**")
            _draw(
                chosen, result.x_coin[0], y_range, lesson, "coin", "a coin chose the sign of the noise on each sample"
            )
            return
        st.markdown("**How far the right class leads**: 200 tosses, and the chosen noise")
        chart.draw(
            figures.margins(result, lesson.ink),
            key="margins",
            alt=f"Lead of the right class: {result.clean_margin:.1f} without noise, {result.coin_margin.min():.1f} to "
            f"{result.coin_margin.max():.1f} under 200 coin noises, {result.attack_margin:.1f} under chosen noise.",
        )
        _numbers(lesson, result)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**Signs tossed**, first of 200: read as {class_name(result.coin_class[0])}")
        _draw(chosen, result.x_coin[0], y_range, lesson, "coin", f"coin noise, read as {result.coin_class[0]}")
    with right:
        st.markdown(f"**Signs chosen**, same size: read as {class_name(result.attack_class)}")
        _draw(chosen, result.x_chosen, y_range, lesson, "chosen", f"PGD chose the noise, read as {result.attack_class}")


def _numbers(lesson: Lesson, result: core.AgainstChance) -> None:
    how = (
        f"MLP ce, beat {lesson.name}, ε = {lesson.eps:g}, noise on the signal samples only. Coin: 200 draws, seed 0. "
        f"Chosen: {course.PGD_WORDS}, not stopped at the flip; protocol custom."
    )
    st.caption(how)
    table = pd.DataFrame({"draw": range(1, 201), "lead": result.coin_margin.round(3), "read as": result.coin_class})
    facts = lesson.facts(how=how, seed=0, lead_after_pgd=round(result.attack_margin, 3))
    chart.numbers(table, name="learn-chance", facts=facts)


def _words(lesson: Lesson, certainty: float) -> str:
    mv = noise_level(lesson.beats, lesson.row, lesson.eps).mv
    size = f", here {mv:.2f} mV" if np.isfinite(mv) else ""
    return (
        f"A network (an MLP trained with cross-entropy, *ce*) reads this beat as **{class_name(lesson.label)}**, with "
        f"probability {percent(certainty)}. It is right.\n\n"
        "An **attack** adds noise so that the network reads something else, under one rule: no sample may move by more "
        f"than **ε = {lesson.eps:g}** of the beat's height{size}. In a formula, the noise *e* obeys "
        r"$\|e\|_\infty = \max_i |e_i| \leq \varepsilon$, its infinity norm."
        "\n\nFirst without any knowledge of the network: a coin is tossed for each sample, heads +ε, tails −ε. "  # noqa: RUF001
        "Each sample moves as far as it may."
    )


def _why(result: core.AgainstChance, eps: float) -> str:
    after = (
        f"noise that is nowhere larger but whose signs were *chosen* makes it read **{class_name(result.attack_class)}**."
        if result.attack_margin < 0
        else "even noise with *chosen* signs does not flip this beat."
    )
    return (
        f"The lead is the right class's **logit** (the network's raw output, before probabilities) minus the largest other. "
        f"Coin noise hardly moves it, while {after}\n\n"
        "Tossed signs cancel. To first order the noise moves the right logit by $w_y \\cdot e$, with $w_y$ the logit's "
        f"slope by each sample: coins give about $\\varepsilon\\|w_y\\|_2$ = {result.coin_spread:.1f}, chosen signs up to "
        f"$\\varepsilon\\|w_y\\|_1$ = **{result.chosen_most:.1f}**. The more samples, the wider that gap."
    )


def _draw(
    result: BeatAttack, x_adv: np.ndarray, y_range: tuple[float, float], lesson: Lesson, key: str, alt: str
) -> None:
    figure = ecg.attacked_beat(result, lesson.ink, y_range=y_range, x_adv=x_adv, height=420)
    chart.draw(
        figure, key=f"beat_{key}", alt=f"Beat {lesson.name} without noise and with noise of ε {lesson.eps:g}: {alt}."
    )
