"""What holds for every page, run without a browser."""

import ast
import re
import subprocess
import sys

import pytest
from apptools import PAGES, ROOT, TIMEOUT_SECONDS, assert_healthy, folds, open_page, searched, words
from streamlit.testing.v1 import AppTest

from nsr_core.beat.attack import find_beat
from nsr_core.beat.bracket import certified_bracket
from ui import address, loaders
from ui.theme import LIGHT, style

pytestmark = pytest.mark.slow

#: Values that no widget knows, for every parameter that any page has.
NONSENSE = {
    key: "nonsense"
    for key in [
        "source",
        "models",
        "beat",
        "class",
        "record",
        "attack",
        "eps",
        "steps",
        "seed",
        "signal",
        "view",
        "speed",
        "pgd_move",
        "pgd_step_size",
        "checkpoints",
        "under",
        "measure",
        "natural",
        "alone",
        "bands",
        "with_published",
        "flips_of",
        "flips_at",
        "how",
        "train_network",
        "train_method",
        "train_data",
        "train_split",
        "train_epochs",
        "table",
        "figure",
        "published",
        "pick",
        "section",
        "tab",
        "split",
        "axis",
        "of_class",
        "of_record",
        "cut",
        "draw",
        "origin",
        "seconds",
        "step",
        "lesson_beat",
        "verdict_section",
        "verdict_eps",
        "verdict_of",
        "transfer_eps",
        "transfer_of",
        "patients_of",
        "patients_under",
        "patients_eps",
        "patients_measure",
        "recording",
        "lead",
        "prove",
        "beats_from",
    ]
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_and_can_be_shared(name):
    app = open_page(name)
    assert_healthy(app)
    assert "Share" in {block.proto.popover.label for block in app.get("popover")}
    assert len(folds(app)) == (name in ("beat", "evaluation", "recordings"))


@pytest.mark.parametrize("name", PAGES)
def test_an_address_full_of_nonsense_opens_the_page_as_it_is(name):
    app = open_page(name, **NONSENSE)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("number", ["inf", "-1e400", "nan"])
@pytest.mark.parametrize("name", PAGES)
def test_an_address_full_of_numbers_that_are_none_opens_the_page_as_it_is(name, number):
    app = open_page(name, **dict.fromkeys(NONSENSE, number))
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_any_checkpoint_does_not_fail(name, tmp_path, monkeypatch):
    monkeypatch.setattr(loaders, "SHIPPED", tmp_path / "none")
    app = open_page(name)
    assert not app.exception


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_its_first_words_before_it_imports_anything_else(name):
    first, second, *_ = (line for line in ast.parse(PAGES[name].read_text()).body if not _is_words(line))
    assert ast.unparse(first) == "from ui.heading import heading"
    assert ast.unparse(second).startswith("heading(")


@pytest.mark.parametrize(
    ("name", "key"), [("beat", "models"), ("evaluation", "checkpoints"), ("verdict", "verdict_of")]
)
def test_networks_that_are_not_here_are_named_on_arrival_and_after_back(name, key, monkeypatch):
    asked = {key: "mlp-gone", "verdict_section": "One network"}
    app = open_page(name, **asked)
    assert "mlp-gone" in words(app)
    app.run()
    assert "mlp-gone" not in words(app)  # the page has others by now, and its address says so
    monkeypatch.setattr(address, "went_back", lambda: True)
    app.query_params[key] = "mlp-gone"
    app.run()
    assert "mlp-gone" in words(app)


def test_no_style_asks_within_has_for_has():
    """Browsers leave out such a rule without a word: what it was to fold stays in sight."""
    assert not re.search(r":has\((?:[^()]|\([^()]*\))*:has\(", re.sub(r"/\*.*?\*/", "", style(LIGHT), flags=re.S))


def _is_words(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def test_the_first_words_need_nothing_that_is_slow_to_import():
    slow = "{'torch', 'scipy', 'sklearn', 'wfdb', 'streamlit.emojis'}"
    code = f"import sys, ui.heading; print(*sorted({slow} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_the_app_opens_on_the_start_page():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT_SECONDS).run()
    assert_healthy(app)
    assert app.title[0].value == open_page("start").title[0].value


def test_the_start_page_shows_a_beat_that_flips_for_one_network_and_not_for_the_other():
    result = words(open_page("start"))
    assert "Now read as" in result
    assert "Still read as" in result
    assert "Protocol: custom" in result


def test_the_start_page_s_network_that_withstands_is_certified_at_that_level(demo_beats):
    """What withstands one attack may fall to the next; what is proved does not."""
    app = searched(open_page("start"))
    row = find_beat(demo_beats, re.search(r"Beat (demo:\d+), seed", words(app)).group(1))
    eps = float(re.search(r"same budget: ±(\S+) of", words(app)).group(1))
    strong = loaders.checkpoint("mlp-mtl-ibp0.1").network
    found = certified_bracket(strong, demo_beats, row, signal_only=True)
    assert found.certified >= eps
    assert f"certified up to **{found.certified:.4f}**" in words(app)
    assert "withstood PGD (100 steps)" in words(app)
