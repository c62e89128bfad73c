"""The page as it is shown to a room: large type, nothing around it. It lasts until it is left, from page to page."""

import streamlit as st

#: In the address: a link with it opens the page so.
PARAMETER = "present"
#: Of the usual size of the words in figures.
LARGER = 1.35
_ON = "presenting"
STYLE = """<style>
/* 24 px on a projector of 1920 pixels, 18 on one of 1280. */
html {font-size: clamp(18px, 1.25vw, 40px)}
button kbd {color: inherit; opacity: 1}
[data-testid=stHeader] {display: none}
.stMain .stMainBlockContainer {padding: 1.5rem 2.5rem 4rem}
.st-key-leave_room {position: fixed; right: 1rem; bottom: 0.5rem; width: auto; z-index: 99}
</style>"""


def is_on() -> bool:
    """Whether this visit shows its pages to a room."""
    return bool(st.session_state.get(_ON))


def begin() -> None:
    """From the next run on, large."""
    st.session_state[_ON] = True


def end() -> None:
    """As usual again."""
    st.session_state[_ON] = False
    st.query_params.pop(PARAMETER, None)


def apply() -> None:
    """Take from the address what it asks for, and draw the way back. Once in every run."""
    if PARAMETER in st.query_params and _ON not in st.session_state:
        begin()
    if not is_on():
        return
    st.query_params[PARAMETER] = "1"
    st.html(STYLE)
    with st.container(key="leave_room"):
        st.button("Leave", icon=":material/close_fullscreen:", key="leave", on_click=end, shortcut="Escape")
