"""A recording cut and read; what was read once in this visit is not read again."""

import streamlit as st

from nsr_core.recordings.beats import CutRecording, cut_recording
from nsr_core.recordings.reading import NetworkReading, RecordingReading, compare_with_training, read_with
from nsr_core.recordings.recording import Recording
from ui import loaders, own, serving
from ui.recordings.choices import UNKNOWN, Choices

_CUT, _READINGS = "own_cut", "own_readings"


def read(recording: Recording, choices: Choices) -> RecordingReading:
    """Read it with a bar that says how far; kept for the Beat lab.

    Raises:
        UserError: see ``cut_recording`` and ``read_recording_beats``.
    """
    cut = _cut(recording, choices)
    networks = _read_all(cut, choices)
    result = compare_with_training(cut, networks)
    own.keep(result)
    return result


def _cut(recording: Recording, choices: Choices) -> CutRecording:
    key = (
        recording.digest,
        choices.channel,
        choices.fs_hz,
        choices.unit,
        choices.start_s,
        choices.stop_s,
        choices.use_marks,
    )
    kept = st.session_state.get(_CUT)
    if kept is None or kept[0] != key:
        cut = cut_recording(
            recording,
            choices.channel,
            fs_hz=choices.fs_hz,
            unit="" if choices.unit == UNKNOWN else choices.unit,
            start_s=choices.start_s,
            stop_s=choices.stop_s,
            use_marks=choices.use_marks,
        )
        kept = st.session_state[_CUT] = (key, cut)
        st.session_state[_READINGS] = {}
    return kept[1]


def _read_all(cut: CutRecording, choices: Choices) -> dict[str, NetworkReading]:
    known: dict[tuple[str, str, bool], NetworkReading] = st.session_state[_READINGS]
    place, networks = st.empty(), {}
    for number, name in enumerate(choices.networks):
        checkpoint = loaders.checkpoint(name)
        key = (name, checkpoint.digest, choices.prove)
        if key not in known:

            def progress(
                done: int, total: int, what: str, number: int = number, title: str = loaders.title(name)
            ) -> None:
                share = (number + done / max(total, 1)) / len(choices.networks)
                place.progress(
                    min(share, 1.0), f"{title}: {what}, {done:,} of {total:,}. A change on the page stops it."
                )

            progress(0, 1, "reading the beats")
            with serving.turn():
                known[key] = read_with(checkpoint, cut, prove=choices.prove, progress=serving.limited(progress))
        networks[name] = known[key]
    place.empty()
    return networks
