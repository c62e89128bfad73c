"""The sweep that chooses β: its score by hand, its trials, and a small sweep from beginning to end."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nsr_core.attacks import PGD
from nsr_core.errors import UserError
from nsr_core.reproduction import beta as module
from nsr_core.reproduction.beta import BETA_METHODS, SEARCH, area, make_trials, paper_beta, score, write_search
from nsr_core.reproduction.plan import pending

pytestmark = pytest.mark.slow


def test_the_score_by_hand():
    """Trapezoids: 0.05 x 0.75 + 0.05 x 0.45 = 0.06 of 0.1, so 0.6; the root of 0.9 x 0.6 is 0.7348."""
    eps, acc = (0.0, 0.05, 0.1), (0.9, 0.6, 0.3)
    assert area(eps, acc) == pytest.approx(0.6)
    assert score(eps, acc) == pytest.approx(0.734847, abs=1e-6)


def test_a_network_that_is_always_right_scores_1_and_one_that_is_never_0():
    assert score((0.0, 0.01, 0.1), (1.0, 1.0, 1.0)) == pytest.approx(1.0)
    assert score((0.0, 0.01, 0.1), (0.0, 0.0, 0.0)) == 0.0


def test_the_area_goes_by_the_width_of_the_steps():
    """Right up to 0.05 and then wrong at once is worth more than wrong from 0.01 on."""
    levels = (0.0, *SEARCH.eps_grid)
    assert area(levels, (1, 1, 1, 1, 0)) == pytest.approx(0.05 / 0.1 + 0.5 * 0.05 / 0.1)
    assert area(levels, (1, 0, 0, 0, 0)) == pytest.approx(0.5 * 0.01 / 0.1)


def test_five_values_each_around_the_papers(bench):
    trials = make_trials(bench, ("mlp", "cnn"), BETA_METHODS, 10, None, 0)
    assert BETA_METHODS == ("loss1", "loss2", "jacob")
    assert len(trials) == len({trial.name for trial in trials}) == 2 * 3 * 5
    assert [trial.beta for trial in trials if trial.config.method == "jacob" and trial.config.network == "mlp"] == [
        pytest.approx(0.9 * factor) for factor in (0.25, 0.5, 1, 2, 4)
    ]
    assert (paper_beta("cnn", "jacob"), paper_beta("mlp", "loss1"), paper_beta("mlp", "loss2")) == (0.7, 0.2, 0.5)
    assert all(trial.config.epochs == 10 for trial in trials)


@pytest.mark.parametrize(
    ("methods", "values", "message"), [(("ce",), None, "ce has no β"), (("loss2",), (-1.0,), "beta is -1.0")]
)
def test_what_cannot_be_swept_is_said(bench, methods, values, message):
    with pytest.raises(UserError, match=message):
        make_trials(bench, ("mlp",), methods, 1, values, 0)


def test_a_sweep_chooses_the_best_score_and_goes_on(bench, carry_out_here, demo_split, monkeypatch):
    monkeypatch.setattr(module, "SEARCH", replace(SEARCH, attack=PGD(steps=10)))
    trials = make_trials(bench, ("mlp",), ("jacob",), 1, (0.1, 2.0), 0)
    carry_out_here(trials[:1])
    assert pending(trials, bench) == trials[1:]
    assert [len(one["trials"]) for one in write_search(trials, bench)["sweeps"]] == [1]
    carry_out_here(trials[1:])
    assert pending(trials, bench) == []
    value = write_search(trials, bench)
    chosen = value["sweeps"][0]
    scores = {trial["beta"]: trial["score"] for trial in chosen["trials"]}
    assert chosen["chosen_beta"] == max(scores, key=scores.get)
    assert chosen["paper_beta"] == 0.9
    assert chosen["at_edge"] is True
    for trial in chosen["trials"]:
        assert trial["eps"] == [0.0, 0.01, 0.03, 0.05, 0.1]
        assert (np.diff(trial["acc"]) <= 0).all()
        assert trial["beats"] == len(demo_split.validation)
        assert trial["score"] == pytest.approx(score(trial["eps"], trial["acc"]), abs=1e-5)
    # Another β later, and a file that is damaged.
    later = make_trials(bench, ("mlp",), ("jacob",), 1, (0.5,), 0)
    carry_out_here(later)
    damaged = trials[0].folder(bench).with_name("damaged")
    damaged.mkdir()
    (damaged / "validation.json").write_text('{"identity": {}}')
    assert [trial["beta"] for trial in write_search(later, bench)["sweeps"][0]["trials"]] == [0.1, 0.5, 2.0]
    # After another schedule the numbers are not comparable.
    other = make_trials(bench, ("mlp",), ("jacob",), 2, (0.1,), 0)
    assert write_search(other, bench)["sweeps"][0]["trials"] == []
    assert write_search(trials, bench)["sweeps"][0]["trials"][0] == chosen["trials"][0]
    table = pd.read_csv(f"{bench.work}/beta/beta.csv")
    assert table.groupby("beta").size().to_dict() == {0.1: 5, 0.5: 5, 2.0: 5}
    with open(f"{bench.work}/beta/beta.json") as lines:
        result = json.load(lines)
    assert result["protocol"] == value["protocol"]
    assert [trial for trial in result["sweeps"][0]["trials"] if trial["beta"] != 0.5] == chosen["trials"]
    assert value["protocol"]["split"]["fingerprint"] == demo_split.fingerprint
    assert value["protocol"]["attack"]["steps"] == 10
    assert (value["protocol"]["seed"], value["protocol"]["training_seeds"]) == (0, [0])
