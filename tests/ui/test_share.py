"""A page's link and its QR code, and the page as it is shown to a room."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests.pages.apptools import assert_healthy, open_page
from ui import presenting, share

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=8)


@given(st.dictionaries(words.filter(lambda name: name != "present"), words, max_size=4), st.booleans())
def test_a_link_without_a_parameter_keeps_all_others(settings, presents):
    asked = settings | ({"present": "1"} if presents else {})
    link = share.without(f"http://host:1/beat_lab?{urlencode(asked)}", "present")
    assert {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()} == settings
    assert urlsplit(link).path == "/beat_lab"


@pytest.mark.parametrize(
    ("link", "here"),
    [
        ("http://localhost:8501/", True),
        ("http://127.0.0.1:8501/beat_lab?eps=0.1", True),
        ("http://[::1]:8501/", True),
        ("http://192.168.0.7:8501/", False),
        ("https://ecg.example.org/curves", False),
    ],
)
def test_a_link_that_leads_nowhere_else_is_known(link, here):
    assert share.is_of_this_machine(link) == here


def code_of(link: str) -> AppTest:
    def draw(link: str) -> None:
        from ui import share

        share.code(link)

    return AppTest.from_function(draw, kwargs={"link": link}).run()


def test_a_link_has_a_code_with_words_for_those_who_cannot_see_it():
    app = code_of("http://localhost:8501/beat_lab?eps=0.1")
    assert not app.exception
    (drawn,) = app.get("html")
    assert 'alt="QR code of this link"' in drawn.proto.body
    assert "data:image/svg+xml" in drawn.proto.body


def test_a_link_that_is_too_long_for_a_code_says_so():
    app = code_of("http://localhost/?" + "a" * share.LONGEST_IN_CODE)
    assert not app.get("html")
    assert "too long" in app.caption[0].value


@pytest.mark.parametrize("name", ["data", "verdict"])
def test_the_way_back_from_a_room_leaves_the_address_as_it_was(name):
    app = open_page(name, present="1")
    assert_healthy(app)
    (leave,) = (button for button in app.button if button.key == "leave")
    leave.click().run()
    assert presenting.PARAMETER not in app.query_params
    assert not [button for button in app.button if button.key == "leave"]


def test_in_a_room_a_figures_words_are_larger():
    def size(**address):
        (chart, *_) = open_page("evaluation", **address).get("plotly_chart")
        return chart.proto.spec

    assert '"size":16.2' in size(present="1").replace(" ", "")
    assert '"size":16.2' not in size().replace(" ", "")
