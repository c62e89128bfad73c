"""Step 7: why an attack that fails proves nothing, and what would."""

import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from nsr_core.errors import UserError
from nsr_core.verdict.levels import at
from ui import chart, loaders, results
from ui.beat import figures as beat_figures
from ui.beat import known
from ui.beat import words as beat_words
from ui.beat.answers import ask
from ui.lesson import course, figures
from ui.lesson.course import Lesson, Question
from ui.links import page_link
from ui.plain import in_words

NETWORK = "mlp-loss2"
COMPARED = ("ce", "loss2")
EPS = 0.1
QUESTION = Question(
    7,
    "SPSA sees no gradient, only the network's answers. Which share of the same beats does it leave?",
    "Share of beats that SPSA leaves, loss2",
    lambda key, value, disabled: st.slider(
        "Share still read correctly, %", 0, 100, 70 if value is None else value, key=key, disabled=disabled
    ),
    "within 5 points",
    of_beat=False,
)


def show(lesson: Lesson) -> None:
    table = results.beat_table(NETWORK)
    try:
        result = None if table is None else core.survivors(table, EPS)
    except UserError as error:
        st.error(in_words(error))
        return
    if result is None:
        st.error(
            f"{loaders.title(NETWORK)} has no attack results here. Restore the folder checkpoints of this program."
        )
        return
    share = dict(zip(result.attacks, result.left / result.beats, strict=True))
    words, picture = course.columns()
    with words:
        st.markdown(
            "*loss2* made the ratio of step 4 tiny. Does the network hold, then? The bars show the same "
            f"{result.beats} real test beats under PGD at ε = {EPS:g}, stopped after more and more steps. From "
            f"{share['pgd20']:.0%} at 20 steps to {share['pgd100']:.0%} at 100: it seems to settle.\n\n"
            "**SPSA** climbs too, but estimates the slope from 2,048 evaluations of the network around the beat, at a "
            "distance of 0.01. It is far slower, and knows less."
        )
        said = course.ask(lesson, QUESTION)
        if said is not None:
            close = abs(said / 100 - share["spsa"]) <= 0.05
            course.tell(lesson, QUESTION, f"{said} %", f"{share['spsa']:.0%}", close, _why(share))
    with picture:
        st.markdown(f"**MLP loss2 at ε = {EPS:g}**")
        chart.draw(
            figures.survivors(result, lesson.ink, said is not None),
            key="survivors",
            alt="Share of beats still read correctly: "
            + ", ".join(
                f"{figures.ATTACK_TITLES[name]} {value:.0%}" for name, value in share.items() if said or "pgd" in name
            ),
        )
        how = (
            "Shipped results, protocol paper, the first 162 test beats of each class (split by beat, seed 2020), attack seed "
            "0; a beat broken at a smaller ε stays broken."
        )
        st.caption(how)
        if said is not None:
            numbers = pd.DataFrame(
                {"attack": result.attacks, "beats left": result.left, "share": (result.left / result.beats).round(4)}
            )
            facts = {
                "weights": {NETWORK: course.checkpoint(NETWORK).digest},
                "eps": EPS,
                "beats": result.beats,
                "how": how,
            }
            chart.numbers(numbers, name="learn-attacks", facts=facts)
    if said is not None:
        _worst_case()
        _certificates(lesson)


def _worst_case() -> None:
    """Where the stored worst case is: what stronger attacks leave, and where to see more."""
    found = results.verdict_levels(NETWORK)
    if found is None:
        return
    row = at(found, EPS)
    st.markdown(
        f"Other attacks go further. All of ours in turn leave **{row['worst']:.0%}** at ε = {EPS:g} on {row['beats']:,.0f} test "
        f"beats of every record, where PGD (100 steps) leaves {row['published']:.0%}."
    )
    page_link("verdict", "What the numbers are worth", {"verdict_eps": f"{EPS:g}"})


def _why(share: dict[str, float]) -> str:
    fell = 1 - share["all"] / share["pgd100"]
    first = (
        f"Of the beats that survive 100 steps along the true gradient, {fell:.0%} fall to a rough estimate of it. "
        if fell > 0
        else "Here SPSA finds nothing that PGD missed. "
    )
    return first + (
        "A likely reason: the gradient is the slope *at* a point, and step 3 showed how short the line is. A network can be "
        "flat there and steep a little further on, and SPSA looks a little further. So accuracy under an attack is an **upper bound** on "
        "robustness: each attack that succeeds proves something, one that fails proves nothing."
    )


def _certificates(lesson: Lesson) -> None:
    st.divider()
    choice = lesson.as_in_the_lab
    answers = ask([f"mlp-{method}" for method in COMPARED], lesson.beats, lesson.row, choice)
    known.look_further(answers, lesson.beats, lesson.row, choice)
    result = [(answer, known.so_far(answer, lesson.beats, lesson.row, choice)[0]) for answer in answers]
    words, picture = course.columns()
    with words:
        st.markdown(
            "**What would prove it? A certificate**: a computation that covers *all* noise up to some ε, not only the noise that "
            "an attack thought of. The simplest follows intervals: if each sample lies in [x - ε, x + ε], each unit lies in an "
            "interval too, layer by layer, and if at the end the right logit's lowest value tops all others' highest, "
            "nothing within ε flips the beat. The one used here (CROWN) follows straight lines instead, which is tighter."
        )
        st.markdown("\n".join(f"- *{answer.method}*: {beat_words.known(found, True)}" for answer, found in result))
        st.markdown(
            f"The dotted line is ε = {lesson.eps:g}, where steps 1, 2 and 4 flipped the reading of *ce*. Bounds are loose: the "
            "pale part is what neither side has settled. That attacks leave a network alone does not prove that it is robust."
        )
    with picture:
        st.markdown(f"**What is known of beat** `{lesson.name}`")
        chart.draw(
            beat_figures.brackets({one.title: (one.method, found) for one, found in result}, lesson.eps, lesson.ink),
            key="known",
            alt=". ".join(f"{answer.title}: {beat_words.known(found, True)}" for answer, found in result),
        )
        how = (
            f"MLPs, noise on the signal samples only, computed now, as in the Beat lab: all attacks in turn (strength standard, "
            f"seed 0) at 31 levels up to 0.3 and then to 0.001, and {course.PGD_WORDS}; protocol worst-case."
        )
        st.caption(how)
        rows = [
            {"method": one.method, "proved to": found.certified, "broken at": found.broken, "by": found.by}
            for one, found in result
        ]
        chart.numbers(
            pd.DataFrame(rows).round(5),
            name="learn-known",
            facts=lesson.facts(*(answer.name for answer, _ in result), how=how),
        )
