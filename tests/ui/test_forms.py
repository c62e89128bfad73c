"""Forms from settings: every setting gets the widget that fits it, and what comes back fits the settings again."""

from dataclasses import dataclass, fields
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from nsr_core.attacks import ATTACKS, PGD
from nsr_core.methods import METHODS
from nsr_core.settings import Settings, described_fields, setting, update
from nsr_core.training.config import paper_config
from ui.forms import LABELS

pytestmark = pytest.mark.slow

EVERY = (
    {f"attack {name}": attack for name, attack in ATTACKS.items()}
    | {f"method {name}": method for name, method in METHODS.items()}
    | {"training": paper_config("mlp", "ce")}
)


def _page(settings, options):
    import streamlit as st

    from ui.forms import settings_form

    st.session_state["values"] = settings_form(settings, **options)


def show(settings, address=None, **options) -> AppTest:
    """A page with the form only."""
    app = AppTest.from_function(_page, args=(settings, options), default_timeout=30)
    for name, value in (address or {}).items():
        app.query_params[name] = value
    return rerun(app)


def rerun(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def values(app: AppTest) -> dict[str, Any]:
    return app.session_state["values"]


def of_settings(settings, names=None):
    return {name: getattr(settings, name) for name in described_fields(settings) if names is None or name in names}


def _page_of_all(every):
    import streamlit as st

    from ui.forms import settings_form

    st.session_state["values"] = {name: settings_form(settings, prefix=f"{name} ") for name, settings in every.items()}


@pytest.fixture(scope="module")
def all_forms() -> AppTest:
    """One page with a form for every attack, every method and the training, apart by their prefixes."""
    return rerun(AppTest.from_function(_page_of_all, args=(EVERY,), default_timeout=60))


@pytest.mark.parametrize("name", EVERY)
def test_an_untouched_form_gives_the_settings_back(all_forms, name):
    """Equal values of the same types, in the same order."""
    result, expected = values(all_forms)[name], of_settings(EVERY[name])
    assert list(result.items()) == list(expected.items())
    assert [type(value) for value in result.values()] == [type(value) for value in expected.values()]
    assert update(EVERY[name], result) == EVERY[name]


@pytest.mark.parametrize("name", EVERY)
def test_every_setting_has_a_widget_with_its_bounds_and_its_help(all_forms, name):
    for setting_name, (_, info) in described_fields(EVERY[name]).items():
        value, key = getattr(EVERY[name], setting_name), f"{name} {setting_name}"
        if isinstance(value, bool):
            widget = all_forms.toggle(key=key)
        elif info.choices:
            widget = all_forms.selectbox(key=key)
            assert tuple(widget.options) == tuple(info.choices)
        else:
            widget = all_forms.number_input(key=key)
            assert (widget.min, widget.max) == (info.low, info.high)
            assert "From " in widget.help
        assert widget.value == value
        assert info.help in widget.help
        assert info.unit in widget.help
        assert widget.label == LABELS.get(setting_name, setting_name.replace("_", " ").capitalize())


def test_what_is_chosen_comes_back_and_makes_settings():
    app = show(PGD())
    app.number_input(key="steps").set_value(7)
    app.number_input(key="step_size").set_value(0.003)
    app.selectbox(key="move").set_value("sign")
    app.toggle(key="random_start").set_value(False)
    assert values(rerun(app)) == {"steps": 7, "step_size": 0.003, "move": "sign", "random_start": False}
    assert PGD(**values(app)).steps == 7


def test_a_form_opens_on_the_values_it_is_given():
    assert values(show(PGD(steps=3, move="sign", random_start=False)))["steps"] == 3
    assert of_settings(PGD(steps=3, move="sign")) == values(show(PGD(steps=3, move="sign")))


def test_some_of_the_settings_can_be_asked_for():
    app = show(PGD(), names=("move", "steps"))
    assert values(app) == {"steps": 100, "move": "adamax"}
    assert len(app.number_input) + len(app.selectbox) + len(app.toggle) == 2
    assert values(show(PGD(), names=())) == {}


def test_the_prefix_keeps_two_forms_apart():
    app = show(PGD(), prefix="first_")
    app.number_input(key="first_steps").set_value(7)
    assert values(rerun(app))["steps"] == 7
    assert "steps" not in app.session_state


def test_a_bound_form_takes_its_values_from_the_address():
    address = {"a_steps": "7", "a_step_size": "0.003", "a_move": "sign", "a_random_start": "false"}
    assert values(show(PGD(), address, prefix="a_", bound=True)) == {
        "steps": 7,
        "step_size": 0.003,
        "move": "sign",
        "random_start": False,
    }


def test_a_form_that_is_not_bound_does_not():
    assert values(show(PGD(), {"steps": "7", "move": "sign"})) == of_settings(PGD())


@pytest.mark.parametrize("text", ["", "abc", "-1", "999999", "nan"])
def test_a_value_in_the_address_that_does_not_fit_is_the_default(text):
    """Of a whole number, a fraction, a choice and a switch; whatever stands there, no exception."""
    assert values(show(PGD(), dict.fromkeys(of_settings(PGD()), text), bound=True)) == of_settings(PGD())


@pytest.mark.parametrize("text", ["inf", "-inf", "1e400"])
def test_an_infinite_fraction_in_the_address_is_the_default(text):
    assert values(show(PGD(), {"step_size": text, "move": text, "random_start": text}, bound=True)) == of_settings(
        PGD()
    )


@pytest.mark.parametrize(
    ("value", "step"), [(0.01, 0.001), (0.3, 0.01), (2.5, 0.1), (40.0, 1.0), (1e-6, 1e-7), (0.0, 0.01)]
)
def test_a_number_moves_by_a_tenth_of_its_own_order(value, step):
    @dataclass(frozen=True)
    class One(Settings):
        size: float = setting(value, "How large.", 0.0, 100.0)

    widget = show(One()).number_input(key="size")
    assert widget.step == pytest.approx(step)
    assert widget.value == value


def test_a_setting_without_bounds_or_a_label_does_too():
    @dataclass(frozen=True)
    class Free(Settings):
        how_many: int = setting(3, "How many there are.")
        how_far: float = setting(-1.5, "How far it is.", unit="mm")

    app = show(Free())
    assert values(app) == {"how_many": 3, "how_far": -1.5}
    assert app.number_input(key="how_many").label == "How many"
    assert app.number_input(key="how_many").help == "How many there are."
    assert app.number_input(key="how_far").help.startswith("How far it is.")


def test_every_label_is_that_of_a_setting():
    known = {field.name for settings in EVERY.values() for field in fields(settings)}
    assert known >= LABELS.keys()
