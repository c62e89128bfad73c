"""What all steps of the lesson share: the chosen beat, a question that is answered before the truth is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from nsr_core.beat.attack import BeatAttack
from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from nsr_core.data.splits import first_of_each_class
from nsr_core.lesson import lesson_pgd
from nsr_core.training.checkpoint import Checkpoint
from ui import loaders, sources
from ui.attack_choice import AttackChoice
from ui.beat import answers as lab
from ui.memo import memo
from ui.theme import Ink

#: The network that the lesson attacks, and those that it compares.
BASELINE = "mlp-ce"
NEEDED = (BASELINE, "mlp-loss1", "mlp-loss2", "mlp-adv0.1", "mlp-adv0.2", "mlp-adv0.3", "mlp-mtl-ibp0.1")
#: What was predicted, and what came out, by question; outlives the widgets, which go with their step.
_GIVEN, _TOLD = "learn_given", "learn_told"
#: What was drawn, by beat: the noise and the number of strokes.
_DRAWN = "learn_drawn"
#: What an honest browser may send as the number of strokes.
MOST_STROKES = 10**6
#: The attack of the lesson, as every caption names it.
PGD_WORDS = "PGD by eq. 12 from the beat itself, 20 steps of ε/10"


@dataclass(frozen=True)
class Lesson:
    """The beat that the lesson is about, the noise level at which it is shown, and the page's colours."""

    beats: Beats
    row: int
    eps: float
    ink: Ink

    @property
    def name(self) -> str:
        return self.beats.name(self.row)

    @property
    def label(self) -> str:
        """The beat's class, a letter."""
        return CLASSES[self.beats.y[self.row]]

    @property
    def length(self) -> int:
        return int(self.beats.length[self.row])

    def on_beat(self, compute: Callable[..., Any], network: str = BASELINE, *settings: Any) -> Any:
        """``compute(network, beats, row, *settings)`` of ``nsr_core.lesson``, kept for everyone."""
        return self.on_rows(compute, network, self.row, *settings)

    def on_rows(self, compute: Callable[..., Any], network: str, rows: Any, *settings: Any, **named: Any) -> Any:
        """The same on several beats of the source."""
        found = checkpoint(network)
        rows_key = rows.tobytes() if isinstance(rows, np.ndarray) else rows
        source = (self.beats.source, sources.root_of(self.beats.source))
        key = ("learn", compute.__name__, found.digest, *source, rows_key, settings, tuple(named.items()))
        return memo().get(key, lambda: compute(found.network, self.beats, rows, *settings, **named))

    def attacked(self) -> BeatAttack:
        """The lesson's PGD on the beat, in full."""
        (answer,) = lab.ask([BASELINE], self.beats, self.row, self.as_in_the_lab)
        return answer.result

    @property
    def as_in_the_lab(self) -> AttackChoice:
        """The lesson's attack as the Beat lab has it: noise on the signal samples only, as in every step of the lesson."""
        return AttackChoice("pgd", lesson_pgd(self.eps), self.eps, 0, signal_only=True)

    @property
    def lab_address(self) -> dict[str, str | list[str]]:
        """The Beat lab's settings under which it shows what the lesson shows, with the same numbers."""
        attack = lesson_pgd(self.eps)
        return {
            "beat": self.name,
            "models": [BASELINE, "mlp-loss2"],
            "eps": f"{self.eps:g}",
            "signal": "true",
            "seed": "0",
            "attack": "pgd",
            "steps": str(attack.steps),
            "pgd_step_size": repr(attack.step_size),
            "pgd_move": attack.move,
            "pgd_random_start": str(attack.random_start).lower(),
        }

    def facts(self, *networks: str, how: str, **more: Any) -> dict[str, Any]:
        """What a file with this step's numbers should say.

        Args:
            networks: whose numbers they are; ``BASELINE`` alone by default.
            how: the sentence below the figure: which beats, which attack, which protocol.
        """
        own = {"beat": self.name, "source": self.beats.source, "true_class": self.label, "eps": self.eps}
        return own | {"how": how, "weights": {name: checkpoint(name).digest for name in networks or [BASELINE]}} | more


def checkpoint(name: str) -> Checkpoint:
    return loaders.checkpoint(name)


def class_name(label: str) -> str:
    """A class in a sentence: ``ventricular ectopic beat``."""
    name = CLASS_NAMES[label]
    return name[0].lower() + name[1:]


def percent(share: float) -> str:
    """A probability that is never rounded up to certainty."""
    return "above 99.9%" if share > 0.999 else f"{share:.1%}"


@dataclass(frozen=True)
class Question:
    """What is asked before the truth is shown.

    Attributes:
        step: the step's number.
        text: the question.
        short: the same in a few words, for the summary.
        widget: ``widget(key, value, disabled)`` draws the answer's widget; ``value`` is None before an answer.
        close: what counts as close, in words.
        of_beat: whether the truth depends on the chosen beat.
    """

    step: int
    text: str
    short: str
    widget: Callable[[str, Any, bool], Any]
    close: str
    of_beat: bool = True


def formulas(*rows: str) -> None:
    """LaTeX below each other, short enough for a phone; ``&`` marks what stands below what."""
    st.latex(r"\begin{aligned}" + r" \\[0.4em] ".join(rows) + r"\end{aligned}")


def ask(lesson: Lesson, question: Question) -> Any:
    """The question; the prediction once it was given, else None."""
    given_all = st.session_state.setdefault(_GIVEN, {})
    key = _key(lesson, question)
    given = given_all.get(key)
    with st.container(border=True):
        st.markdown(f"**Predict first.** {question.text}")
        widget_key = f"guess_{question.step}"
        value = question.widget(widget_key, given, given is not None)
        if given is None:
            st.button(
                "Reveal",
                key="reveal",
                type="primary",
                icon=":material/visibility:",
                disabled=value is None,
                on_click=_give,
                args=(key, widget_key),
            )
        else:
            st.button("Predict again", key="again", icon=":material/undo:", on_click=_withdraw, args=(key,))
    return given


def tell(lesson: Lesson, question: Question, said: str, truth: str, close: bool, why: str) -> None:
    """The prediction beside the truth, and why; kept for the summary."""
    result = st.session_state.setdefault(_TOLD, {})
    result[_key(lesson, question)] = (question.step, question.short, said, truth, bool(close), question.close)
    box = st.success if close else st.info
    box(
        f"You said **{said}**. Computed: **{truth}**. Close is {question.close}.",
        icon=":material/check_circle:" if close else ":material/lightbulb:",
    )
    st.markdown(why)


def answers(lesson: Lesson) -> list[tuple[int, str, str, str, bool, str]]:
    """Step, question, prediction, truth, whether it is close and what counts as that, for what was answered on this beat."""
    result = st.session_state.get(_TOLD, {})
    own = _beat_key(lesson)
    return sorted(entry for (_, beat), entry in result.items() if beat in (own, None))


def kept_answers() -> tuple[dict[Any, Any], dict[Any, Any]]:
    """What was predicted, and what came out, by question."""
    return st.session_state.get(_GIVEN, {}), st.session_state.get(_TOLD, {})


def restore_answers(given: dict[Any, Any], told: dict[Any, Any]) -> None:
    """Take back what ``kept_answers`` gave, as if it had been answered in this visit."""
    st.session_state[_GIVEN], st.session_state[_TOLD] = given, told


def drawing(lesson: Lesson) -> tuple[np.ndarray, int]:
    """(length,) the noise that was drawn on this beat, and in how many strokes; none at first."""
    noise, strokes = kept_drawings().get(_beat_key(lesson), (np.zeros(lesson.length), 0))
    return (noise, strokes) if len(noise) == lesson.length else (np.zeros(lesson.length), 0)


def keep_drawing(lesson: Lesson, noise: np.ndarray, strokes: int) -> None:
    """Keep what was drawn, as predictions are kept."""
    st.session_state.setdefault(_DRAWN, {})[_beat_key(lesson)] = (noise, strokes)


def kept_drawings() -> dict[tuple[str, str], tuple[np.ndarray, int]]:
    """What was drawn, by source and name of the beat: the noise and the number of strokes."""
    drawn: dict[tuple[str, str], tuple[np.ndarray, int]] = st.session_state.get(_DRAWN, {})
    return drawn


def restore_drawings(drawn: dict[tuple[str, str], tuple[np.ndarray, int]]) -> None:
    """Take back what ``kept_drawings`` gave."""
    st.session_state[_DRAWN] = drawn


def forget() -> None:
    """Take all predictions back, and what was drawn."""
    for name in (_GIVEN, _TOLD, _DRAWN):
        st.session_state.pop(name, None)


def _key(lesson: Lesson, question: Question) -> tuple[int, Any]:
    return question.step, _beat_key(lesson) if question.of_beat else None


def _beat_key(lesson: Lesson) -> tuple[str, str]:
    return lesson.beats.source, lesson.name


def _give(key: Any, widget_key: str) -> None:
    st.session_state[_GIVEN][key] = st.session_state[widget_key]


def _withdraw(key: Any) -> None:
    st.session_state[_GIVEN].pop(key, None)
    st.session_state.get(_TOLD, {}).pop(key, None)


def columns() -> Any:
    """Words and question on the left, the figure on the right."""
    return st.columns([1, 1.3], gap="large")


def test_rows(lesson: Lesson, per_class: int) -> np.ndarray:
    """The first beats of each class in the test part of the split by beat."""
    split = loaders.split_of(lesson.beats.source, sources.root_of(lesson.beats.source))
    return first_of_each_class(lesson.beats, split.test, per_class)


def which_rows(lesson: Lesson, rows: np.ndarray) -> str:
    """Which beats ``test_rows`` are, in words."""
    kind = {"demo": "synthetic beats", "mitbih": "real beats", "kaggle": "beats of the published CSV"}[
        lesson.beats.source
    ]
    apart = " (some may have trained the networks)" if lesson.beats.source == "kaggle" else ""
    return f"{len(rows)} {kind}, the first of each class in the test part of the split by beat{apart}"
