"""Pickers: titles are shown, names stand in the address, and an address may hold anything."""

import pytest
from streamlit.testing.v1 import AppTest

TITLES = {"a": "First one", "b": "Second one", "c": "Third one"}


def _one():
    import streamlit as st

    from ui.pick import pick_one

    st.text(pick_one("One", {"a": "First one", "b": "Second one", "c": "Third one"}, "b", key="one"))


def _some():
    import streamlit as st

    from ui.pick import pick_some

    titles = {"a": "First one", "b": "Second one", "c": "Third one"}
    st.text(" ".join(pick_some("Some", titles, ["a"], key="some", max_selections=2)))


def opened(page, **address) -> AppTest:
    app = AppTest.from_function(page)
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def test_what_is_shown_are_titles_and_what_stands_in_the_address_is_the_name():
    app = opened(_one)
    assert app.selectbox[0].options == list(TITLES.values())
    assert (app.text[0].value, dict(app.query_params)) == ("b", {})
    app.selectbox[0].set_value("c").run()
    assert (app.text[0].value, dict(app.query_params)) == ("c", {"one": "c"})
    app.selectbox[0].set_value("b").run()
    assert dict(app.query_params) == {}


@pytest.mark.parametrize(("asked", "chosen"), [("c", "c"), ("Third one", "b"), ("", "b"), (["x", "a"], "a")])
def test_an_address_chooses_one_or_falls_back(asked, chosen):
    assert opened(_one, one=asked).text[0].value == chosen


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (["b", "c"], "b c"),
        (["b", "nowhere"], "b"),
        (["nowhere"], "a"),
        ("", ""),
        (["a", "b", "c"], "a b"),
        (["b", "b"], "b"),
    ],
)
def test_an_address_chooses_several_those_that_are_there_and_no_more_than_may_be(asked, chosen):
    assert opened(_some, some=asked).text[0].value == chosen


def test_that_none_is_chosen_stands_in_the_address():
    app = opened(_some).multiselect[0].set_value([]).run()
    assert (app.text[0].value, dict(app.query_params)) == ("", {"some": ""})
    assert opened(_some, some=app.query_params["some"]).text[0].value == ""


def _bound():
    import streamlit as st

    from ui import address

    st.text(st.segmented_control("One", ["a", "b"], default="a", required=True, key="one", bind=address.bound("one")))


@pytest.mark.parametrize("blank", ["", ["", ""]])
def test_a_key_without_a_value_chooses_nothing_and_goes_from_the_address(blank):
    """Streamlit would take it for none chosen, although one is required."""
    app = opened(_bound, one=blank)
    assert (app.text[0].value, dict(app.query_params)) == ("a", {})
    app.segmented_control[0].set_value("b").run()
    assert app.text[0].value == "b"
