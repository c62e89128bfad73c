"""The page Your ECG without a browser: what it shows is what the core reads, and a bad file ends in words."""

import time

import numpy as np
import pytest
import wfdb
from apptools import PAGES, TIMEOUT_SECONDS, assert_healthy, open_page, words
from streamlit.testing.v1 import AppTest

from nsr_core.recordings import pieces, search
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.context import own_context
from nsr_core.recordings.formats import endings
from nsr_core.recordings.reading import read_recording_beats
from nsr_core.recordings.sample import LEAD_NAME, sample_recording
from ui import loaders
from ui.recordings import figures, held, noise, overview, place, source
from ui.theme import DARK, LIGHT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result():
    """The sample recording read by two networks, with proofs."""
    cut = cut_recording(sample_recording(), LEAD_NAME)
    return read_recording_beats(cut, [loaders.checkpoint(name) for name in ("mlp-ce", "mlp-jacob")], prove=True)


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def give(*files: tuple[str, bytes]) -> AppTest:
    """The page after these files were dropped on it."""
    app = open_page("recordings", recording=source.FILE, models="mlp-ce")
    app.file_uploader(key="own_upload").set_value([(name, content, "text/plain") for name, content in files]).run()
    return app


def sample_csv(heading: str = "ECG (mV)", seconds: int = 30) -> bytes:
    signal = sample_recording().channels[0].signal[: seconds * 360]
    return (heading + "\n" + "\n".join(f"{value:.3f}" for value in signal)).encode()


def test_it_opens_on_the_sample_with_what_the_core_reads(result):
    app = open_page("recordings")
    assert_healthy(app)
    shown = metrics(app)
    assert shown["Beats found"] == str(len(result.cut.sample))
    assert shown["Read"] == str(len(result.cut.row))
    assert shown["Unlike the training beats"] == str(result.unlike.sum())
    assert len(app.get("plotly_chart")) == 5
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    counts = result.counts().set_index("class")["mlp-ce"]
    assert f"reads {counts['N']} " in words(app)
    assert f", {counts['V']} " in words(app)


def test_proofs_are_made_when_they_are_asked_for(result):
    app = open_page("recordings", models="mlp-ce", prove="true")
    assert_healthy(app)
    fragile = next(frame.value for frame in app.dataframe if "proved" in frame.value)
    reading = result.networks["mlp-ce"]
    first = int(np.nanargmin(reading.flips_at))
    assert fragile["proved"].iloc[0] == pytest.approx(reading.certified[first], abs=1e-4)
    assert (fragile["proved"] <= fragile["± range"]).all()


def test_without_proofs_there_is_no_empty_column():
    app = open_page("recordings", models="mlp-ce")
    assert not any("proved" in frame.value for frame in app.dataframe)


def test_a_file_without_a_rate_is_asked_for_it_and_then_read():
    app = give(("mine.csv", sample_csv()))
    assert "Nothing says how many samples" in app.info[0].value
    app.number_input(key="fs_ECG_None").set_value(360.0).run()
    assert_healthy(app)
    assert "Cross-entropy (ce), MLP" in words(app)
    assert "±" in words(app)


def test_a_unit_that_is_not_known_leaves_out_millivolts():
    app = give(("mine.csv", sample_csv("ECG")))
    app.number_input(key="own_fs").set_value(360.0).run()
    assert_healthy(app)
    assert "of the range" in words(app)
    assert " mV or less" not in words(app)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"\x00\xff\x13" * 500),
        ("a.edf", b"0       \xff" * 40),
        ("a.zip", b"PK"),
        ("a.hea", b"x"),
    ],
)
def test_a_bad_file_ends_in_words(name, content):
    app = give((name, content))
    assert not app.exception
    assert len(app.error) == 1
    assert len(app.error[0].value) > 20


def test_a_wrong_rate_ends_in_words():
    app = give(("mine.csv", sample_csv(seconds=4)))
    app.number_input(key="fs_ECG_None").set_value(9000.0).run()
    assert not app.exception
    assert "have at least 3 s" in app.error[0].value


def test_the_rate_can_be_given_before_the_file_is_read():
    """A time column that tells no rate: refused, with a field for the rate beside the message."""
    rows = [
        f"{at / 360 + 0.1 * (at % 7 == 0):.4f},{value:.3f}"
        for at, value in enumerate(sample_recording().channels[0].signal[:10_000])
    ]
    app = give(("mine.csv", "\n".join(["time,ECG", *rows]).encode()))
    assert "give the sampling rate by hand" in app.error[0].value
    app.number_input(key="own_fs").set_value(360.0).run()
    assert_healthy(app)
    assert "Beats found" in metrics(app)


def test_the_page_takes_what_the_core_takes():
    app = open_page("recordings", recording=source.FILE, models="mlp-ce")
    offered = {ending.removeprefix(".") for ending in app.file_uploader(key="own_upload").proto.type}
    assert offered == set(endings())


@pytest.mark.parametrize("name", ["![p](http://a.b/c.png).csv", "a.csv"])
def test_what_stands_in_a_file_is_not_markdown(name):
    app = give((name, b"![p](http://a.b/c.png)\n" * 3))
    shown = app.error[0].value
    assert "![" not in shown
    assert "](" not in shown
    assert "http:" not in shown


def test_where_no_signal_is_an_ecg_the_reader_chooses():
    values = np.random.default_rng(0).normal(size=(5000, 2))
    rows = [f"{at / 250:.3f},{a:.3f},{b:.3f}" for at, (a, b) in enumerate(values)]
    app = give(("mine.csv", "\n".join(["time,resp,temp", *rows]).encode()))
    assert app.selectbox(key="lead").value is None
    assert any("Choose the lead" in info.value for info in app.info)
    assert not app.exception


def test_a_recording_is_dropped_when_it_was_not_used():
    ticket = held.keep(sample_recording())
    assert held.find(ticket) is not None
    held.forget_unused(time.monotonic() + 60 * held.MINUTES - 5)
    assert held.find(ticket) is not None
    held.forget_unused(time.monotonic() + 60 * held.MINUTES + 5)
    assert held.find(ticket) is None


def test_marks_in_the_file_are_used_unless_beats_are_to_be_found(tmp_path):
    """Half a minute of the sample with a mark a second: 30 marks, of which the last has no window."""
    signal = sample_recording().channels[0].signal[: 30 * 360]
    layout = {"sig_name": ["II"], "p_signal": signal[:, None], "fmt": ["16"], "adc_gain": [1000.0], "baseline": [0]}
    wfdb.wrsamp("mine", 360, ["mV"], write_dir=str(tmp_path), **layout)
    wfdb.wrann("mine", "atr", np.arange(30) * 360 + 100, ["N"] * 30, write_dir=str(tmp_path))
    app = give(*[(name, (tmp_path / name).read_bytes()) for name in ("mine.hea", "mine.dat", "mine.atr")])
    assert_healthy(app)
    assert metrics(app)["Beats found"] == "29"
    app.segmented_control(key="beats_from").set_value("found in the signal").run()
    assert_healthy(app)
    assert metrics(app)["Beats found"] != "29"


def beat_lab(result=None, **address) -> AppTest:
    app = AppTest.from_file(str(PAGES["beat"]), default_timeout=TIMEOUT_SECONDS)
    if result is not None:
        app.session_state["own_reading"] = result
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def test_the_beat_lab_shows_a_beat_of_the_recording(result):
    name = result.cut.beats.name(5)
    app = beat_lab(result, source="own", beat=name, models=["mlp-ce"])
    assert_healthy(app)
    assert name in words(app)
    assert f"#### Class not known · `{name}`" in words(app)
    assert "Nobody knows this beat's class. It is taken as Cross-entropy (ce), MLP reads it" in words(app)
    assert f"{len(result.cut.row)} beats** of your recording" in words(app)
    context = own_context(result.cut, 5)
    assert f"R-R before **{1000 * context.rr_before_s:.0f} ms**" in words(app)
    assert f"Heart rate **{context.rate_bpm:.0f} bpm**" in words(app)


def test_the_beat_lab_without_a_recording_shows_other_beats_and_says_so():
    app = beat_lab(source="own", beat="mine-00000000:17")
    assert not app.exception
    assert "Your recording cannot be shown yet" in words(app)
    assert "No recording was read in this visit" in words(app)


def test_other_pages_do_not_offer_the_recording(result):
    app = AppTest.from_file(str(PAGES["data"]), default_timeout=TIMEOUT_SECONDS)
    app.session_state["own_reading"] = result
    app.session_state["kept_source"] = "own"
    assert_healthy(app.run())
    assert app.radio(key="source").value == "demo"
    assert "own" not in app.radio(key="source").options


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_strip_holds_signal_readings_and_noise_of_its_stretch(result, ink):
    figure = figures.strip(result, 10.0, 8.0, ink)
    trace, peaks, deflections, *others = figure.data
    assert deflections.name == "not classified"
    ribbons, track = others[:2], others[2:]
    assert len(peaks.x) == ((result.cut.time_s >= 10) & (result.cut.time_s < 18)).sum()
    assert [ribbon.name for ribbon in ribbons] == ["Cross-entropy (ce), MLP", "Jacobian regularisation (jacob), MLP"]
    within = (result.cut.time_s[result.cut.row] >= 10) & (result.cut.time_s[result.cut.row] < 18)
    for ribbon, points, reading in zip(ribbons, track, result.networks.values(), strict=True):
        assert [text[3] for text in ribbon.text] == ["NSVFQ"[label] for label in reading.label[within]]
        assert len(points.hovertext) == within.sum()
    assert figure.layout.yaxis.scaleratio == pytest.approx(0.4)  # 1 mV is as long as 0.4 s
    assert trace.line.color == ink.trace


def test_the_noise_of_a_part_has_every_beat_read_in_it_once(result):
    figure = noise.noise_over_time(result, "mlp-jacob", (0, 120), (0, 8), LIGHT)
    rows = np.concatenate([trace.customdata for trace in figure.data if trace.customdata is not None])
    assert sorted(rows.tolist()) == list(range(len(result.cut.row)))
    assert len(figure.data[-1].x) == (result.cut.reason != "").sum()


def test_of_more_beats_than_can_be_drawn_the_most_fragile_are(result, monkeypatch):
    monkeypatch.setattr(noise, "MOST", 40)
    figure = noise.noise_over_time(result, "mlp-ce", (0, 120), (0, 8), LIGHT)
    rows = np.concatenate([trace.customdata for trace in figure.data if trace.customdata is not None])
    assert 20 <= len(rows) <= 40
    assert np.nanargmin(result.networks["mlp-ce"].flips_at) in rows


def test_the_overview_shows_the_whole_recording_in_few_points(result):
    figure = overview.overview(result, "mlp-ce", (30.0, 60.0), LIGHT)
    low, high, *marks = figure.data
    signal = result.cut.lead.signal
    assert (np.nanmin(low.y), np.nanmax(high.y)) == (signal.min(), signal.max())
    assert (low.y <= high.y)[np.isfinite(low.y)].all()
    assert sum(len(trace.x) for trace in figure.data) <= 4000
    assert {trace.name.split(" (")[0] for trace in marks} == {
        "unlike the training beats",
        "the 12 most fragile",
    }  # of 128 beats
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (30.0, 60.0)


@pytest.fixture
def long_one(monkeypatch):
    """The sample as a long recording: more than half a minute is searched in part, and shown in part."""
    monkeypatch.setattr(pieces, "WHOLE_SECONDS", 30.0)
    monkeypatch.setattr(search, "WHOLE_SECONDS", 30.0)
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 40.0)
    monkeypatch.setattr(search, "OF_A_LONG_ONE", 20)
    monkeypatch.setattr(place, "WHOLE_MINUTES", 1.0)
    monkeypatch.setattr(place, "FIRST_MINUTES", 0.5)


def test_of_a_long_recording_a_part_is_searched_and_the_rest_on_demand(long_one):
    app = open_page("recordings", models="mlp-ce")
    assert_healthy(app)
    count = int(metrics(app)["Read"])
    said = f"Smallest noise searched for 20 of {count} beats: the 10 that look most fragile and 10 spread evenly."
    assert said in words(app)
    assert "Half of the 10 readings searched evenly" in words(app)
    table = next(frame.value for frame in app.dataframe if "mlp-ce searched" in frame.value)
    assert table["mlp-ce searched"].eq(True).sum() == 20
    start, stop = app.slider[0].value
    assert stop - start == pytest.approx(0.5)
    app.button(key="own_search_rest").click().run()
    assert_healthy(app)
    assert "Smallest noise searched for" not in words(app)
    table = next(frame.value for frame in app.dataframe if "mlp-ce searched" in frame.value)
    assert table["mlp-ce searched"].eq(True).sum() == count


def test_the_strip_stays_within_the_part_that_is_shown(long_one):
    app = open_page("recordings", models="mlp-ce")
    part = app.slider[0]
    part.set_value((1.0, 1.5)).run()
    assert_healthy(app)
    strip = app.slider[1]
    assert (strip.min, strip.max) == (60.0, 90.0 - place.STRIP_SECONDS)
    assert strip.min <= strip.value <= strip.max
