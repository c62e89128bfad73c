"""What stands around every page: its glossary, which beats are shown, and what the app must not be used for."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from nsr_core import DISCLAIMER
from nsr_core.data import Beats
from nsr_core.errors import UserError
from ui import glossary, live, loaders, presenting, share, sources
from ui.heading import imported
from ui.plain import in_words


@contextmanager
def page() -> Iterator[None]:
    """Draw what the ``with`` block draws, then the page's foot; in the place of what fails, why it did."""
    imported()
    with st.container(horizontal=True):
        glossary.popover()
        share.popover(presenting.is_on())
    try:
        yield
    except UserError as error:
        st.error(in_words(error))
    except OSError as error:  # a full disk, a folder that is gone: one line here, all of it on the console
        logging.getLogger(__name__).exception("The page could not be drawn.")
        st.error(
            in_words(f"The machine that runs this app refused something ({error.strerror or error}). Try again later.")
        )
    st.divider()
    st.caption(DISCLAIMER)
    live.follow_theme()


@contextmanager
def page_on_beats(with_own: bool = False) -> Iterator[Beats]:
    """The same for a page that shows beats: it also says which, and offers others; ``with_own``: the reader's own too."""
    with page():
        yield sources.banner(with_own)


def checkpoint_names() -> list[str]:
    """The checkpoints to choose from; a page that has none says how to get one."""
    names = loaders.checkpoint_names()
    if not names:
        st.error("No trained network is here. The page Train makes one.")
    return names
