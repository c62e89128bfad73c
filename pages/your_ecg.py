"""Your ECG: a recording in, every beat read, and where little noise would change the reading."""

from ui.heading import heading

heading(
    "Your ECG",
    "Bring a recording. Its beats are found and cut exactly as the training beats were, each is read by the networks that you "
    "choose, and for each the smallest noise is sought that changes the reading. **This is no diagnosis: the networks have "
    "learned from 47 patients, and little noise fools them.**",
)

import streamlit as st

from nsr_core.errors import UserError
from nsr_core.recordings.recording import Recording
from ui import frame
from ui.beside import beside
from ui.plain import in_words, plain
from ui.recordings import choices, panels, read, source


def main() -> None:
    with frame.page():
        names = frame.checkpoint_names()
        if not names:
            return
        controls, result = beside("Change recording or networks")
        with controls:
            with st.container(border=True):
                recording = source.choose_recording()
            chosen = None
            if recording is not None:
                with st.container(border=True):
                    chosen = choices.choose(recording, names)
        with result:
            if recording is None:
                st.info("Give a file, or look at the sample recording.")
            elif chosen is not None:
                for note in recording.notes:
                    st.info(plain(note))
                _show(recording, chosen)


def _show(recording: Recording, chosen: choices.Choices) -> None:
    try:
        outcome = read.read(recording, chosen)
    except UserError as error:
        st.error(in_words(error))
        return
    if outcome is not None:
        panels.show(recording, outcome)


main()
