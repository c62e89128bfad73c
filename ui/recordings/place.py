"""Where the reader is in a recording: the part that is shown, where the strip begins, and the beat that was chosen."""

import numpy as np
import streamlit as st

from nsr_core.data import CLASSES
from nsr_core.recordings.result import RecordingReading
from ui.recordings.choices import FIRST_MINUTES, WHOLE_MINUTES

STRIP_SECONDS = 8.0
#: In the session, before the key of the recording: the part in minutes, how often anything but a brush moved it, where the
#: strip begins, the chosen beat.
PART, MOVED, START, CHOSEN = "part_", "part_moved_", "strip_from_", "chosen_"


def bounds(result: RecordingReading) -> tuple[float, float]:
    """Start and stop of what was read, in seconds from the recording's start."""
    return float(result.cut.lead.start_s), float(result.cut.lead.start_s + result.cut.lead.seconds)


def part(result: RecordingReading) -> tuple[float, float]:
    """Start and stop of the part that is shown, in seconds: at least as long as the strip, within what was read."""
    key, (low, high) = PART + result.cut.key, bounds(result)
    start, stop = (60 * each for each in st.session_state.get(key, _first_part(result)))
    least = min(STRIP_SECONDS, high - low)
    start = float(np.clip(start, low, high - least))
    return start, float(np.clip(stop, start + least, high))


def settle_part(result: RecordingReading) -> None:
    """Put the part where its widget finds it; before the widget."""
    start, stop = part(result)
    st.session_state[PART + result.cut.key] = (start / 60, stop / 60)


def choose_part(result: RecordingReading, start_s: float, stop_s: float) -> None:
    """Show this part, to the step of its slider."""
    step = step_minutes(result)
    st.session_state[PART + result.cut.key] = tuple(round(each / 60 / step) * step for each in (start_s, stop_s))
    part_moved(result)


def step_minutes(result: RecordingReading) -> float:
    """By how much the ends of the part move."""
    return 0.5 if result.cut.lead.seconds > 60 * WHOLE_MINUTES else 0.05


def part_moved(result: RecordingReading) -> None:
    """Another part is shown than the brush drew last: its box goes."""
    st.session_state[MOVED + result.cut.key] = times_moved(result) + 1


def times_moved(result: RecordingReading) -> int:
    """How often it was."""
    return int(st.session_state.get(MOVED + result.cut.key, 0))


def strip_start(result: RecordingReading) -> float:
    """Where the strip begins, in seconds, within the part that is shown; put where its widget finds it."""
    key, (low, high) = START + result.cut.key, part(result)
    start = st.session_state.get(key, _before(result, first_sight(result)))
    st.session_state[key] = float(np.clip(start, low, max(low, high - STRIP_SECONDS)))
    return float(st.session_state[key])


def go_to(result: RecordingReading, at_s: float) -> None:
    """Let the strip show a time; the part moves where that lies outside of it."""
    start, stop = part(result)
    if not start <= at_s < stop:
        low, high = bounds(result)
        begin = float(np.clip(at_s - (stop - start) / 2, low, max(low, high - (stop - start))))
        choose_part(result, begin, begin + stop - start)
    st.session_state[START + result.cut.key] = float(np.floor(at_s - STRIP_SECONDS / 2))


def choose_beat(result: RecordingReading, row: int) -> None:
    """Choose a beat."""
    st.session_state[CHOSEN + result.cut.key] = row


def chosen_beat(result: RecordingReading) -> int | None:
    """The beat that was chosen."""
    row: int | None = st.session_state.get(CHOSEN + result.cut.key)
    return row


def beat_s(result: RecordingReading, row: int) -> float:
    """Where a usable beat is, in seconds from the recording's start."""
    return float(result.cut.time_s[result.cut.row[row]])


def first_sight(result: RecordingReading) -> int:
    """The first beat that is not read as normal, or the first of all."""
    return int(np.argmax(next(iter(result.networks.values())).label != CLASSES.index("N")))


def _before(result: RecordingReading, row: int) -> float:
    return float(np.floor(beat_s(result, row) - STRIP_SECONDS / 2))


def _first_part(result: RecordingReading) -> tuple[float, float]:
    """In minutes: all of a short recording; of a long one so much from the beat on that is seen first."""
    low, high = (each / 60 for each in bounds(result))
    if high - low <= WHOLE_MINUTES:
        return low, high
    start = float(np.clip(np.floor(beat_s(result, first_sight(result)) / 60), low, high - FIRST_MINUTES))
    return start, start + FIRST_MINUTES
