"""The lesson, walked from the first step to the summary without a browser; and its figures hold their numbers."""

import json
import re
from dataclasses import replace
from pathlib import Path

import apptools
import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from nsr_core import DISCLAIMER, lesson
from nsr_core.beat.alignment import align
from nsr_core.beat.attack import attack_beat
from nsr_core.data import load_beats
from nsr_core.training.checkpoint import load_checkpoint
from ui.lesson import course, drawing
from ui.lesson import figures as learn_figures
from ui.theme import DARK, LIGHT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "pages" / "learn.py"
TIMEOUT_SECONDS = 240  # a step runs all attacks in turn on two networks
STEPS = range(1, 10)
#: A beat of the demo that the baseline reads correctly.
BEAT = "demo:636"


def open_page(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT_SECONDS)
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


def assert_healthy(app: AppTest) -> None:
    assert not app.exception
    assert not app.error
    assert app.caption[-1].value == DISCLAIMER


def guess(app: AppTest, step: int):
    kinds = ("slider", "radio", "select_slider", "number_input")
    return next(widget for kind in kinds for widget in app.get(kind) if widget.key == f"guess_{step}")


def predict_and_reveal(app: AppTest, step: int) -> None:
    if step == 2:
        assert app.button(key="reveal").disabled, "nothing is chosen yet"
        widget = guess(app, step)
        widget.set_value(widget.options[0]).run()
    app.button(key="reveal").click().run()
    assert_healthy(app)


def verdict(app: AppTest) -> str:
    return next(box.value for box in [*app.success, *app.info] if "Computed" in box.value)


def test_the_whole_lesson_predict_reveal_next_and_the_summary():
    app = open_page()
    for step in STEPS:
        assert app.subheader[0].value.startswith(f"{step}.")
        assert not [box for box in [*app.success, *app.info] if "Computed" in box.value], "nothing is shown before"
        charts = len(app.get("plotly_chart"))
        assert charts >= 1
        predict_and_reveal(app, step)
        assert "You said" in verdict(app)
        assert guess(app, step).disabled
        assert len(app.get("plotly_chart")) >= charts
        app.button(key="next").click().run()
        assert_healthy(app)
    assert "predicted" in app.subheader[0].value
    table = app.dataframe[0].value
    assert table["step"].tolist() == list(STEPS)
    assert (table["computed"].str.len() > 0).all()
    app.button(key="forget").click().run()
    assert_healthy(app)
    assert app.subheader[0].value.startswith("1.")
    assert not guess(app, 1).disabled


def test_a_prediction_outlives_its_step_and_can_be_taken_back():
    app = open_page()
    guess(app, 1).set_value(7).run()
    predict_and_reveal(app, 1)
    app.button(key="next").click().run()
    app.button(key="previous").click().run()
    assert "You said **7 of 200**" in verdict(app)
    app.button(key="again").click().run()
    assert_healthy(app)
    assert not guess(app, 1).disabled


def canvas(app: AppTest) -> dict:
    """What the paper to draw on was given."""
    given = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return next(data for data in given if "strokes" in data)


def score(app: AppTest) -> str:
    return next(text.value for text in app.markdown if text.value.startswith("Your noise takes"))


def test_a_drawing_is_clipped_judged_as_pgd_is_kept_and_forgotten(beat):
    app = open_page(step="9", lesson_beat=BEAT)
    assert_healthy(app)
    assert not np.any(canvas(app)["noise"])
    app.button(key="shape_Flatten").click().run()
    assert_healthy(app)
    eps, x = canvas(app)["eps"], beat[1].x[beat[2], : beat[1].length[beat[2]]]
    drawn = lesson.under_noise(*beat, eps * lesson.SHAPES["Flatten"](x)[None], eps)
    assert canvas(app)["noise"] == pytest.approx(drawn.x[0, : len(x)] - x, abs=1e-5)
    assert f"**{100 * drawn.taken[0]:.1f} points**" in score(app)
    kept_over_reload = next(
        data
        for one in app.get("bidi_component")
        if (data := json.loads(one.proto.json)).get("name") == "lesson_drawings"
    )
    assert not kept_over_reload["begins"]
    assert BEAT in kept_over_reload["text"]
    assert "PGD" not in score(app)
    app.button(key="reveal").click().run()
    chance = lesson.against_chance(*beat, eps)
    pgd = lesson.under_noise(*beat, (chance.x_chosen - beat[1].x[beat[2]])[None, : len(x)], eps)
    assert f"PGD's noise **{100 * pgd.taken[0]:.1f}**" in score(app)
    assert f"Computed: **{100 * pgd.taken[0]:.1f} points**" in verdict(app)
    before = score(app)
    app.button(key="previous").click().run()
    app.button(key="next").click().run()
    assert score(app) == before
    app.button(key="next").click().run()
    app.button(key="forget").click().run()
    app.segmented_control(key="step").set_value("9").run()
    assert_healthy(app)
    assert not np.any(canvas(app)["noise"])


@pytest.mark.parametrize(
    "sent",
    [None, [], {}, {"noise": [0.1]}, {"noise": [float("nan")] * 187, "strokes": 1}, {"noise": "x" * 187, "strokes": 1}],
)
def test_what_is_no_drawing_changes_nothing(beat, monkeypatch, sent):
    """A browser may send anything."""
    state: dict = {"canvas": {"drawn": sent}}
    monkeypatch.setattr(st, "session_state", state)
    chosen = course.Lesson(beat[1], beat[2], 0.05, LIGHT)
    drawing._take(chosen, "canvas")
    assert not course.drawing(chosen)[0].any()
    state["canvas"] = {"drawn": {"noise": [0.01] * chosen.length, "strokes": 3}}
    drawing._take(chosen, "canvas")
    assert course.drawing(chosen)[0] == pytest.approx(0.01)
    assert course.drawing(chosen)[1] == 3


def test_a_link_opens_a_step_on_a_beat():
    app = open_page(step="4", lesson_beat="3")
    assert_healthy(app)
    assert app.subheader[0].value.startswith("4.")
    assert any("demo:3" in text.value for text in app.markdown)


def test_the_lesson_and_the_beat_lab_agree(beat):
    """The summary's link opens the lab on the lesson's attack: what a step calls flipped, the lab and step 7 call flipped."""
    _, beats, row = beat
    eps = lesson.lesson_eps(beat[0], beats, row)
    chosen = course.Lesson(beats, row, eps, LIGHT)
    app = open_lab(**chosen.lab_address | {"models": "mlp-ce"})
    assert not app.exception
    said = apptools.words(app)
    assert lesson.against_chance(beat[0], beats, row, eps).attack_margin < 0
    assert "flipped after" in said
    assert "noise on the signal samples only" in said
    checkpoint = load_checkpoint(ROOT / "checkpoints" / "mlp-ce")
    ours = attack_beat(checkpoint, chosen.as_in_the_lab.attack, beats, row, eps, signal_only=True)
    assert f"flipped after {ours.step} step" in said
    level = float(re.search(r"smallest break found (?:so far|by any attack) \*\*([\d.]+)\*\*", said).group(1))
    assert level <= eps


def open_lab(**address: str) -> AppTest:
    app = AppTest.from_file(str(PAGE.with_name("beat_lab.py")), default_timeout=TIMEOUT_SECONDS)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def test_bad_parameters_fall_back():
    app = open_page(step="99", lesson_beat="nonsense")
    assert_healthy(app)
    assert app.subheader[0].value.startswith("1.")
    assert "There is no beat" in app.warning[0].value


def test_a_beat_that_is_misread_without_noise_is_said_to_be_unsuitable():
    beats, network = load_beats("demo"), load_checkpoint(ROOT / "checkpoints" / "mlp-ce").network
    misread = next(row for row in range(len(beats)) if not lesson.is_read_correctly(network, beats, row))
    app = open_page(lesson_beat=str(misread))
    assert_healthy(app)
    assert "nothing to attack" in app.warning[0].value
    app.button(key="another").click().run()
    assert_healthy(app)
    assert not app.warning
    assert app.subheader[0].value.startswith("1.")


# The figures


@pytest.fixture(scope="module")
def beat():
    """The baseline, the beats and a row that it reads correctly."""
    beats = load_beats("demo")
    row = int(np.flatnonzero(beats.names() == BEAT)[0])
    return load_checkpoint(ROOT / "checkpoints" / "mlp-ce").network, beats, row


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_truth_is_drawn_only_once_revealed(beat, ink):
    climbs, line = lesson.climbs(*beat, 0.05), lesson.straight_line(*beat)
    assert len(learn_figures.losses(climbs, ink, revealed=False).data) == 1
    fgsm, pgd = learn_figures.losses(climbs, ink, revealed=True).data
    np.testing.assert_array_equal(fgsm.y, climbs.fgsm_loss)
    np.testing.assert_array_equal(pgd.y, climbs.pgd_loss)
    assert len(learn_figures.straight_line(line, 0.05, ink, revealed=False).data) == 1
    real, straight, switched = learn_figures.straight_line(line, 0.05, ink, revealed=True).data
    np.testing.assert_array_equal(real.y, line.z)
    np.testing.assert_array_equal(straight.y, line.line)
    np.testing.assert_array_equal(switched.y, line.switched)


def test_the_histogram_holds_every_toss(beat):
    result = lesson.against_chance(*beat, 0.05)
    np.testing.assert_array_equal(learn_figures.margins(result, LIGHT).data[0].x, result.coin_margin)


def test_the_bars_are_the_ratios(beat):
    result = lesson.ratios(*beat, 0.05)
    (bars,) = learn_figures.ratios(result, LIGHT).data
    assert list(bars.x) == [result.bound, result.allowed, result.fgsm_line, result.fgsm_real, result.pgd_real]
    (strengths,) = learn_figures.strengths(result.w, LIGHT, 100).data
    assert float(np.sum(strengths.y)) == pytest.approx(result.w_l1, rel=1e-5)


def test_arrows_stand_at_their_true_angle(beat):
    measured = align(load_checkpoint(ROOT / "checkpoints" / "mlp-ce"), *beat[1:])
    result = {
        name: replace(measured, cosine=float(np.cos(np.radians(angle))))
        for name, angle in (("ce", 87.0), ("loss1", 120.0))
    }
    figure = learn_figures.directions(result, LIGHT)
    ends = {trace.name: (trace.x[-1], trace.y[-1]) for trace in figure.data if trace.mode == "lines+markers"}
    for name, found in result.items():
        assert np.degrees(np.arctan2(ends[name][1], ends[name][0])) == pytest.approx(found.angle_deg)
    assert figure.layout.yaxis.scaleanchor == "x"


def test_the_readings_are_drawn_class_by_class():
    before, drawn = np.array([0.9, 0.1, 0, 0, 0]), np.array([0.2, 0.7, 0.1, 0, 0])
    without, with_noise = learn_figures.readings(before, {"your noise": drawn}, LIGHT).data
    assert list(without.x) == before.tolist()
    assert list(with_noise.x) == drawn.tolist()
    assert with_noise.name == "your noise"


def test_spsa_is_hidden_until_revealed():
    result = lesson.Survivors(("pgd1", "pgd100", "spsa", "all"), np.array([80, 70, 30, 25]), 100)
    assert list(learn_figures.survivors(result, LIGHT, revealed=False).data[0].x) == [0.8, 0.7]
    assert list(learn_figures.survivors(result, LIGHT, revealed=True).data[0].x) == [0.8, 0.7, 0.3, 0.25]
