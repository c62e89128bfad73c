"""The lesson's answers, and what was drawn in it, over a reload of the page: the reader's own tab keeps them, the server forgets them with the visit."""

import json
from typing import Any

import numpy as np
import streamlit as st

from nsr_core import __version__
from nsr_core.errors import UserError
from nsr_core.lesson import noise_from
from ui import live
from ui.lesson import course

_KEY, _DRAWINGS = "lesson_kept", "lesson_drawings_kept"
#: Whether this visit has answers of its own, or took those that the tab kept.
_BEGUN, _DRAWN = "learn_begun", "learn_drawing_begun"
#: Of a text that a tab kept; all answers of a few beats take a tenth of it.
MOST_CHARACTERS = 100_000
#: How many drawings are kept, the newest; each is of some 1,500 characters.
MOST_DRAWINGS = 20
#: What an answer may be, and the kinds of what is told of it: step, question, prediction, truth, closeness, what is close.
_ANSWER = (str, int, float, bool)
_TOLD = (int, str, str, str, bool, str)


def keep() -> None:
    """Have the tab keep what was answered; where the visit is new, take what the tab kept. Below all that may answer."""
    begins = not st.session_state.get(_BEGUN) and not course.kept_answers()[0]
    if not begins:
        st.session_state[_BEGUN] = True
    live.keep(_KEY, name="lesson", begins=begins, text=written(*course.kept_answers()), on_kept=_take)


def _take() -> None:
    st.session_state[_BEGUN] = True
    course.restore_answers(*read(st.session_state[_KEY]["kept"]))


def keep_drawings() -> None:
    """The same of what was drawn, apart from the answers: each stroke runs a fragment of the page alone. Below what draws."""
    drawn = course.kept_drawings()
    begins = not st.session_state.get(_DRAWN) and not drawn
    if not begins:
        st.session_state[_DRAWN] = True
    live.keep(_DRAWINGS, name="lesson_drawings", begins=begins, text=written_drawings(drawn), on_kept=_take_drawings)


def _take_drawings() -> None:
    st.session_state[_DRAWN] = True
    course.restore_drawings(read_drawings(st.session_state[_DRAWINGS]["kept"]))


def written_drawings(drawn: dict[tuple[str, str], tuple[np.ndarray, int]]) -> str:
    """The newest drawings as a text."""
    newest = list(drawn.items())[-MOST_DRAWINGS:]
    found = [[*beat, noise.round(5).tolist(), strokes] for beat, (noise, strokes) in newest]
    return json.dumps({"version": __version__, "drawn": found})


def read_drawings(text: Any) -> dict[tuple[str, str], tuple[np.ndarray, int]]:
    """The same from a text; nothing from one that is not what ``written_drawings`` writes: it comes from a browser."""
    try:
        found = json.loads(text) if len(text) <= MOST_CHARACTERS else {}
        if found["version"] != __version__:
            return {}
        return {
            (str(source), str(name)): (noise_from(noise, len(noise)), min(max(int(strokes), 0), course.MOST_STROKES))
            for source, name, noise, strokes in found["drawn"][-MOST_DRAWINGS:]
        }
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, UserError):
        return {}


def written(given: dict[Any, Any], told: dict[Any, Any]) -> str:
    """Answers and what is told of them as a text."""
    return json.dumps(
        {
            "version": __version__,
            "given": [[*key, value] for key, value in given.items() if _is_answer(value)],
            "told": [[*key, list(value)] for key, value in told.items()],
        }
    )


def read(text: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The same from a text; nothing from one that is not what ``written`` writes in this version: it comes from a browser."""
    try:
        found = json.loads(text) if len(text) <= MOST_CHARACTERS else {}
        if found["version"] != __version__:
            return {}, {}
        given = {_question(step, beat): value for step, beat, value in found["given"] if _is_answer(value)}
        told = {_question(step, beat): tuple(value) for step, beat, value in found["told"] if _is_told(value)}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}, {}
    return given, {key: value for key, value in told.items() if key in given}


def _question(step: int, beat: Any) -> tuple[int, tuple[str, str] | None]:
    if beat is None:
        return int(step), None
    source, name = beat
    return int(step), (str(source), str(name))


def _is_answer(value: Any) -> bool:
    return isinstance(value, _ANSWER) and len(str(value)) <= 200


def _is_told(value: Any) -> bool:
    return len(value) == len(_TOLD) and all(isinstance(part, kind) for part, kind in zip(value, _TOLD, strict=True))
