"""Learn: a lesson in short steps on one beat. Predict first, then see what is computed."""

from ui.heading import heading

heading(
    "Learn",
    "Attacks on a heartbeat classifier in short steps, ten to fifteen minutes, for readers who know what a neural "
    "network is. **Predict first, then reveal**: every answer is computed on this machine, on the beat below.",
)

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from nsr_core.beat.attack import noise_level
from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from ui import address, frame, loaders, sources
from ui.beat_choice import row_of
from ui.lesson import MINUTES, STEPS, course, drawing, kept
from ui.lesson.course import BASELINE, NEEDED, Lesson
from ui.links import page_link
from ui.theme import ink

SUMMARY = "Summary"
PLACES = (*(str(number) for number in range(1, len(STEPS) + 1)), SUMMARY)
_MOVED = "learn_moved"
#: The class whose misreading the lesson shows, where there is a beat for it.
FIRST_CLASS = "V"


def main() -> None:
    with frame.page_on_beats() as beats:
        missing = [name for name in NEEDED if name not in frame.checkpoint_names()]
        if missing:
            st.error(f"The lesson needs checkpoints that are not here: {', '.join(missing)}. Restore checkpoints/.")
            return
        lesson = _choose_beat(beats)
        if lesson is None:
            return
        place = _progress({step for step, *_ in course.answers(lesson)})
        if place == SUMMARY:
            _summary(lesson)
        else:
            step = STEPS[int(place) - 1]
            st.subheader(f"{place}. {step.title}", anchor=False)
            step.show(lesson)
        _onward(place)
        _teacher()
        kept.keep()
        if place != str(drawing.QUESTION.step):  # which keeps each stroke
            kept.keep_drawings()


def _choose_beat(beats: Beats) -> Lesson | None:
    """The lesson on the chosen beat; None, with a way out, where the baseline misreads it without noise."""
    with st.container(horizontal=True, vertical_alignment="center"):
        words = st.empty()
        with st.popover("Change the beat", icon=":material/ecg_heart:"):
            # Not "beat": a link to the Beat lab names its beat so, and a widget's state would win over the link.
            name = st.text_input(
                "Beat",
                key="lesson_beat",
                bind=address.bound("lesson_beat"),
                placeholder=beats.name(_first(beats)),
                help="record:sample, or the number of a row. The Beat lab names every beat so.",
            )
            st.button(
                "Another suitable beat",
                icon=":material/shuffle:",
                key="another",
                on_click=_another,
                args=(beats,),
                help="One that the network reads correctly, that PGD flips at a small noise level and FGSM does not.",
            )
    row = row_of(beats, name, _first(beats))
    label = CLASSES[beats.y[row]]
    network = loaders.checkpoint(BASELINE).network
    if not core.is_read_correctly(network, beats, row):
        words.markdown(f"Beat `{beats.name(row)}`, {CLASS_NAMES[label]}")
        st.warning(
            "The network misreads this beat without any noise, so there is nothing to attack. Choose another beat: "
            "**Change the beat**, then **Another suitable beat**."
        )
        return None
    lesson = Lesson(
        beats, row, _eps(beats.source, sources.root_of(beats.source), loaders.checkpoint(BASELINE).digest, row), ink()
    )
    mv = noise_level(beats, row, lesson.eps).mv
    size = f" of its height, {mv:.2f} mV" if np.isfinite(mv) else " of its height"
    words.markdown(
        f"Beat `{lesson.name}` · **{CLASS_NAMES[label]}** · noise level **ε = {lesson.eps:g}**{size}, on the signal only"
    )
    return lesson


def _first(beats: Beats) -> int:
    digest = loaders.checkpoint(BASELINE).digest
    return _teaching_beat(beats.source, sources.root_of(beats.source), digest, FIRST_CLASS, 0)


@st.cache_data(show_spinner=False)
def _teaching_beat(source: str, root: str | None, digest: str, label: str, seed: int) -> int:
    """A beat that shows the point, of the class if it has one; else any that is read correctly."""
    beats, network = loaders.beats_of(source, root), loaders.checkpoint(BASELINE).network
    everything = np.arange(len(beats))
    for rows in (np.flatnonzero(beats.y == CLASSES.index(label)), everything):
        found = core.find_teaching_beat(network, beats, rows, seed)
        if found is not None:
            return found
    return 0


@st.cache_data(show_spinner=False, max_entries=500)
def _eps(source: str, root: str | None, digest: str, row: int) -> float:
    return core.lesson_eps(loaders.checkpoint(BASELINE).network, loaders.beats_of(source, root), row)


def _another(beats: Beats) -> None:
    chance = np.random.default_rng()
    label, seed = str(chance.choice(CLASSES)), int(chance.integers(2**31))
    digest = loaders.checkpoint(BASELINE).digest
    found = _teaching_beat(beats.source, sources.root_of(beats.source), digest, label, seed)
    st.session_state["lesson_beat"] = beats.name(found)


def _progress(answered: set[int]) -> str:
    """Where the reader is: a place of ``PLACES``; steps whose question is answered have a tick."""
    # A place that a button chose is a value already; beside a default, Streamlit would complain.
    default = None if st.session_state.pop(_MOVED, False) else PLACES[0]
    place = st.segmented_control(
        "Step",
        PLACES,
        default=default,
        required=True,
        key="step",
        bind=address.bound("step"),
        label_visibility="collapsed",
        format_func=lambda name: f"{name} ✓" if name.isdigit() and int(name) in answered else name,
    )
    return place or PLACES[0]


def _go(place: str) -> None:
    st.session_state["step"] = place
    st.session_state[_MOVED] = True


def _onward(place: str) -> None:
    at = PLACES.index(place)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if at > 0:
            st.button("Previous", icon=":material/arrow_back:", key="previous", on_click=_go, args=(PLACES[at - 1],))
        if at + 1 < len(PLACES):
            title = STEPS[at + 1].title if at + 1 < len(STEPS) else SUMMARY
            st.button(
                f"Next: {title}", icon=":material/arrow_forward:", key="next", on_click=_go, args=(PLACES[at + 1],)
            )


def _summary(lesson: Lesson) -> None:
    st.subheader("What you predicted, and what came out", anchor=False)
    answers = course.answers(lesson)
    if answers:
        close = sum(agree for *_, agree, _ in answers)
        st.markdown(f"{len(answers)} of {len(STEPS)} questions answered, {close} of them close.")
        columns = ["step", "question", "you said", "computed", "close", "counts as close"]
        st.dataframe(pd.DataFrame(answers, columns=columns), hide_index=True, key="answers")
        st.button("Start again", icon=":material/restart_alt:", key="forget", on_click=_start_again)
    else:
        st.markdown("No question is answered on this beat yet. Go back to a step, predict, and reveal.")
    st.markdown("**What to take home**")
    st.markdown("\n".join(f"{number}. {step.takeaway}" for number, step in enumerate(STEPS, 1)))
    st.markdown("**Go on from here**")
    page_link("beat", "This beat and noise level in the Beat lab", lesson.lab_address)
    page_link("evaluation", "Nine methods under attack: the curves")
    page_link("training", "Train a network of your own")


def _start_again() -> None:
    course.forget()
    _go(PLACES[0])


def _teacher() -> None:
    with st.expander("For teachers", icon=":material/school:"):
        st.markdown(
            f"About {MINUTES} minutes alone; 40 with the questions below. Ask for a show of hands before each reveal: the steps "
            "are built on predictions that are often wrong. The address holds the step and the beat, so a link opens the same "
            "screen for everyone; predictions stay in the reader's own browser session. Each figure's numbers can be "
            "downloaded."
        )
        rows = [(step.title, step.aim, f"{step.seconds} s", step.discuss) for step in STEPS]
        table = pd.DataFrame(rows, columns=["step", "aim", "time", "to discuss"])
        st.table(table.set_index("step"))


main()
