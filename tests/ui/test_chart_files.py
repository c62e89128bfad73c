"""What can be downloaded below a figure: complete, readable elsewhere, and never without the disclaimer."""

import io
import json
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from nsr_core import DISCLAIMER, __version__
from nsr_core.data.beats import CITATION
from ui.chart import as_csv, as_json, as_page, stamp
from ui.theme import DARK, LIGHT, layout

FACTS = {"checkpoint": "mlp-ce", "seed": 0, "weights": "0123456789ab", "signal_only": False, "note": 'a <b> & "c"'}


@pytest.fixture
def table():
    """Text with a comma, quotes and an umlaut; whole numbers, a fraction and a gap."""
    return pd.DataFrame(
        {
            "class": ["N", 'S, "early"', "Ü"],
            "beats": [162, 0, 21892],
            "value": [0.92145, np.nan, 1e-6],
            "flipped": [True, False, True],
        }
    )


def figure(ink, title="") -> go.Figure:
    return go.Figure(go.Scatter(x=[0, 1], y=[0.92145, 0.5], name="a line"), layout(ink, 300, title=title))


# CSV


def test_the_csv_reads_back_as_the_table(table):
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(as_csv(FACTS, table)), comment="#"), table)


def test_the_csv_begins_with_disclaimer_version_citation_and_facts_and_then_its_header(table):
    lines = as_csv(FACTS, table).splitlines()
    assert lines == [
        f"# use: {DISCLAIMER}",
        f"# nsr_core: {__version__}",
        f"# citation: {CITATION}",
        "# checkpoint: mlp-ce",
        "# seed: 0",
        "# weights: 0123456789ab",
        "# signal_only: false",
        '# note: a <b> & "c"',
        "class,beats,value,flipped",
        *lines[-len(table) :],
    ]


def test_a_fact_of_several_lines_or_parts_takes_one_line_of_the_csv(table):
    text = as_csv({"note": "one\ntwo", "levels": [{"eps": 0.1, "mv": float("nan"), "Ü": None}]}, table)
    assert text.splitlines()[3:6] == [
        r'# note: "one\ntwo"',
        '# levels: [{"eps": 0.1, "mv": null, "Ü": null}]',
        "class,beats,value,flipped",
    ]
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text), comment="#"), table)


def test_a_table_without_rows_has_a_header(table):
    assert list(pd.read_csv(io.StringIO(as_csv(FACTS, table[:0])), comment="#")) == list(table)


def test_a_number_in_the_csv_has_all_its_digits():
    exact = pd.DataFrame({"value": [1 / 3, 2**-40, 123456.789012345]})
    assert [float(text) for text in as_csv({}, exact).splitlines()[4:]] == exact["value"].tolist()


# JSON


def strictly(text):
    """Parsed as other programs do it, which know no NaN."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_json_holds_disclaimer_version_citation_facts_and_rows(table):
    result = strictly(as_json(FACTS, table))
    assert result["use"] == DISCLAIMER
    assert result["nsr_core"] == __version__
    assert result["citation"] == CITATION
    assert {name: result[name] for name in FACTS} == FACTS
    assert result["rows"] == [
        {"class": "N", "beats": 162, "value": 0.92145, "flipped": True},
        {"class": 'S, "early"', "beats": 0, "value": None, "flipped": False},
        {"class": "Ü", "beats": 21892, "value": 1e-6, "flipped": True},
    ]
    assert result.keys() == {"use", "nsr_core", "citation", "rows", *FACTS}


def test_the_json_of_no_facts_and_no_rows(table):
    result = strictly(as_json({}, table[:0]))
    assert result["rows"] == []
    assert result["use"] == DISCLAIMER


def test_a_fact_that_is_not_known_is_null(table):
    result = strictly(as_json({"mv_range": float("nan"), "levels": [{"least_snr_db": float("inf")}]}, table))
    assert result["mv_range"] is None


def test_no_fact_takes_the_disclaimer_s_place(table):
    assert as_csv({"use": "any"}, table).startswith(f"# use: {DISCLAIMER}\n")
    assert strictly(as_json({"use": "any", "citation": ""}, table))["use"] == DISCLAIMER


# The page


@pytest.fixture(scope="module")
def page():
    """Two figures, one light and one dark, and the facts."""
    figures = {"First & <second>": figure(LIGHT), "Dark": figure(DARK)}
    return as_page(lambda: figures, FACTS)


def without_scripts(page):
    return re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)


def test_the_page_needs_no_network(page):
    """Nothing is fetched: no script, style, image or frame from elsewhere, and the drawing program is inside, once."""
    tags = re.findall(r"<script\b[^>]*>", page)
    assert not [tag for tag in tags if "src" in tag]
    assert not re.search(r"\b(?:src|href)\s*=|url\(|@import", without_scripts(page))
    _, first, second = page.split("<h2>")
    assert (first.count("plotly.js v"), second.count("plotly.js v")) == (1, 0), "before the first figure that needs it"
    assert len(first) > 1_000_000 > len(second)
    assert "Plotly.newPlot(" in second


def test_the_page_says_what_it_is(page):
    result = without_scripts(page)
    assert page.startswith("<!doctype html>")
    assert "charset='utf-8'" in result
    assert DISCLAIMER in result
    assert CITATION in result
    assert "<h2>First &amp; &lt;second&gt;</h2>" in result
    assert "<h2>Dark</h2>" in result
    assert "&quot;weights&quot;: &quot;0123456789ab&quot;" in result
    assert "a &lt;b&gt; &amp;" in result
    assert "<b>" not in result


def test_the_page_keeps_the_order_of_its_figures(page):
    assert page.index("<h2>First") < page.index("<h2>Dark")


def test_a_figure_stays_on_the_ground_it_was_made_for(page):
    """Light letters on a dark page, dark ones on a light page; a page's own figure has no ground at all."""
    parts = page.split("<h2>")
    assert f'"paper_bgcolor":"{LIGHT.page}"' in parts[1]
    assert f'"color":"{LIGHT.text}"' in parts[1]
    assert f'"paper_bgcolor":"{DARK.page}"' in parts[2]
    assert f'"color":"{DARK.text}"' in parts[2]
    assert f'"paper_bgcolor":"{DARK.page}"' not in parts[1]


def test_the_figures_that_the_app_shows_are_left_as_they_were():
    """They have no ground of their own before and after."""
    shown = figure(DARK)
    before = shown.to_json()
    as_page(lambda: {"One": shown}, {})
    assert shown.to_json() == before
    assert layout(DARK, 300)["paper_bgcolor"] == "rgba(0,0,0,0)"


def test_figures_are_made_when_the_page_is():
    asked = []
    as_page(lambda: asked.append("once") or {"One": figure(LIGHT)}, {})
    assert asked == ["once"]


def test_a_page_without_figures_still_tells_its_facts():
    result = as_page(dict, FACTS)
    assert DISCLAIMER in result
    assert "mlp-ce" in result


# The figure itself


@pytest.mark.parametrize("ink", [LIGHT, DARK], ids=lambda ink: ink.name)
def test_a_stamped_figure_carries_the_disclaimer_in_its_corner(ink):
    """Lower right, in the picture itself, so that a saved file has it; the data stay."""
    plain = figure(ink)
    stamped = stamp(figure(ink))
    words = stamped.layout.title
    assert words.text == DISCLAIMER
    assert (words.xref, words.yref) == ("container", "container")
    assert (words.x, words.xanchor, words.y, words.yanchor) == (1, "right", 0, "bottom")
    assert stamped.data == plain.data
    assert stamped.layout.font == plain.layout.font
    assert stamped.layout.margin.b >= words.pad.b + words.font.size
