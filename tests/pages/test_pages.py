"""Every page, run without a browser: no exception, no error box, the disclaimer below."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from nsr_core import DISCLAIMER

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 60


PAGES = sorted((ROOT / "pages").glob("*.py"))


def open_page(path: Path) -> AppTest:
    return AppTest.from_file(str(path), default_timeout=TIMEOUT_SECONDS).run()


@pytest.fixture
def app() -> AppTest:
    return open_page(ROOT / "pages" / "beat_lab.py")


def assert_healthy(app: AppTest) -> None:
    assert not app.exception
    assert not app.error
    assert app.caption[-1].value == DISCLAIMER


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_opens(path):
    assert_healthy(open_page(path))


def test_the_app_opens_on_a_page():
    assert_healthy(open_page(ROOT / "app.py"))


def test_the_beat_lab_shows_an_attacked_beat_and_says_that_it_is_synthetic(app):
    assert_healthy(app)
    assert len(app.get("plotly_chart")) == 2
    assert "synthetic" in app.info[0].value


def test_the_paper_is_named_only_where_all_is_as_published(app):
    protocol = app.caption[-2]
    assert protocol.value.startswith("Protocol: custom")
    assert "signal samples only" in protocol.value
    app.toggle(key="signal_only").set_value(False).run()
    assert app.caption[-2].value.startswith("Protocol: paper (")
    app.select_slider(key="steps").set_value(10).run()
    assert app.caption[-2].value.startswith("Protocol: custom")


def test_no_noise_flips_nothing(app):
    app.slider(key="eps").set_value(0.0).run()
    assert_healthy(app)
    assert "flipped" not in app.subheader[0].value


def test_much_noise_flips_cross_entropy(app):
    app.selectbox(key="network").set_value("mlp-ce")
    app.slider(key="eps").set_value(0.3).run()
    assert_healthy(app)
    assert "flipped" in app.subheader[0].value


def test_every_shipped_network_and_class_can_be_chosen(app):
    for name in sorted(folder.name for folder in (ROOT / "checkpoints").iterdir()):
        app.selectbox(key="network").set_value(name).run()
        assert_healthy(app)
    for label in "NSVFQ":
        app.selectbox(key="beat_class").set_value(label).run()
        assert_healthy(app)
