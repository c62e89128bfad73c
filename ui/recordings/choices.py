"""What of a recording is read, and by which networks."""

from dataclasses import dataclass

import streamlit as st

from nsr_core.recordings.beats import has_beats
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.recording import MV_PER_UNIT, Channel, Recording
from ui import address
from ui.network_choice import choose_networks
from ui.serving import limits

FIRST_NETWORKS = ("mlp-ce", "mlp-jacob")
#: A recording up to so long is shown whole; of a longer one, so much at first.
WHOLE_MINUTES, FIRST_MINUTES = 45.0, 30.0
UNKNOWN = "unknown"
FOUND, MARKED = "found in the signal", "marked in the file"


@dataclass(frozen=True)
class Choices:
    """A lead, how its numbers are to be taken, the stretch, where the beats come from, the networks, and whether to prove."""

    channel: str
    fs_hz: float
    unit: str
    start_s: float
    stop_s: float
    use_marks: bool
    networks: tuple[str, ...]
    prove: bool


def choose(recording: Recording, names: list[str]) -> Choices | None:
    """The widgets, and what they say; None, with words, where something is missing."""
    leads = [each.name for each in recording.channels]
    name = _lead(recording, leads)
    if name is None:
        return None
    channel = recording.channel(name)
    rate, unit = st.columns(2, vertical_alignment="bottom")
    with rate:
        fs_hz = _rate(channel)
    with unit:
        chosen_unit = _unit(channel)
    networks = choose_networks(names, FIRST_NETWORKS)
    if fs_hz is None:
        st.info("Nothing says how many samples a second it has. Type it in above.")
        return None
    stretch = _stretch(len(channel.signal) / fs_hz)
    use_marks = has_beats(recording.marks) and _beats_from() == MARKED
    prove = st.toggle(
        "Certify as well",
        key="prove",
        bind=address.bound("prove"),
        help="For MLPs: up to which level no noise at all changes a reading, of each beat that is searched. Some 20 ms a beat and "
        "network, ten times that where the cut does not matter.",
    )
    if not networks:
        st.info("Choose at least one network.")
        return None
    return Choices(name, fs_hz, chosen_unit, *stretch, use_marks, tuple(networks), prove)


def _lead(recording: Recording, leads: list[str]) -> str | None:
    """The one that looks like an ECG at first; where none does, the reader has to choose."""
    if len(leads) == 1:
        return leads[0]
    at = leads.index(recording.suggested) if recording.suggested in leads else None
    name = st.selectbox("Lead", leads, at, key="lead", bind=address.bound("lead"), placeholder="Choose the ECG")
    if name is None:
        st.info("None of the signals looks like an ECG. Choose the lead that is one.")
    return name


def _rate(channel: Channel) -> float | None:
    """Samples a second, as the file says or as the reader corrects it."""
    return st.number_input(
        "Samples a second",
        LIMITS.fs_min_hz,
        LIMITS.fs_max_hz,
        channel.fs_hz,
        key=f"fs_{channel.name}_{channel.fs_hz}",
        persist_state="session",
        format="%g",
        placeholder="not in the file",
        help="As the file says. Correct it where the file is wrong.",
    )


def _unit(channel: Channel) -> str:
    units = [*MV_PER_UNIT, UNKNOWN]
    known = channel.unit if channel.unit in MV_PER_UNIT else UNKNOWN
    return st.selectbox(
        "Unit",
        units,
        units.index(known),
        key=f"unit_{channel.name}_{known}",
        persist_state="session",
        help="Readings do not depend on it: beats are scaled. Noise in millivolts does.",
    )


def _stretch(seconds: float) -> tuple[float, float]:
    """Start and stop in seconds: all of a recording, up to the limit; of a long one less may be chosen."""
    if seconds <= WHOLE_MINUTES * 60:
        return 0.0, seconds
    minutes, most = seconds / 60, limits().at_once_hours
    start, stop = st.slider(
        "What is read, minutes",
        0.0,
        minutes,
        (0.0, min(minutes, 60 * most)),
        step=0.5,
        key=f"stretch_{minutes:.1f}",
        persist_state="session",
        format="%.1f",
        help=f"{most:g} hours at most.",
    )
    return start * 60, stop * 60


def _beats_from() -> str:
    return st.segmented_control(
        "Beats",
        (FOUND, MARKED),
        default=MARKED,
        required=True,
        key="beats_from",
        bind=address.bound("beats_from"),
        help="The file brings marks of its own. Both can be tried.",
    )
