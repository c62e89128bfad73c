"""The lesson's answers as the reader's tab keeps them over a reload."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pages.apptools import assert_healthy, open_page
from ui.lesson import kept

beats = st.none() | st.tuples(st.sampled_from(["demo", "mitbih"]), st.text(max_size=12))
questions = st.tuples(st.integers(1, 9), beats)
answers = st.text(max_size=20) | st.integers(-9, 9) | st.floats(0, 1) | st.booleans()
tales = st.tuples(st.integers(1, 9), st.text(), st.text(), st.text(), st.booleans(), st.text())


@settings(deadline=None)
@given(st.dictionaries(questions, st.tuples(answers, tales), max_size=6))
def test_what_is_written_is_read_again(all_of_it):
    said, told = ({key: both[at] for key, both in all_of_it.items()} for at in (0, 1))
    assert kept.read(kept.written(said, told)) == (said, told)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(deadline=None)
@given(anything, anything)
def test_from_what_a_browser_says_nothing_is_believed_that_is_none(said, told):
    text = json.dumps({"version": kept.__version__, "given": said, "told": told})
    for given_text in (text, json.dumps(said), "[" * 100_000, None, 3):
        found, tales = kept.read(given_text)
        assert set(tales) <= set(found)
        assert all(isinstance(step, int) for step, _ in found)


def test_of_another_version_nothing_is_believed():
    text = kept.written({(1, None): 3}, {})
    assert kept.read(text)[0]
    assert kept.read(text.replace(f'"version": "{kept.__version__}"', '"version": "0.0"')) == ({}, {})


drawings = st.dictionaries(
    st.tuples(st.sampled_from(["demo", "mitbih"]), st.text(max_size=12)),
    st.tuples(st.lists(st.floats(-1, 1), min_size=1, max_size=5), st.integers(0, 99)),
    max_size=kept.MOST_DRAWINGS,
)


@settings(deadline=None)
@given(drawings)
def test_a_drawing_that_is_written_is_read_again(drawn):
    given_noise = {beat: (np.array(noise), strokes) for beat, (noise, strokes) in drawn.items()}
    found = kept.read_drawings(kept.written_drawings(given_noise))
    assert list(found) == list(given_noise)
    for beat, (noise, strokes) in given_noise.items():
        np.testing.assert_allclose(found[beat][0], noise, atol=1e-5)
        assert found[beat][1] == strokes


@settings(deadline=None)
@given(anything)
def test_what_is_no_drawing_is_not_believed(drawn):
    for text in (json.dumps({"version": kept.__version__, "drawn": drawn}), json.dumps(drawn), "[" * 100_000, None, 3):
        assert all(np.isfinite(noise).all() for noise, _ in kept.read_drawings(text).values())


def test_as_many_drawings_as_are_kept_fit():
    many = {("mitbih", f"100:{at}"): (np.full(187, -0.12345), 1000) for at in range(2 * kept.MOST_DRAWINGS)}
    assert list(kept.read_drawings(kept.written_drawings(many))) == list(many)[-kept.MOST_DRAWINGS :]


def test_the_page_asks_the_tab_until_something_is_answered():
    def told(app):
        (found,) = (
            data
            for component in app.get("bidi_component")
            if (data := json.loads(component.proto.json)).get("name") == "lesson"
        )
        return found

    app = open_page("lesson")
    assert_healthy(app)
    assert told(app)["begins"]
    app.session_state["learn_given"] = {(1, None): 0.5}
    found = told(app.run())
    assert not found["begins"]
    assert kept.read(found["text"])[0] == {(1, None): 0.5}
