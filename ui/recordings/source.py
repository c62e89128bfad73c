"""Which recording: the sample that comes along, or the reader's own files, read into memory and never stored."""

import streamlit as st

from nsr_core.errors import UserError
from nsr_core.recordings.files import read_recording
from nsr_core.recordings.formats import accepted, endings
from nsr_core.recordings.limits import LIMITS, megabytes
from nsr_core.recordings.recording import Recording
from nsr_core.recordings.sample import sample_recording

SAMPLE, FILE = "Sample", "My own file"
_READ = "own_files"


def choose_recording() -> Recording | None:
    """The widgets, and the recording that they give; None, with words, where there is none yet."""
    kind = st.segmented_control(
        "Recording", (SAMPLE, FILE), default=SAMPLE, required=True, key="recording", bind="query-params"
    )  # fmt: skip
    if kind == SAMPLE:
        st.caption("Two minutes, made on this machine from averages of many beats. It has what real recordings have.")
        return _sample()
    return _uploaded()


@st.cache_resource(show_spinner=False)
def _sample() -> Recording:
    return sample_recording()


def _uploaded() -> Recording | None:
    files = st.file_uploader(
        "ECG file", list(endings()), accept_multiple_files=True, key="own_upload",
        help=f"Give {accepted()}. {megabytes(LIMITS.given_bytes)} at most.",
    )  # fmt: skip
    st.caption(
        ":material/lock: It stays in the memory of the machine that runs this app. Nothing is stored unless you save it "
        "yourself, and it is gone when you close the page."
    )
    if not files:
        st.session_state.pop(_READ, None)
        return None
    uploaded = tuple(file.file_id for file in files)
    kept = st.session_state.get(_READ)
    if kept is None or kept[0] != uploaded:
        kept = st.session_state[_READ] = (uploaded, _read({file.name: file.getvalue() for file in files}))
    if isinstance(kept[1], str):
        st.error(kept[1])
        return None
    return kept[1]


def _read(files: dict[str, bytes]) -> Recording | str:
    """The recording, or why there is none."""
    bar = st.progress(0.0, "reading")
    try:
        return read_recording(
            files, progress=lambda done, total, what: bar.progress(min(done / max(total, 1), 1.0), what)
        )
    except UserError as error:
        return str(error)
    finally:
        bar.empty()
