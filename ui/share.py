"""A page for others: its link, to copy and as a QR code, and the page as it is shown to a room."""

import ipaddress
from urllib.parse import urlsplit

import streamlit as st

from ui import live, presenting

#: Longer links have QR codes too fine to be read from a screen.
LONGEST_IN_CODE = 1200
#: Whether the link is open, in the session.
OPEN = "share"


@st.fragment
def popover(in_a_room: bool) -> None:
    """A button under a page's first words that opens its link.

    Args:
        in_a_room: whether the page around it was drawn for a room.
    """
    if presenting.is_on() != in_a_room:
        st.rerun()  # all of the page, not the fragment alone
    with st.popover("Share", icon=":material/share:", key=OPEN, on_change="rerun") as opened:
        if opened.open:
            _show()


def _show() -> None:
    place = live.place("share_place")
    if place is None:
        return
    link = without(place, presenting.PARAMETER)
    st.markdown("**A link to this page as it stands**, with every setting.")
    st.code(link, language=None, wrap_lines=True)
    code(link)
    if is_of_this_machine(link):
        st.caption(
            "It leads here on this machine only, where the app listens; the README says how to open it to others."
        )
    st.caption("A recording that you opened, and networks that you trained, are not in the link.")
    if not presenting.is_on():
        st.button(
            "Show this page to a room",
            icon=":material/present_to_all:",
            on_click=_present,
            help="Large type and nothing around the page. Escape, or the button in the corner, leads back.",
        )


def _present() -> None:
    st.session_state[OPEN] = False
    presenting.begin()


def code(link: str) -> None:
    """A link as a QR code, black on white on dark pages too, since many readers want it so."""
    import segno  # only here: no page waits for it

    if len(link) > LONGEST_IN_CODE:
        st.caption("The link is too long for a QR code that a telephone could read.")
        return
    picture = segno.make(link, error="l", micro=False).svg_data_uri(dark="#000", light="#fff", omitsize=True)
    st.html(f'<img src="{picture}" alt="QR code of this link" style="display: block; width: 15rem; margin: 0 auto">')


def without(link: str, parameter: str) -> str:
    """A link without one of its query parameters."""
    parts = urlsplit(link)
    kept = [pair for pair in parts.query.split("&") if pair and pair.partition("=")[0] != parameter]
    return parts._replace(query="&".join(kept)).geturl()


def is_of_this_machine(link: str) -> bool:
    """Whether only a browser on the same machine can follow a link."""
    host = urlsplit(link).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
