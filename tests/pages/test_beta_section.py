"""The Paper page's section Choice of β: what the sweep's file holds, and no more."""

import json

import apptools
import beta_search
import numpy as np
import pandas as pd
import pytest
from apptools import assert_healthy, words

from nsr_core.paper.beta import BETA_FILE, trials_of
from ui import loaders
from ui.paper.beta_figure import trade_off
from ui.theme import DARK, LIGHT

pytestmark = pytest.mark.slow

SECTION = "Choice of β"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """What the page takes for the folder of shipped checkpoints."""
    monkeypatch.setattr(loaders, "SHIPPED", tmp_path)
    return tmp_path


def test_it_says_which_is_best_and_where_the_papers_is(shelf):
    (shelf / BETA_FILE).write_text(json.dumps(beta_search.example()))
    app = apptools.open_page("paper", section=SECTION)
    assert_healthy(app)
    result = words(app)
    assert (
        "**loss1**: the best is β = 0.4, with a score of 0.700; the paper's 0.2 has 0.600. No β beyond it was tried."
        in result
    )
    assert "**jacob**: the best is β = 0.9, with a score of 0.800, which is the paper's." in result
    assert "962 validation beats" in result
    assert "`0123456789ab`" in result
    shown = app.dataframe[0].value
    assert shown[["beta", "score"]].to_numpy().tolist() == [[0.2, 0.6], [0.4, 0.7], [0.9, 0.8]]


def test_without_a_sweep_it_says_how_to_make_one(shelf):
    app = apptools.open_page("paper", section=SECTION)
    assert_healthy(app)
    assert "reproduce beta" in words(app)


def test_a_damaged_sweep_is_named(shelf):
    (shelf / BETA_FILE).write_text("{")
    app = apptools.open_page("paper", section=SECTION)
    assert not app.exception
    assert "cannot be read" in app.warning[0].value


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_a_point_for_each_trial_the_papers_filled_and_the_best_ringed(ink):
    trials = trials_of(beta_search.example())
    figure = trade_off(trials, ink)
    paths = {trace.name: trace for trace in figure.data if trace.customdata is not None}
    rings = {trace.name: trace for trace in figure.data if trace.name.endswith(", best")}
    for method, own in trials.groupby("method"):
        np.testing.assert_allclose(paths[method].x, own["clean"])
        np.testing.assert_allclose(paths[method].y, own["area"])
        filled = [not symbol.endswith("-open") for symbol in paths[method].marker.symbol]
        assert filled == own["is_paper"].tolist()
        np.testing.assert_allclose(rings[f"{method}, best"].x, own.loc[own["is_best"], "clean"])


def test_along_a_faint_line_the_score_is_the_same():
    trials = trials_of(beta_search.example()).assign(area=[0.6, 0.5, 0.7])
    lines = [trace for trace in trade_off(trials, LIGHT).data if trace.hoverinfo == "skip" and trace.mode == "lines"]
    assert len(lines) > 3
    scores = [np.sqrt(np.asarray(line.x) * np.asarray(line.y)) for line in lines]
    for score in scores:
        np.testing.assert_allclose(score, score[0])
    np.testing.assert_allclose(np.diff([score[0] for score in scores]), 0.02)


def test_the_ends_of_a_path_are_labelled_and_the_papers_and_the_best_but_no_other():
    """Five values of loss1, of which the second is the paper's and the third the best."""
    first = trials_of(beta_search.example()).iloc[[0]]
    betas, clean, area = [0.1, 0.2, 0.4, 0.8, 1.6], [0.9, 0.88, 0.86, 0.84, 0.8], [0.4, 0.45, 0.5, 0.48, 0.47]
    path = pd.concat([first] * 5).assign(beta=betas, clean=clean, area=area)
    path = path.assign(is_paper=path["beta"] == 0.2, is_best=path["beta"] == 0.4)
    labels = {note.text: note for note in trade_off(path, LIGHT).layout.annotations}
    assert list(labels) == ["0.1", "0.2", "0.4", "1.6"]
    assert labels["0.1"].xshift > 0 > labels["1.6"].xshift, "labels of the ends lie outside of the path"
    assert labels["0.2"].xshift == 0 < labels["0.2"].yshift
