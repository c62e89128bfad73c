"""Which beats the app shows: the synthetic ones, or the real ones where the reader has them or fetches them."""

import streamlit as st

from nsr_core.data import SOURCES, Beats, is_at_hand
from nsr_core.errors import UserError
from nsr_core.recordings.beats import SOURCE
from ui import address, loaders, own
from ui.links import page_link
from ui.pick import pick_one
from ui.plain import in_words
from ui.serving import NOT_HERE, is_public

TITLES = {
    **{name: SOURCES[name].title for name in sorted(SOURCES, key=lambda name: SOURCES[name].real)},
    SOURCE: "Your recording",
}
KEY = "source"
_KEPT = "kept_source"


def banner(with_own: bool = False) -> Beats:
    """Say which beats are shown, offer the others, and return them.

    Where the chosen beats are not on this machine, the synthetic ones stand in until they are.

    Args:
        with_own: whether the page can also show the beats of the reader's own recording.
    """
    titles = {name: title for name, title in TITLES.items() if with_own or name != SOURCE}
    if KEY not in st.query_params and (KEY not in st.session_state or address.went_back()):
        # A link within the app starts a new page without parameters; the choice goes along, from page to page.
        kept = st.session_state.get(_KEPT, "demo")
        st.session_state[KEY] = kept if kept in titles else "demo"
    with st.container(horizontal=True, vertical_alignment="center", key="banner"):
        words = st.empty()
        with st.popover("Change beats", icon=":material/database:"):
            chosen = pick_one(
                "Beats to look at",
                titles,
                "demo",
                key=KEY,
                widget=st.radio,
                help="Networks are trained on the MIT-BIH records; any of these beats can be shown to them.",
            )
            st.session_state[_KEPT] = chosen
            ready = _offer(chosen)
    shown = chosen if ready else "demo"
    try:
        beats = loaders.beats_of(shown, root_of(shown))
    except UserError as error:  # the place is there, but not all that belongs in it
        st.error(in_words(error))
        beats = loaders.beats_of("demo", None)
    words.markdown(_words(beats, chosen))
    return beats


def can_show(source: str) -> bool:
    """Whether a source's beats are on this machine."""
    if source == SOURCE:
        return own.is_there()
    return is_at_hand(source, root_of(source))


def root_of(source: str) -> str | None:
    """The folder that the reader named for a source, if any; for the reader's own recording, its key."""
    if source == SOURCE:
        return own.key() if own.is_there() else None
    return st.session_state.get(f"{source}_root")


def _words(beats: Beats, chosen: str) -> str:
    missing = f"{TITLES[chosen]} cannot be shown yet. " if chosen != beats.source else ""
    result = {
        "demo": "These beats are **synthetic**: drawn from averages of MIT-BIH beats, made on this machine.",
        "mitbih": f"These are **{len(beats):,} real beats** of the MIT-BIH Arrhythmia Database, 48 records.",
        "kaggle": f"These are **{len(beats):,} real beats** of the published CSV, without their places in the records.",
        SOURCE: f"These are **{len(beats):,} beats** of your recording. Nobody knows their classes, unless its file says so.",
    }
    return f":material/info: {missing}{result[beats.source]}"


def _offer(source: str) -> bool:
    """Whether a source's beats can be shown; what to do where they cannot."""
    if can_show(source):
        return True
    if source == SOURCE:
        st.markdown("No recording was read in this visit.")
        page_link("recordings", "Your ECG")
        return False
    st.markdown("They are not on this machine.")
    if is_public():
        st.markdown(NOT_HERE)
        return False
    folder = st.text_input(
        "Folder that holds them",
        key=f"{source}_folder",
        placeholder="/path/to/folder",
        help="On the machine that runs this app. Every file is checked before it is used.",
    )
    if folder and st.button("Use this folder", key=f"{source}_use", type="primary"):
        return _load(source, folder)
    if source == "mitbih" and st.button(
        "Download from PhysioNet (92 MB)", key="mitbih_download", icon=":material/download:"
    ):
        return _load(source, None)
    return False


def _load(source: str, folder: str | None) -> bool:
    """Fetch and cut the beats with a bar that says how far; an error in words where that fails."""
    bar = st.progress(0.0, "starting")
    try:
        loaders.load_anew(source, folder, lambda done, total, what: bar.progress(min(done / max(total, 1), 1.0), what))
    except UserError as error:
        bar.empty()
        st.error(in_words(error))
        return False
    if folder:
        st.session_state[f"{source}_root"] = folder
    st.rerun()
