"""The Paper page: all tables and figures open, show what they are given, and hide no departure."""

import json
import shutil
from pathlib import Path

import apptools
import numpy as np
import pandas as pd
import pytest
from apptools import assert_healthy, words
from streamlit.testing.v1 import AppTest

from nsr_core.beat.alignment import align
from nsr_core.data import load_beats
from nsr_core.paper.growing_noise import noisy_beats
from nsr_core.paper.replication import Replication, published_and_ours, table_distances
from nsr_core.paper.seeds import SEEDS_FOLDER
from nsr_core.training.card import CARD_FILE, RESULTS_FILE, list_checkpoints
from nsr_core.training.checkpoint import load_checkpoint
from ui import ecg, loaders
from ui.paper import figures, table_figures
from ui.theme import DARK, LIGHT, PAPER_DASH

pytestmark = pytest.mark.slow

CHECKPOINTS = apptools.ROOT / "checkpoints"


def open_page(**address: str) -> AppTest:
    app = apptools.open_page("paper", **address)
    assert_healthy(app)
    return app


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    folders = list_checkpoints(CHECKPOINTS)
    return published_and_ours(
        Replication.of(load_checkpoint(folder), pd.read_csv(folder / RESULTS_FILE)) for folder in folders
    )


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Path:
    """A folder of checkpoints that the page takes for the shipped ones; it holds mlp-loss2 with a card of its own."""
    folder = tmp_path / "checkpoints"
    shutil.copytree(CHECKPOINTS / "mlp-loss2", folder / "mlp-loss2")
    monkeypatch.setattr(loaders, "SHIPPED", folder)
    monkeypatch.setenv("NSR_RUNS_DIR", str(tmp_path / "runs"))
    return folder


@pytest.mark.parametrize("number", range(1, 13))
def test_every_table_opens_from_its_link(number):
    app = open_page(table=str(number))
    assert app.selectbox(key="table").value == number
    assert f"Table {number}: " in words(app)
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.parametrize("number", range(1, 9))
def test_every_figure_opens_from_its_link(number):
    app = open_page(section="Figures", figure=str(number))
    assert f"Figure {number}: " in words(app)
    assert len(app.get("plotly_chart")) == (7 if number == 8 else 2)


@pytest.mark.parametrize(
    "parameters",
    [
        {"table": "13"},
        {"table": "x"},
        {"section": "nothing"},
        {"section": "Figures", "figure": "0", "published": "perhaps"},
    ],
)
def test_a_bad_link_opens_the_default(parameters):
    app = open_page(**parameters)
    assert (
        "Figure 1: " in words(app)
        if parameters.get("section") == "Figures"
        else "Table 5: ACC, MLP, 100-PGD" in words(app)
    )


def test_network_attack_and_metric_choose_the_table():
    app = open_page()
    app.segmented_control(key="table_network").set_value("cnn").run()
    assert app.selectbox(key="table").value == 7
    app.segmented_control(key="table_attack").set_value("spsa").run()
    app.segmented_control(key="table_metric").set_value("prec").run()
    assert app.selectbox(key="table").value == 12
    app.selectbox(key="table").set_value(1).run()
    assert [app.segmented_control(key=f"table_{key}").value for key in ("network", "attack", "metric")] == [
        "mlp",
        "pgd20",
        "acc",
    ]


def test_the_protocol_stands_under_a_table():
    result = words(open_page(table="9"))
    for part in ("protocol paper", "810 test beats", "1bb884844f3b", "training seed 0", "attack seed 0"):
        assert part in result


def test_the_differences_show_what_the_cards_note():
    result = words(open_page(section="Differences"))
    for name in ("mlp-ce", "mlp-adv0.3"):
        assert load_checkpoint(CHECKPOINTS / name).card["notes"][0] in result


def test_claims_are_computed():
    result = words(open_page(section="Figures", figure="1"))
    assert "loss2 has the best ACC at 0.03 to 0.3" in result
    assert "holds at 5 of 5 noise levels" in result


def test_claims_are_told_from_other_training_seeds_too():
    """loss2 is ahead everywhere from seeds 0 and 2, from 1 at 0.2 and 0.3; where no such checkpoint has a say, nothing is added."""
    result = words(open_page(section="Figures", figure="1")).splitlines()
    best = next(line for line in result if "loss2 has the best ACC at 0.03 to 0.3" in line)
    assert "holds at 5 of 5 noise levels" in best
    assert "it holds from seed 1 at 2 of 5 and from seed 2 at 5 of 5." in best
    result = words(open_page(section="Figures", figure="4")).splitlines()
    assert "from seed" not in next(line for line in result if "adv0.2 is ahead of adv0.3" in line)


def test_a_checkpoint_of_another_protocol_is_shown_with_its_note(shelf):
    path = shelf / "mlp-loss2" / CARD_FILE
    card = json.loads(path.read_text())
    card["config"]["epochs"] = card["training"]["epochs"] = 30
    card["notes"] = ["Thirty epochs, as a test."]
    path.write_text(json.dumps(card))
    result = words(open_page(table="5"))
    assert "epochs 30 instead of 50" in result
    assert "Thirty epochs, as a test." in result
    assert "protocol custom" in result
    assert "no checkpoint yet" in result
    assert "Protocol custom" not in words(open_page(section="Figures", figure="1"))  # open: the rivals are missing


def test_departures_are_said_once_for_all_methods_that_share_them(shelf):
    """Here ce and loss2 of 30 epochs; mse of 20 stands apart."""
    for method, epochs in (("ce", 30), ("mse", 20), ("loss2", 30)):
        if method != "loss2":
            shutil.copytree(CHECKPOINTS / f"mlp-{method}", shelf / f"mlp-{method}")
        path = shelf / f"mlp-{method}" / CARD_FILE
        card = json.loads(path.read_text())
        card["config"]["epochs"] = card["training"]["epochs"] = epochs
        card["notes"] = []
        path.write_text(json.dumps(card))
    starred = [line for line in words(open_page(table="5")).splitlines() if "protocol custom" in line]
    assert [line.split(" protocol")[0] for line in starred if line.startswith("**")] == [
        r"**ce \*, loss2 \***",
        r"**mse \***",
    ]
    assert [line.count("epochs 30 instead of 50") for line in starred if line.startswith("**")] == [1, 0]


def test_a_damaged_checkpoint_is_named_and_left_out(shelf):
    (shelf / "mlp-loss2" / CARD_FILE).write_text("{")
    app = open_page()
    assert "mlp-loss2 is left out" in app.warning[0].value
    assert "All nine methods: no checkpoint yet" in words(app)


@pytest.fixture
def second_seed(shelf) -> Path:
    """As if mlp-loss2 had been trained from seed 1 too, with ACC lower by 0.1 everywhere."""
    folder = Path(shutil.copytree(shelf / "mlp-loss2", shelf / SEEDS_FOLDER / "mlp-loss2-seed-1"))
    card = json.loads((folder / CARD_FILE).read_text())
    card["config"]["seed"] = 1
    (folder / CARD_FILE).write_text(json.dumps(card))
    summary = pd.read_csv(folder / RESULTS_FILE)
    summary["acc_alone"] -= 0.1
    summary.to_csv(folder / RESULTS_FILE, index=False)
    return folder


def test_other_training_seeds_stand_below_the_table_and_nowhere_else(second_seed):
    """Two values 0.1 apart: their mean, and 0.1 / sqrt 2 = 0.07."""
    summary = pd.read_csv(second_seed / RESULTS_FILE)
    there = summary[(summary["attack"] == "pgd100") & (summary["eps"] == 0.1)].iloc[0]
    app = open_page(table="5")
    assert "over training seeds 0, 1" in words(app)
    table = app.dataframe[1].value
    assert table["method"].tolist() == ["loss2"]
    assert table["0.1"].tolist() == [f"{there['acc_alone'] + 0.05:.2f} ± 0.07"]
    assert "seed-1" not in words(open_page(section="Differences"))
    assert "The same training from other seeds" not in words(open_page(table="7"))


def test_a_damaged_checkpoint_of_another_seed_is_named_and_left_out(second_seed):
    (second_seed / CARD_FILE).write_text("{")
    app = open_page(table="5")
    assert "seeds/mlp-loss2-seed-1 is left out" in words(app)
    assert "The same training from other seeds" not in words(app)


@pytest.mark.parametrize("number", [1, 3, 8])
def test_figures_without_checkpoints_say_so(shelf, number):
    shutil.rmtree(shelf / "mlp-loss2")
    result = words(open_page(section="Figures", figure=str(number)))
    assert ("no checkpoint yet" if number == 1 else "This figure needs mlp-ce") in result


# The figures hold the numbers that they are given.


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_a_cell_shows_ours_the_papers_and_the_difference(rows, ink):
    table = rows[rows["table"] == 5]
    figure = table_figures.cells(table, table_distances(table), ink)
    heat = figure.data[0]
    np.testing.assert_allclose(np.asarray(heat.z).ravel(), table["difference"])
    assert heat.zmin == -heat.zmax
    text = next(trace for trace in figure.data if trace.name == "cells").text
    first = table.iloc[2]
    assert f"<b>{first['ours']:.2f}</b>" in text[2]
    assert f"({first['paper']:.2f})" in text[2]
    assert table_figures.signed(first["difference"]) in text[2]
    means = next(trace for trace in figure.data if trace.name == "mean distance" and trace.type == "heatmap")
    expected = table_distances(table)["distance"]
    np.testing.assert_allclose(np.asarray(means.z).ravel(), expected)


def test_missing_and_custom_cells_say_so(rows):
    table = rows[rows["table"] == 5].copy()
    gone, other = table["method"] == "jacob", table["method"] == "loss2"
    table.loc[gone, ["ours", "difference"]] = np.nan
    table.loc[gone, "missing"] = "no checkpoint yet"
    table.loc[other, "protocol"] = "custom"
    figure = table_figures.cells(table, table_distances(table), LIGHT)
    text = next(trace for trace in figure.data if trace.name == "cells").text
    paper = table[gone]["paper"].iloc[0]
    assert text[7].startswith(table_figures.NO_VALUE)
    assert f"({paper:.2f})" in text[7]
    assert "loss2 *" in figure.layout.yaxis.ticktext


@pytest.mark.parametrize(("value", "text"), [(0.131, "+0.13"), (-0.131, "\N{MINUS SIGN}0.13"), (-0.004, "0.00")])
def test_differences_have_a_sign(value, text):
    assert table_figures.signed(value) == text


def test_the_overview_has_every_table_and_its_clicks_name_it(rows):
    found = table_distances(rows)
    figure = table_figures.overview(found, 5, LIGHT)
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    drawn = np.concatenate([np.asarray(heat.z).ravel() for heat in heats])
    by_network = pd.concat([block for _, block in found.groupby("network", sort=False)])
    np.testing.assert_allclose(drawn, by_network["distance"])
    clicks = np.concatenate([trace.customdata for trace in figure.data if trace.customdata is not None])
    assert sorted(clicks.ravel().tolist()) == sorted(found["table"])


def test_the_overview_stars_another_protocol(rows):
    found = table_distances(rows).assign(protocol="custom")
    texts = [
        text
        for trace in table_figures.overview(found, 1, DARK).data
        if trace.type == "scatter" and trace.mode == "text"
        for text in trace.text
    ]
    assert all(text.endswith("*") or text == table_figures.NO_VALUE for text in texts)


def test_curves_are_ours_and_the_papers_are_dotted(rows):
    table = rows[rows["table"] == 5]
    ours = {trace.name: trace for trace in figures.curves(table, LIGHT, overlay=False).data}
    assert list(ours) == list(dict.fromkeys(table["method"]))
    np.testing.assert_array_equal(ours["loss2"].y, table[table["method"] == "loss2"]["ours"])
    both = figures.curves(table, LIGHT, overlay=True).data
    published = next(trace for trace in both if trace.name == "loss2, paper")
    assert published.line.dash == PAPER_DASH
    np.testing.assert_array_equal(published.y, table[table["method"] == "loss2"]["paper"])


def test_arrows_have_the_true_angle_and_length():
    result = align(load_checkpoint(CHECKPOINTS / "mlp-loss1"), load_beats("demo"), 3)
    arrows = {trace.name: trace for trace in figures.directions(result, LIGHT).data}
    tip = np.array([arrows["w_y"].x[1], arrows["w_y"].y[1]])
    assert np.linalg.norm(tip) == pytest.approx(result.relative_length)
    assert np.degrees(np.arctan2(tip[1], tip[0])) == pytest.approx(result.angle_deg)
    assert (arrows["x"].x[1], arrows["x"].y[1]) == (1, 0)


def test_a_panel_of_figure_8_is_the_noisy_beat_in_millivolts():
    result = noisy_beats(load_checkpoint(CHECKPOINTS / "mlp-ce"), load_beats("demo"), 7)
    for one in (result[0], result[-1]):
        figure = figures.noisy_beat(one, ecg.common_range(result), 300, DARK)
        noisy = figure.data[-1]
        np.testing.assert_allclose(noisy.y, one.mv_min + one.mv_range * one.x_adv[: one.length], rtol=1e-5, atol=1e-6)
        assert len(figure.data) == (1 if one.eps == 0 else 2)
    assert figure.layout.yaxis.scaleratio == pytest.approx(1000 / figures.speed_of(result[-1]) / ecg.MV_PER_MM)
