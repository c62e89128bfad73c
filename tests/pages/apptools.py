"""Opening a page without a browser, and what holds for every page."""

import json
import re
import time
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from nsr_core import DISCLAIMER
from ui import navigation

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: page.file for name, page in navigation.PAGES.items()}
TIMEOUT_SECONDS = 60


def open_page(name: str, **address: str | list[str]) -> AppTest:
    """The page after its first run, opened at an address with these query parameters."""
    app = AppTest.from_file(str(PAGES[name]), default_timeout=TIMEOUT_SECONDS)
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def assert_healthy(app: AppTest) -> None:
    """No exception, no error box, the disclaimer at the foot."""
    assert not app.exception, app.exception[0].value
    assert not app.error
    assert app.caption[-1].value == DISCLAIMER


def searched(app: AppTest) -> AppTest:
    """The page once no card of it searches any more; a browser runs only the cards' own fragments again."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while "Searching…" in words(app) and time.monotonic() < end:
        time.sleep(0.1)
        app.run()
    return app


def words(app: AppTest) -> str:
    """All that the page says in running text, the words under its moving beats as they rest included."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.subheader]
    said = [" ".join(resting["words"][1:]) for resting in map(at_rest, pictures(app).values())]
    return "\n".join([*(part.value for part in parts), *said])


def pictures(app: AppTest) -> dict[str, dict[str, Any]]:
    """What the page's moving beats were given, by name."""
    given = [json.loads(component.proto.json) for component in app.get("bidi_component")]
    return {data["name"]: data for data in given if "frames" in data}


def at_rest(picture: dict[str, Any]) -> dict[str, Any]:
    """The frame that a moving beat shows while nobody moves it."""
    at = picture["places"].index(picture["at"])
    return {name: picture[name][at] for name in ("probabilities", "words", "notes", "bars")}


def folds(app: AppTest) -> list[str]:
    """What a phone shows in the place of a page's choices."""
    html = [block.proto.body for block in app.get("html")]
    return [label for body in html for label in re.findall("<details><summary>(.*)</summary></details>", body)]
