"""The data page on synthetic, published and real beats; its figures hold the numbers that they are given."""

import json
from functools import partial

import apptools
import numpy as np
import pytest
from apptools import assert_healthy, words
from streamlit.testing.v1 import AppTest

from nsr_core.data import CLASSES
from nsr_core.data.strip import NO_BEAT, Strip
from nsr_core.data.summary import PartCounts, class_table, length_histogram
from ui.data import TABS, figures, strip_figures
from ui.theme import DARK, LIGHT

pytestmark = pytest.mark.slow

open_page = partial(apptools.open_page, "data")


def drawn(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


@pytest.mark.parametrize(
    ("tab", "charts"), [("Counts", 1), ("Beats", 12), ("Origin", 1), ("Cutting", 1), ("Records", 0)]
)
def test_every_tab_opens_on_synthetic_beats(tab, charts):
    app = open_page(tab=tab)
    assert_healthy(app)
    assert len(drawn(app)) == charts
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))


def test_it_opens_on_the_counts_with_the_fingerprint_of_the_split():
    app = open_page()
    assert_healthy(app)
    assert "fingerprint" in words(app)
    assert "1,000 synthetic beats" in app.subheader[0].value


@pytest.mark.parametrize("view", ["count", "share"])
def test_the_counts_can_be_shown_otherwise(view):
    app = open_page(axis=view)
    assert_healthy(app)
    assert drawn(app)[0]["layout"]["xaxis"].get("type") != "log"


@pytest.mark.parametrize("tab", TABS)
def test_bad_parameters_fall_back(tab):
    app = open_page(
        tab=tab,
        split="nonsense",
        axis="7",
        of_record="../../etc",
        cut="?",
        draw="-5",
        seconds="x",
        origin="demo:99999",
        **{"of_class": "Z"},
    )
    assert_healthy(app)
    if tab == "Origin":
        assert 'There is no beat "demo:99999"' in app.warning[0].value.replace("\\", "")


def test_a_tab_that_does_not_exist_opens_the_first():
    assert "fingerprint" in words(open_page(tab="Nowhere"))


def test_another_draw_shows_other_beats_and_the_same_link_the_same():
    app = open_page(tab="Beats")
    first = [button.key for button in app.button]
    app.button(key="another").click().run()
    assert_healthy(app)
    assert [button.key for button in app.button] != first
    seed = str(app.number_input(key="draw").value)
    assert [b.key for b in open_page(tab="Beats", draw=seed).button] == [b.key for b in app.button]


def test_a_class_can_be_chosen():
    app = open_page(tab="Beats")
    app.selectbox(key="of_class").set_value("F").run()
    assert_healthy(app)
    assert all(chart.proto.alt.split("class ")[1].startswith("F") for chart in app.get("plotly_chart"))


def test_a_small_beat_leads_to_its_origin():
    app = open_page(tab="Beats")
    key = next(button.key for button in app.button if button.key.startswith("origin_"))
    app.button(key=key).click().run()
    assert_healthy(app)
    assert app.text_input(key="origin").value == f"demo:{key.removeprefix('origin_')}"
    assert "never recorded" in words(app)


def test_synthetic_beats_say_that_they_have_no_record():
    assert "come from no record" in words(open_page(tab="Records"))
    assert "nothing was cut" in words(open_page(tab="Cutting"))


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """Ten rows in either file, two of each class, 50 samples long."""
    rows = "\n".join(",".join([*["0.5"] * 49, "1.0", *["0.0"] * 137, f"{i % 5}.0"]) for i in range(10))
    for name in ("mitbih_train.csv", "mitbih_test.csv"):
        (tmp_path / name).write_text(rows + "\n")
    monkeypatch.setenv("NSR_KAGGLE_DIR", str(tmp_path))
    from ui import loaders

    loaders.stored_beats.clear()
    loaders.split_of.clear()


@pytest.mark.parametrize("tab", TABS)
def test_published_beats(kaggle, tab):
    app = open_page(source="kaggle", tab=tab, origin="test:12")
    assert_healthy(app)
    result = {
        "Counts": "As published",
        "Beats": "padding",
        "Origin": "Line **3** of `mitbih_test.csv`",
        "Cutting": "Lengths are estimates",
        "Records": "does not say from which record",
    }
    assert result[tab] in words(app)


def test_published_beats_do_not_tell_what_was_cut_short(kaggle):
    app = open_page(source="kaggle", tab="Beats", cut="cut short")
    assert_healthy(app)
    assert "does not tell which windows" in words(app)


@pytest.fixture
def real(real_beats, mitdb_root, tmp_path, monkeypatch):
    """The page finds the real beats, as if they had been cut before."""
    from nsr_core.data import mitbih

    monkeypatch.setenv("NSR_MITDB_DIR", str(mitdb_root))
    monkeypatch.setattr(mitbih, "load_mitbih", lambda root=None, progress=None: real_beats)
    from ui import loaders

    loaders.stored_beats.clear()
    loaders.split_of.clear()
    yield real_beats
    loaders.stored_beats.clear()
    loaders.split_of.clear()


@pytest.mark.parametrize(
    ("tab", "charts", "result"),
    [
        ("Counts", 1, "`1bb884844f3b`"),
        ("Beats", 12, "padding"),
        ("Origin", 2, "in blue"),
        ("Cutting", 1, "Lengths are exact"),
        ("Records", 1, "MLII in 45 records"),
    ],
)
def test_real_beats(real, tab, charts, result):
    app = open_page(source="mitbih", tab=tab)
    assert_healthy(app)
    assert len(drawn(app)) == charts
    assert result in words(app)


def test_the_split_by_patient(real):
    app = open_page(source="mitbih", split="patient")
    assert_healthy(app)
    assert "`27b9975b4a64`" in words(app)
    assert "each Q beat about" in words(app)


def test_a_record_without_such_a_beat_says_so(real):
    app = open_page(source="mitbih", tab="Beats", of_record="100", cut="end lost")
    assert_healthy(app)
    assert "There is no such beat in record 100" in words(app)


def test_one_record(real):
    app = open_page(source="mitbih", tab="Records", of_record="208")
    assert "Record **208**, lead MLII, DS1, train" in words(app)
    app.button(key="look").click().run()
    assert_healthy(app)
    assert all("Beat 208:" in chart.proto.alt for chart in app.get("plotly_chart"))


def test_without_the_records_the_beat_is_still_shown(real, monkeypatch):
    monkeypatch.delenv("NSR_MITDB_DIR")
    from nsr_core.data import mitbih
    from nsr_core.files import cache_dir

    cache_dir().mkdir(parents=True)
    (cache_dir() / mitbih.CUT_BEATS_FILE).touch()
    app = open_page(source="mitbih", tab="Origin")
    assert_healthy(app)
    assert "the strip around it cannot be shown" in app.info[0].value
    assert len(drawn(app)) == 1


@pytest.fixture
def strip() -> Strip:
    """Four seconds at 360 Hz from 1:00 on; an N beat, a change of rhythm, and a V beat whose window is too long to keep."""
    time_s = 60 + np.arange(1440) / 360
    return Strip(
        record="900",
        lead="MLII",
        time_s=time_s,
        mv=np.sin(time_s),
        mark_s=np.array([60.5, 61.0, 61.5]),
        symbols=("N", "+", "V"),
        labels=np.array([0, NO_BEAT, 2]),
        notes=("", "(AFIB", ""),
        start_s=61.5,
        stop_s=63.5,
        kept_stop_s=61.5 + 187 / 120,
        window_mv=np.sin(time_s[540:1260]),
        ended_by="N",
    )


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_strip_is_square_paper_with_all_marks(strip, ink):
    """25 mm/s and 10 mm/mV: 1 mV is as long as 0.4 s; small squares of 40 ms by 0.1 mV, five to a bold one."""
    figure = strip_figures.strip(strip, ink)
    trace, marks = figure.data
    np.testing.assert_array_equal(trace.y, strip.mv)
    np.testing.assert_array_equal(marks.x, strip.mark_s)
    assert list(marks.text) == ["N", "+ <i>(AFIB</i>", "<b>V</b>"]
    layout = figure.layout
    assert layout.yaxis.scaleratio == pytest.approx(0.4)
    assert layout.xaxis.minor.dtick == pytest.approx(0.04)
    assert layout.yaxis.minor.dtick == pytest.approx(0.1)
    np.testing.assert_allclose(np.diff(layout.xaxis.tickvals), 0.2)
    np.testing.assert_allclose(np.diff(layout.yaxis.tickvals), 0.5)
    assert [text for text in layout.xaxis.ticktext if text][:2] == ["1:00", "1:01"]
    kept, lost = layout.shapes
    assert (kept.x0, kept.x1) == (strip.start_s, strip.kept_stop_s)
    assert (lost.x0, lost.x1) == (strip.kept_stop_s, strip.stop_s)


def test_clock():
    assert [strip_figures.clock(seconds, 1) for seconds in (0, 59.96, 725.25)] == ["0:00.0", "1:00.0", "12:05.2"]
    assert strip_figures.clock(725) == "12:05"


@pytest.mark.parametrize("view", figures.VIEWS)
def test_the_counts_figure_holds_the_counts(view):
    result = PartCounts(np.array([[100, 20, 30], [10, 2, 3], [4, 1, 0], [0, 0, 0], [7, 7, 7]]))
    figure = figures.class_counts(result, view, LIGHT)
    dots = [trace for trace in figure.data if trace.type == "scatter"]
    assert [dot.name for dot in dots] == ["train", "validation", "test"]
    for place, dot in enumerate(dots):
        np.testing.assert_array_equal(dot.customdata, result.counts[:, place])
        expected = result.shares[:, place] if view == "share" else result.counts[:, place].astype(float)
        shown = expected > 0 if view == "log" else np.ones(5, bool)
        np.testing.assert_allclose(np.asarray(dot.x, float)[shown], expected[shown])
        assert np.isnan(np.asarray(dot.x, float)[~shown]).all()  # a log axis has no place for 0
    assert dots[0].text[0].strip() == ("82.64%" if view == "share" else "100")


def test_a_small_beat_shows_signal_and_padding(demo_beats):
    length = int(demo_beats.length[0])
    figure = figures.small_beat(demo_beats.x[0], length, LIGHT)
    np.testing.assert_array_equal(figure.data[0].y, demo_beats.x[0][:length])
    (padding,) = figure.layout.shapes
    assert (padding.x0, padding.x1) == pytest.approx((length * 1000 / 120, 187 * 1000 / 120))
    assert not figures.small_beat(demo_beats.x[0], 187, LIGHT).layout.shapes


def test_both_panels_of_a_beat(strip, demo_beats):
    length = int(demo_beats.length[0])
    figure = strip_figures.from_window(strip.window_mv, demo_beats.x[0], length, LIGHT)
    signal, thirds, numbers, padding = figure.data
    np.testing.assert_array_equal(signal.y, strip.window_mv[: 3 * 187])
    np.testing.assert_array_equal(thirds.y, strip.window_mv[: 3 * 187 : 3])
    np.testing.assert_array_equal(numbers.y, demo_beats.x[0][:length])
    assert len(padding.y) == 187 - length
    assert not np.any(padding.y)


def test_the_histogram_has_a_row_for_each_class_that_is_there(demo_beats):
    some = demo_beats[demo_beats.y != CLASSES.index("F")]
    figure = figures.lengths(length_histogram(some), class_table(some), LIGHT)
    assert [trace.name for trace in figure.data] == ["N", "S", "V", "Q"]
