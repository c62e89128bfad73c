"""The app's pages and the way into them. A new page is a file and a line in ``PAGES``."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui import address, serving

FOLDER = Path(__file__).resolve().parent.parent / "pages"
ICON = Path(__file__).resolve().parent / "icon.svg"
ENTERED = "entered"


@dataclass(frozen=True)
class Page:
    """A page of the app.

    Attributes:
        name: of its rooms in ``ui`` and ``nsr_core``.
        title, icon: in the bar above every page.
        summary: one sentence for the start page; a page without one is not offered there.
        address: in the browser, and its file's name. They must agree: a fresh server looks for the first address that it is
            asked for among the files of ``pages``, before it has run app.py.
        folder: that holds its file.
    """

    name: str
    title: str
    icon: str
    summary: str = ""
    address: str = ""
    folder: Path = FOLDER

    @property
    def file(self) -> Path:
        return self.folder / f"{self.address or self.name}.py"


START = Page("start", "Start", ":material/home:")
PAGES = {
    page.name: page
    for page in (
        START,
        Page(
            "beat", "Beat lab", ":material/ecg_heart:", "Attack one beat, with four networks side by side.", "beat_lab"
        ),
        Page(
            "recordings",
            "Your ECG",
            ":material/monitor_heart:",
            "Bring a recording: every beat read, and how fragile each reading is.",
            "your_ecg",
        ),
        Page(
            "evaluation",
            "Robustness curves",
            ":material/show_chart:",
            "What is left of each network as the noise grows.",
            "curves",
        ),
        Page(
            "verdict",
            "Verdict",
            ":material/gavel:",
            "What the published robustness is worth: worst case and proof.",
            "verdict",
        ),
        Page("training", "Train", ":material/model_training:", "Train a network of your own and attack it.", "train"),
        Page(
            "lesson",
            "Learn",
            ":material/school:",
            "A lesson of ten to fifteen minutes: predict first, then see.",
            "learn",
        ),
        Page("paper", "Paper", ":material/article:", "The published tables and figures beside ours.", "paper"),
        Page("data", "Data", ":material/dataset:", "The beats: classes, records, and where each was cut.", "data"),
    )
}


def enter() -> StreamlitPage:
    """Set the app up around whichever page is asked for, and return that page."""
    st.session_state[ENTERED] = True
    serving.start_up()
    # Before the navigation, which else fetches each page's own icon from the internet. A file: an emoji costs its table.
    st.set_page_config(page_icon=ICON, layout="wide")
    pages = [
        st.Page(page.file, title=page.title, icon=page.icon, url_path=page.address or None, default=page is START)
        for page in PAGES.values()
    ]
    page = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{page.title} · ECG robustness lab")
    address.return_to(page.url_path)
    return page


def enter_late() -> None:
    """Do so from within a page that was run without app.py around it, and begin again.

    Streamlit takes pages/ for pages of the old kind until st.navigation is called for the first time: so it does where a
    fresh server is first asked for a page's own address.
    """
    if not st.session_state.get(ENTERED):
        enter()
        st.rerun()  # through app.py: widgets that are drawn in this run would not be known in the next
