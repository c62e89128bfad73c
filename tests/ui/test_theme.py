"""Colours that can be told from what is behind them (WCAG 2.2, 1.4.3): 4.5 to 1 for words."""

import tomllib
from pathlib import Path

import pytest

from nsr_core.data import CLASSES
from ui.theme import DARK, LIGHT, ON_PRIMARY, class_colour, style

CONFIG = tomllib.loads((Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml").read_text())["theme"]
READABLE = 4.5


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("ink", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read(ink):
    colours = CONFIG[ink.name]
    assert colours["backgroundColor"] == ink.page
    assert f"{{color: {ON_PRIMARY[ink.name]}}}" in style(ink)
    pairs = {
        "a primary button": (ON_PRIMARY[ink.name], colours["primaryColor"]),
        "primary words on the page": (colours["primaryColor"], colours["backgroundColor"]),
        "words on the page": (colours["textColor"], colours["backgroundColor"]),
        "words in a widget": (colours["textColor"], colours["secondaryBackgroundColor"]),
        "an axis": (ink.muted, ink.page),
        "a figure": (ink.text, ink.page),
        **{f"class {name}": (ink.text, class_colour(name, ink)) for name in CLASSES},
    }
    assert {what: round(contrast(*pair), 2) for what, pair in pairs.items() if contrast(*pair) < READABLE} == {}
