"""Opening a page without a browser, and what holds for every page."""

from pathlib import Path

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


def words(app: AppTest) -> str:
    """All that the page says in running text."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.subheader]
    return "\n".join(part.value for part in parts)
