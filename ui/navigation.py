"""The app's pages and the way into them."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES = Path(__file__).resolve().parent.parent / "pages"
ENTERED = "entered"


def enter() -> StreamlitPage:
    """Set the app up around whichever page is asked for, and return that page."""
    st.session_state[ENTERED] = True
    st.set_page_config(page_title="ECG robustness lab", page_icon="🫀", layout="wide")
    pages = [
        st.Page(PAGES / "start.py", title="Start", icon=":material/home:", default=True),
        st.Page(PAGES / "beat.py", url_path="beat_lab", title="Beat lab", icon=":material/ecg_heart:"),
        st.Page(PAGES / "recordings.py", url_path="your_ecg", title="Your ECG", icon=":material/monitor_heart:"),
        st.Page(PAGES / "evaluation.py", url_path="curves", title="Robustness curves", icon=":material/show_chart:"),
        st.Page(PAGES / "verdict.py", title="Verdict", icon=":material/gavel:"),
        st.Page(PAGES / "training.py", url_path="train", title="Train", icon=":material/model_training:"),
        st.Page(PAGES / "lesson.py", url_path="learn", title="Learn", icon=":material/school:"),
        st.Page(PAGES / "paper.py", title="Paper", icon=":material/article:"),
        st.Page(PAGES / "data.py", title="Data", icon=":material/dataset:"),
    ]
    return st.navigation(pages, position="top")


def enter_late() -> None:
    """Do so from within a page that was run without app.py around it, and begin again.

    Streamlit takes pages/ for pages of the old kind until st.navigation is called for the first time: so it does where a
    fresh server is first asked for a page's own address.
    """
    if not st.session_state.get(ENTERED):
        enter()
        st.rerun()  # through app.py: widgets that are drawn in this run would not be known in the next
