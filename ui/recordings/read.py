"""A recording cut and read; what was read once in this visit is not read again, and what takes long can be stopped."""

import time
from dataclasses import astuple, replace

import streamlit as st

from nsr_core.errors import UserError
from nsr_core.progress import Progress, TimeLeft, duration, no_progress
from nsr_core.recordings.beats import CutRecording, cut_recording
from nsr_core.recordings.reading import compare_with_training, not_searched, read_with, search_more
from nsr_core.recordings.recording import Recording
from nsr_core.recordings.result import NetworkReading, RecordingReading
from ui import loaders, own, serving
from ui.plain import in_words
from ui.recordings.choices import UNKNOWN, Choices

_CUT, _READINGS = "own_cut", "own_readings"
#: In the session: what was stopped, and the key of the recording of which all beats are to be searched.
_STOPPED, _WANTED = "own_stopped", "own_wanted"
#: Beats searched before what was found is kept: stopped, no more than these are lost.
AT_ONCE = 512
#: What takes no longer shows no bar.
QUIET_SECONDS = 0.8


def read(recording: Recording, choices: Choices) -> RecordingReading | None:
    """Read it with a bar that says how far; kept for the Beat lab. None, with words, where it was stopped before that.

    Raises:
        UserError: see ``cut_recording`` and ``read_recording_beats``; or the stretch is longer than may be read here.
    """
    serving.limits().check_at_once(choices.stop_s - choices.start_s)
    job = repr((recording.digest, choices))
    if st.session_state.get(_STOPPED) == job:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning("Stopped. Nothing is shown that was not read to its end.", icon=":material/stop:")
            st.button("Resume", icon=":material/play_arrow:", key="own_resume", on_click=_resume)
        return None
    with _Waiting(job) as waiting, serving.turn():
        cut = _cut(recording, choices, waiting)
        networks = {name: _reading(cut, name, choices.prove, waiting) for name in choices.networks}
        result = _kept(cut, networks)
    if (
        st.session_state.pop(_WANTED, None) == cut.key
    ):  # taken back at once: whatever ends the search, it is not begun again
        _search_all(cut, choices)
        result = _kept(cut, {name: _reading(cut, name, choices.prove) for name in choices.networks})
    own.keep(result)
    return result


def want_all(key: str) -> None:
    """Let all beats of the recording of that key be searched."""
    st.session_state[_WANTED] = key


def _resume() -> None:
    st.session_state.pop(_STOPPED, None)


def _stop(job: str | None) -> None:
    """Stop reading a job; without one, the search of the rest, of which what was found is kept."""
    st.session_state[_STOPPED] = job


class _Waiting:
    """A bar with the time that is left, and a button that stops.

    Drawing is also how the work heeds it: Streamlit ends a script that is no longer wanted where it draws.
    """

    def __init__(self, job: str | None) -> None:
        self._job, self._place, self._left = job, st.empty(), TimeLeft()
        self._opens = time.monotonic() + QUIET_SECONDS
        self._bar: st.delta_generator.DeltaGenerator | None = None

    def __enter__(self) -> "_Waiting":
        return self

    def __exit__(self, *_: object) -> None:
        self._place.empty()

    def __call__(self, done: int, total: int, what: str) -> None:
        left = self._left(done, total, what)
        if time.monotonic() < self._opens:
            return
        if self._bar is None:
            with self._place.container():
                self._bar = st.progress(0.0)
                st.button("Stop", icon=":material/stop:", key="own_stop", on_click=_stop, args=(self._job,))
        words = f"{what}, {duration(left)} left" if left and left >= 1 else what
        self._bar.progress(min(done / max(total, 1), 1.0), words)


def _cut(recording: Recording, choices: Choices, waiting: _Waiting) -> CutRecording:
    key = (recording.digest, *astuple(replace(choices, networks=(), prove=False)))
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
            progress=serving.limited(waiting),
        )
        kept = st.session_state[_CUT] = (key, cut)
        st.session_state[_READINGS] = {}
    found: CutRecording = kept[1]
    return found


def _reading(cut: CutRecording, name: str, prove: bool, waiting: Progress = no_progress) -> NetworkReading:
    """What one network makes of it."""
    checkpoint = loaders.checkpoint(name)
    known: dict[tuple[str, str, bool], NetworkReading] = st.session_state[_READINGS]
    key = (name, checkpoint.digest, prove)
    if key not in known:
        progress = serving.limited(_titled(waiting, name))
        known[key] = read_with(checkpoint, cut, prove=prove, progress=progress)
    return known[key]


def _search_all(cut: CutRecording, choices: Choices) -> None:
    """Search the beats that are left; what ends it too soon is said."""
    try:
        with _Waiting(None) as waiting, serving.turn():
            for name in choices.networks:
                _search_rest(cut, name, choices.prove, waiting)
    except UserError as error:
        st.error(in_words(error))


def _search_rest(cut: CutRecording, name: str, prove: bool, waiting: Progress) -> None:
    """Search those that one network has left, some at once; each lot is kept as soon as it is found."""
    checkpoint = loaders.checkpoint(name)
    known: dict[tuple[str, str, bool], NetworkReading] = st.session_state[_READINGS]
    key = (name, checkpoint.digest, prove)
    progress = serving.limited(_titled(waiting, name))
    progress(0, 1, "choosing the beats")
    left = not_searched(checkpoint, cut, known[key])
    for start in range(0, len(left), AT_ONCE):
        rows = left[start : start + AT_ONCE]

        def lot(done: int, total: int, what: str, before: int = start, count: int = len(rows)) -> None:
            progress(before + done * count // max(total, 1), len(left), what)

        known[key] = search_more(checkpoint, cut, known[key], rows, prove=prove, progress=lot)


def _titled(waiting: Progress, name: str) -> Progress:
    """The same, which says of which network it is."""
    title = loaders.title(name)
    return lambda done, total, what: waiting(done, total, f"{title}: {what}")


def _kept(cut: CutRecording, networks: dict[str, NetworkReading]) -> RecordingReading:
    """The result, with what was compared before where it is of the same beats."""
    kept = own.reading() if own.is_there() else None
    if kept is None or kept.cut is not cut:
        return compare_with_training(cut, networks)
    same = list(kept.networks) == list(networks) and all(kept.networks[name] is networks[name] for name in networks)
    return kept if same else replace(kept, networks=networks)
