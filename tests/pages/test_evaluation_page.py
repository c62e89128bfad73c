"""The curves page: its points are the stored results, and a new attack can be run from it."""

import json
import shutil
import time

import numpy as np
import pandas as pd
import pytest
from apptools import assert_healthy, open_page, words

from nsr_core import jobs
from nsr_core.data import CLASSES
from nsr_core.evaluation.summary import reading_title
from nsr_core.evaluation.table import load_table
from nsr_core.files import runs_dir
from ui import loaders, results
from ui.evaluation.figures import Line, robustness
from ui.theme import DARK, LIGHT

pytestmark = pytest.mark.slow

SHIPPED = loaders.SHIPPED


def shown_table(app) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if "low" in frame.value)


@pytest.mark.parametrize(
    ("address", "column"),
    [
        ({}, "acc"),
        ({"measure": "prec"}, "prec"),
        ({"alone": "true"}, "acc_alone"),
        ({"natural": "true"}, "acc_natural"),
        ({"measure": "recall_S", "under": "spsa"}, "recall_S"),
    ],
)
def test_the_points_are_the_stored_results(address, column):
    app = open_page("evaluation", checkpoints="mlp-jacob", **address)
    assert_healthy(app)
    stored = pd.read_csv(SHIPPED / "mlp-jacob" / "robustness.csv")
    table = shown_table(app)
    # The worst case stands beside the published attack unless another was asked for.
    expected = [address["under"]] if "under" in address else ["pgd100", "worst-case"]
    assert table["attack"].unique().tolist() == [reading_title(name) for name in expected]
    for attack in expected:
        points = table[table["attack"] == reading_title(attack)]
        np.testing.assert_allclose(points["value"], stored.loc[stored["attack"] == attack, column], atol=1e-4)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


def test_protocols_that_differ_say_whose_they_are():
    result = words(open_page("evaluation", checkpoints=["cnn-ce", "cnn-mse", "cnn-adv0.1"], under="pgd100"))
    assert "Cross-entropy (ce), CNN; Squared error (mse), CNN: Protocol: custom;" in result
    assert "Adversarial training (adv0.1), CNN: Protocol: custom;" in result


def test_what_departs_from_the_paper_is_said():
    result = words(
        open_page("evaluation", checkpoints=["cnn-loss2", "mlp-loss2", "mlp-loss2-patient"], under=["spsa", "pgd100"])
    )
    assert (
        "Noise-to-signal loss (loss2), CNN: Protocol: custom (samples 128 instead of 2048); first 162 test beats of each class"
        in result
    )
    assert result.count("The training departs from the paper's: epochs 25 instead of 50. ") == 2  # once for each attack
    assert result.count("The training departs from the paper's: split patient instead of beat. ") == 1
    assert result.count("departs from the paper") == 3


def test_the_protocol_is_said():
    result = words(open_page("evaluation"))
    assert "Protocol: paper; full test split" in result
    assert "1bb884844f3b" in result
    assert "attack seed 0, training seed 0, 50 epochs" in result


def test_where_other_attacks_broke_more_than_the_worst_case_s_own_the_page_says_so():
    """As the page Verdict counts; not of a network where that makes no difference, nor beside another measure."""
    app = open_page("evaluation", checkpoints=["mlp-adv0.1", "mlp-jacob"])
    curve = shown_table(app).query("checkpoint == 'mlp-adv0.1' and attack == 'Worst case'").set_index("eps")["value"]
    worst = results.verdict("mlp-adv0.1").levels.set_index("eps")["worst"]
    assert (curve - worst).max() > 0.01
    assert f"all together leave {worst[0.1]:.2f} instead of {curve[0.1]:.2f} at 0.1" in words(app)
    assert "Beats of Jacobian regularisation (jacob), MLP" not in words(app)
    assert "all together" not in words(open_page("evaluation", checkpoints="mlp-adv0.1", measure="prec"))


def test_published_values_stand_beside_the_same_reading_only():
    """The paper's curve is each level alone: never beside a cumulative one; where it is drawn, it is in the legend."""
    app = open_page("evaluation", checkpoints="mlp-loss2", with_published="true")
    assert app.toggle(key="with_published").disabled
    assert "published" not in shown_table(app)
    app = open_page("evaluation", checkpoints="mlp-loss2", with_published="true", alone="true")
    assert not app.toggle(key="with_published").disabled
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    (theirs,) = [trace for trace in drawn if trace.get("name", "").endswith("published")]
    assert theirs.get("showlegend", True)


def test_curves_of_different_beats_say_so():
    """100-PGD met the full test split, SPSA 162 beats of each class."""
    shown = words(open_page("evaluation", checkpoints="mlp-ce", under=["pgd100", "spsa"]))
    assert "not of the same beats" in shown
    assert "21,892 beats" in shown
    assert "810 beats" in shown
    assert "not of the same beats" not in words(
        open_page("evaluation", checkpoints="mlp-ce", under=["pgd20", "pgd100"])
    )


def test_natural_prevalence_is_that_of_the_test_split(stored_recalls):
    """SPSA met as many beats of each class; its natural accuracy weighs their recalls by the split's classes."""
    table = shown_table(open_page("evaluation", checkpoints="mlp-ce", under="spsa", natural="true"))
    expected = np.average(stored_recalls, axis=1, weights=[18_118, 556, 1_448, 162, 1_608])
    assert table["value"].tolist() == pytest.approx(expected.tolist(), abs=2e-4)


@pytest.fixture
def stored_recalls():
    """(levels, 5) of mlp-ce under SPSA."""
    rows = pd.read_csv(SHIPPED / "mlp-ce" / "robustness.csv").query("attack == 'spsa'")
    return rows[[f"recall_{label}" for label in CLASSES]].to_numpy()


def test_published_values_stand_beside_ours():
    table = shown_table(open_page("evaluation", checkpoints="mlp-loss2", with_published="true", alone="true"))
    published = table.set_index("attack")["published"]
    assert published["PGD (100 steps)"].tolist() == [0.9, 0.85, 0.82, 0.78, 0.61, 0.37, 0.29]
    assert published["Worst case"].isna().all()


def test_the_beats_behind_a_point_are_listed():
    app = open_page("evaluation", checkpoints="mlp-jacob", flips_of="mlp-jacob", flips_at="0.05")
    assert_healthy(app)
    listed = next(frame.value for frame in app.dataframe if "read as" in frame.value)
    table = load_table(SHIPPED / "mlp-jacob" / "robustness.parquet")
    table = table[(table["attack"] == "pgd")].assign(beat=table["record"] + ":" + table["sample"].astype(str))
    broken = {eps: set(part.loc[part["step"] >= 0, "beat"]) for eps, part in table.groupby("eps")}
    assert set(listed["beat"]) == broken[0.05] - broken[0.01] - broken[0.03]
    assert set(listed["read as"]) <= set(CLASSES)


def test_a_checkpoint_that_left_the_choice_leaves_the_list_of_flips():
    app = open_page("evaluation", checkpoints=["mlp-ce", "mlp-mse"], flips_of="mlp-mse")
    app.multiselect(key="checkpoints").set_value(["mlp-ce"]).run()
    assert_healthy(app)


def test_several_attacks_stand_side_by_side():
    app = open_page("evaluation", checkpoints=["mlp-ce", "mlp-loss2"], under=["pgd100", "spsa"])
    assert_healthy(app)
    table = shown_table(app)
    assert set(zip(table["checkpoint"], table["attack"], strict=True)) == {
        (name, attack) for name in ("mlp-ce", "mlp-loss2") for attack in ("PGD (100 steps)", "SPSA")
    }
    assert len(app.get("plotly_chart")) == 2
    assert "first 162 test beats of each class" in words(app)


def test_nothing_chosen_is_no_error():
    app = open_page("evaluation").multiselect(key="checkpoints").set_value([]).run()
    assert_healthy(app)


def test_a_new_attack_runs_in_the_background_and_appears(trained_folder):
    """On a network that learned the synthetic beats: they are at hand on every machine."""
    shutil.copytree(trained_folder, runs_dir() / "mlp-mseMargin-1")
    app = open_page("evaluation")
    app.selectbox(key="evaluate_name").set_value("runs/mlp-mseMargin-1")
    app.selectbox(key="evaluate_attack").set_value("fgsm")
    app.number_input(key="evaluate_beats").set_value(20)
    next(button for button in app.button if button.label == "Start").click().run()
    assert_healthy(app)
    deadline = time.monotonic() + 60
    while jobs.list_runs()[0].state != jobs.FINISHED and time.monotonic() < deadline:
        time.sleep(0.2)
    assert jobs.list_runs()[0].state == jobs.FINISHED, jobs.list_runs()[0]
    app = open_page("evaluation", checkpoints="runs/mlp-mseMargin-1", under="fgsm")
    assert_healthy(app)
    assert "Protocol: custom; first 20 test beats of each class, signal samples only" in words(app)
    assert shown_table(app)["beats"].tolist() == [100] * 7


def test_a_shipped_checkpoint_is_not_evaluated_without_its_beats():
    app = open_page("evaluation")
    next(button for button in app.button if button.label == "Start").click().run()
    assert not app.exception
    assert "not on this machine" in app.error[0].value
    assert jobs.list_runs() == []


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_figure_draws_what_it_is_given(ink):
    curve = pd.DataFrame({"eps": [0.0, 0.1], "value": [0.9, 0.4], "low": [0.8, 0.3], "high": [0.95, 0.5]})
    published = pd.DataFrame({"eps": [0.0, 0.1], "value": [0.91, 0.5]})
    figure = robustness(
        [Line("mlp-ce", "Cross-entropy (ce), MLP", "mlp", "ce", curve, published)], "ACC", ink, bands=True
    )
    band, ours, theirs = figure.data
    assert list(ours.y) == [0.9, 0.4]
    assert list(theirs.y) == [0.91, 0.5]
    assert list(band.y) == [0.95, 0.5, 0.3, 0.8]
    assert [tuple(point) for point in ours.customdata] == [("mlp-ce", 0.0), ("mlp-ce", 0.1)]
    assert theirs.line.dash == "dot" != ours.line.dash
