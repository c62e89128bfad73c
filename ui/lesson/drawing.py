"""Step 9: noise that a hand draws, against PGD's and a coin's."""

from contextlib import suppress
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from nsr_core.data import CLASSES, FS_HZ
from nsr_core.errors import UserError
from ui import chart, live
from ui.lesson import course, figures, kept
from ui.lesson.course import BASELINE, Lesson, Question, class_name, percent

CLEAR = "Clear"
#: Which of the noises is whose: the coin's begin where the others end.
OWN, PGD, COINS = 0, 1, 2
QUESTION = Question(
    9,
    "Draw first. Then: of 100 points of probability, how many does PGD take from the right class, with the same ε?",
    "Points of probability that PGD takes",
    lambda key, value, disabled: st.slider(
        "Points of 100", 0, 100, 50 if value is None else value, key=key, disabled=disabled
    ),
    "within 10 points",
)


def show(lesson: Lesson) -> None:
    words, picture = course.columns()
    with words:
        st.markdown(
            f"Your turn. Draw noise on the beat so that *ce* stops reading **{class_name(lesson.label)}**. The grey band is the "
            f"budget: no sample moves by more than ε = {lesson.eps:g}, and none leaves the range from 0 to 1 of the whole beat. PGD and the "
            "coin of step 1 have the same budget.\n\n"
            "Each time that you let go, the network reads your beat. Watch the lead (step 1) and try to make it shrink: you search "
            "as an attack without gradients does."
        )
        said = course.ask(lesson, QUESTION)
        if said is not None:
            found = _judged(lesson, course.drawing(lesson)[0])
            points = _points(found, PGD)
            course.tell(
                lesson, QUESTION, f"{said} points", f"{points:.1f} points", abs(said - points) <= 10, _why(found)
            )
    with picture:
        _compete(lesson, said is not None)


def _judged(lesson: Lesson, drawn: np.ndarray) -> core.UnderNoise:
    """The beat under the drawn noise, under PGD's, and under each of the coin's, in this order; all judged in the same way."""
    chance = lesson.on_beat(core.against_chance, BASELINE, lesson.eps)
    others = np.vstack([chance.x_chosen, chance.x_coin]).astype(np.float64) - lesson.beats.x[lesson.row]
    noise = np.vstack([drawn, others[:, : lesson.length]])
    return core.under_noise(course.checkpoint(BASELINE).network, lesson.beats, lesson.row, noise, lesson.eps)


@st.fragment
def _compete(lesson: Lesson, revealed: bool) -> None:
    """The paper to draw on and the score; each stroke runs this alone again."""
    drawn, strokes = course.drawing(lesson)
    found = _judged(lesson, drawn)
    key = f"drawing_{lesson.name}"
    live.drawing(
        lesson.attacked(),
        found.box,
        (found.x[OWN] - lesson.beats.x[lesson.row])[: lesson.length],
        strokes,
        lesson.ink,
        key=key,
        alt=f"Beat {lesson.name}, for noise of at most {lesson.eps:g} to be drawn on it.",
        rival=found.x[PGD] if revealed else None,
        on_draw=partial(_take, lesson, key),
    )
    kept.keep_drawings()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("Ready-made:", width="content")
        for name in (*core.SHAPES, CLEAR):
            st.button(name, key=f"shape_{name}", on_click=_take_shape, args=(lesson, name))
    st.markdown(_score(found, revealed, bool(drawn.any())))
    noises = {name: found.probabilities[at] for name, at in _shown(found, revealed).items()}
    label = CLASSES[found.label]
    chart.draw(
        figures.readings(found.before, noises, lesson.ink),
        key="readings",
        buttons=False,
        alt=f"Probability of {class_name(label)}: {percent(found.before[found.label])} without noise, "
        + ", ".join(f"{percent(values[found.label])} under {name}" for name, values in noises.items()),
    )
    how = (
        f"MLP ce, beat {lesson.name}, ε = {lesson.eps:g}, noise on the signal samples only. Coin: 200 draws, seed 0. "
        f"PGD: {course.PGD_WORDS}, not stopped at the flip; protocol custom."
    )
    st.caption(how)
    signal, shown = slice(0, lesson.length), _shown(found, revealed)
    clean = lesson.beats.x[lesson.row, signal]
    columns = {name: (found.x[at, signal] - clean).round(5) for name, at in shown.items()}
    table = pd.DataFrame({"ms": (np.arange(lesson.length) * 1000 / FS_HZ).round(1)} | columns)
    facts = lesson.facts(how=how, points_taken={name: round(_points(found, at), 2) for name, at in shown.items()})
    chart.numbers(table, name="learn-drawing", facts=facts)


def _take(lesson: Lesson, key: str) -> None:
    """Keep a stroke; what is no drawing, which no canvas of ours sends, changes nothing."""
    sent = st.session_state[key].get("drawn")
    with suppress(UserError):
        noise = core.noise_from(sent.get("noise") if isinstance(sent, dict) else None, lesson.length)
        strokes = sent.get("strokes")
        if isinstance(strokes, int) and 0 <= strokes <= course.MOST_STROKES:
            course.keep_drawing(lesson, noise, strokes)


def _take_shape(lesson: Lesson, name: str) -> None:
    x = lesson.beats.x[lesson.row, : lesson.length]
    shape = np.zeros(lesson.length) if name == CLEAR else core.SHAPES[name](x)
    course.keep_drawing(lesson, lesson.eps * shape, course.drawing(lesson)[1] + 1)


def _shown(found: core.UnderNoise, revealed: bool) -> dict[str, int]:
    """By name, which of the noises are shown: of the coin's the one that takes most."""
    return {"your noise": OWN, "best of 200 coins": int(found.taken[COINS:].argmax()) + COINS} | (
        {"PGD's noise": PGD} if revealed else {}
    )


def _points(found: core.UnderNoise, at: int) -> float:
    """What a noise takes from the right class, in points of 100."""
    return 100 * float(found.taken[at])


def _score(found: core.UnderNoise, revealed: bool, drawn: bool) -> str:
    """The competition in a sentence or two."""
    if not drawn:
        return "**Draw on the paper**, or take a ready-made noise below it."
    others = [(name, at) for name, at in _shown(found, revealed).items() if at != OWN]
    against = ", ".join(f"{name} **{_points(found, at):.1f}**" for name, at in others)
    read = found.read_as[OWN]
    flipped = f" **Flipped**: read as {class_name(read)}." if read != CLASSES[found.label] else ""
    return (
        f"Your noise takes **{_points(found, OWN):.1f} points** of 100 from the right class; {against}. With it the lead is "
        f"{found.lead[OWN]:.2f} logits, without {found.clean_lead:.2f}.{flipped}"
    )


def _why(found: core.UnderNoise) -> str:
    if found.taken[OWN] >= found.taken[PGD]:
        first = "Your noise takes as much as PGD's: few hands do that. "
    elif found.read_as[OWN] != CLASSES[found.label]:
        first = "Your noise flips the reading too. "
    else:
        first = ""
    return first + (
        "PGD's noise is now in the strip too: sample by sample it takes the sign that the network's own slope asks for. That slope "
        "cannot be seen on the beat, so a coin misses it, and a hand as well. Keep drawing: the score goes on counting."
    )
