"""The reader's own recording as it was read last in this visit: for the Beat lab, and gone with the visit."""

import numpy as np
import streamlit as st

from nsr_core.data import Beats
from nsr_core.recordings.beats import NO_CLASS
from nsr_core.recordings.result import RecordingReading
from ui.recordings import held

_KEPT = "own_reading"


def keep(result: RecordingReading) -> None:
    """Keep a recording that was read."""
    st.session_state[_KEPT] = result


def is_there() -> bool:
    """Whether a recording was read in this visit."""
    return _KEPT in st.session_state


def reading() -> RecordingReading:
    """The recording that was read last."""
    held.touch()
    return st.session_state[_KEPT]


def network() -> str:
    """The network whose readings stand for the classes that nobody knows: the first that read it."""
    return next(iter(reading().networks))


def beats() -> Beats:
    """Its usable beats."""
    return reading().beats_for(network())


def most_fragile() -> int:
    """The row of the beat whose reading the least noise changes."""
    flips_at = reading().networks[network()].flips_at
    return int(np.where(np.isfinite(flips_at), flips_at, np.inf).argmin())


def key() -> str:
    """Names these beats with their classes: others, another key."""
    return f"{reading().cut.key}/{network()}"


def is_marked(row: int) -> bool:
    """Whether the recording's own marks say of what class a beat is."""
    cut = reading().cut
    return bool(cut.marked[cut.row[row]] != NO_CLASS)
