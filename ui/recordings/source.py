"""Which recording: the included sample, or the reader's own files, read into memory and never stored."""

import streamlit as st

from nsr_core.errors import UserError
from nsr_core.recordings.files import read_recording
from nsr_core.recordings.formats import accepted, endings
from nsr_core.recordings.limits import LIMITS, megabytes
from nsr_core.recordings.recording import Recording
from nsr_core.recordings.sample import sample_recording
from ui import address
from ui.plain import in_words, plain
from ui.recordings import held
from ui.serving import limits

SAMPLE, FILE = "Sample", "My own file"
_READ = "own_files"


def choose_recording() -> Recording | None:
    """The widgets, and the recording that they give; None, with words, where there is none yet."""
    kind = st.segmented_control(
        "Recording", (SAMPLE, FILE), default=SAMPLE, required=True, key="recording", bind=address.bound("recording")
    )
    if kind == SAMPLE:
        st.caption("Two minutes, made on this machine from averages of many beats. It has what real recordings have.")
        return _sample()
    return _uploaded()


@st.cache_resource(show_spinner=False)
def _sample() -> Recording:
    return sample_recording()


def _uploaded() -> Recording | None:
    allowed = limits()
    files = st.file_uploader(
        "ECG file",
        list(endings()),
        accept_multiple_files=True,
        key="own_upload",
        on_change=_close_if_taken_away,
        max_upload_size=allowed.streamed_bytes // 1_000_000,
        help=f"Give {accepted()}. Files that belong together are given together, or in one zip. "
        f"{megabytes(allowed.streamed_bytes)} at most; of some formats {megabytes(allowed.given_bytes)}.",
    )
    fs_hz = st.number_input(
        "Samples a second, by hand",
        LIMITS.fs_min_hz,
        LIMITS.fs_max_hz,
        None,
        key="own_fs",
        persist_state="session",
        format="%g",
        placeholder="as the file says",
        help="For a file that does not say, or that says it wrongly.",
    )
    st.caption(
        f":material/lock: It stays in the memory of the machine that runs this app, until some {held.CLOSED_MINUTES} minutes "
        f"after you close this page, or {held.MINUTES} after you last used it. Nothing is stored unless you save it yourself."
    )
    if not files:
        return _still_open()
    asked = (tuple(file.file_id for file in files), fs_hz)
    kept = st.session_state.get(_READ)
    if kept is None or kept[0] != asked:
        held.drop(kept[1] if kept else None)
        found = _read({file.name: file.getvalue() for file in files}, fs_hz)
        kept = st.session_state[_READ] = (asked, found if isinstance(found, str) else held.keep(found, asked[0]))
    if isinstance(kept[1], str):
        st.error(in_words(kept[1]))
        return None
    recording = held.find(kept[1])
    if recording is None:
        st.info("The recording is no longer in memory. Give it again.")
    return recording


def _close() -> None:
    held.drop(st.session_state.pop(_READ, (None, None))[1])


def _close_if_taken_away() -> None:
    """Called where the reader changes the files, and not where the uploader is empty since another page was visited."""
    if not st.session_state["own_upload"]:
        _close()


def _still_open() -> Recording | None:
    """The recording that was open when the reader went to another page; its files are gone from the uploader since."""
    recording = held.find(st.session_state.get(_READ, (None, None))[1])
    if recording is None:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/folder_open: Still open: {plain(recording.name)}", width="content")
        st.button("Close it", key="own_close", on_click=_close)
    return recording


def _read(files: dict[str, bytes], fs_hz: float | None) -> Recording | str:
    """The recording, or why there is none."""
    bar = st.progress(0.0, "reading")
    try:
        return read_recording(
            files,
            fs_hz=fs_hz,
            limits=limits(),
            progress=lambda done, total, what: bar.progress(min(done / max(total, 1), 1.0), plain(what)),
        )
    except UserError as error:
        return str(error)
    finally:
        bar.empty()
