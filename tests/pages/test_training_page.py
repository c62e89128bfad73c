"""The Train page: a run starts from it, lives without it, and its network is there afterwards."""

import time

import pytest
from apptools import assert_healthy, open_page, words

from nsr_core import jobs
from nsr_core.methods import METHODS
from nsr_core.training.config import paper_config
from ui import loaders

pytestmark = pytest.mark.slow


def start(app):
    return app.button(key="start").click().run()


def wait_for(state: str) -> jobs.Run:
    deadline = time.monotonic() + 90
    while jobs.list_runs()[0].state != state and time.monotonic() < deadline:
        time.sleep(0.1)
    return jobs.list_runs()[0]


def test_every_method_has_its_form():
    for method in METHODS:
        app = open_page("training", how="My own", train_method=method)
        assert_healthy(app)
        own = paper_config("mlp", method).method_settings
        assert {f"{method}_{name}" for name in own} <= {widget.key for widget in (*app.number_input, *app.selectbox)}


def test_a_run_of_one_minute_ends_with_a_network_that_the_other_pages_have():
    app = start(
        open_page(
            "training", how="My own", train_method="mse", train_data="demo", train_epochs="2", train_batch_size="16"
        )
    )
    assert_healthy(app)
    run = wait_for(jobs.FINISHED)
    assert run.state == jobs.FINISHED, run
    assert "Epoch 2" in open_page("training").expander[0].label
    name = loaders.OWN + run.name
    assert name in loaders.checkpoint_names()
    page = open_page("training")
    assert_healthy(page)
    assert "**Before training**" in words(page)
    assert "**After training**" in words(page)
    beside = next(table.value for table in page.dataframe if "network" in table.value)
    assert beside["network"].tolist() == [loaders.title(name), loaders.title("mlp-mse")]
    assert "The pretrained one learned from" in words(page)
    assert loaders.checkpoint(name).config.epochs == 2
    lab = open_page("beat", models=name)
    assert_healthy(lab)
    assert f"yours: {run.name}" in words(lab)


def test_a_run_is_cancelled_and_goes_on():
    start(
        open_page(
            "training", how="My own", train_method="ce", train_data="demo", train_epochs="2000", train_batch_size="16"
        )
    )
    wait_for(jobs.RUNNING)
    app = open_page("training")
    app.button(key=f"Cancel_{jobs.list_runs()[0].name}").click().run()
    run = wait_for(jobs.CANCELLED)
    assert run.state == jobs.CANCELLED
    app = open_page("training")
    assert "cancelled" in words(app)
    app.button(key=f"Resume_{run.name}").click().run()
    assert not app.exception
    assert jobs.list_runs()[0].state in (jobs.QUEUED, jobs.RUNNING)
    jobs.cancel(jobs.list_runs()[0])
    run = wait_for(jobs.CANCELLED)
    app = open_page("training").button(key=f"Delete_{run.name}").click().run()
    assert len(jobs.list_runs()) == 1, "it asks first"
    app.button(key=f"Keep_{run.name}").click().run()
    app.button(key=f"Delete_{run.name}").click().run()
    app.button(key=f"Delete with results_{run.name}").click().run()
    assert jobs.list_runs() == []
    open_page("training").button(key=f"Undo_{run.name}").click().run()
    assert [found.name for found in jobs.list_runs()] == [run.name]


def test_a_run_that_fails_says_why(monkeypatch):
    """A source that is gone when the run's turn comes."""
    monkeypatch.setattr("ui.sources.can_show", lambda source: True)
    start(
        open_page(
            "training", how="My own", train_method="ce", train_data="kaggle", train_split="published", train_epochs="1"
        )
    )
    run = wait_for(jobs.FAILED)
    assert "not downloaded for you" in run.error
    app = open_page("training")
    assert "not downloaded for you" in app.error[0].value


def test_the_values_of_the_form_are_those_of_the_run():
    app = open_page(
        "training", how="My own", train_method="loss2", train_data="demo", train_seed="4", train_epochs="2000"
    )
    app.number_input(key="loss2_beta").set_value(0.7)
    start(app)
    config = jobs.list_runs()[0].config["config"]
    assert config["method_settings"]["beta"] == 0.7
    assert (config["seed"], config["epochs"], config["source"]) == (4, 2000, "demo")
    jobs.cancel(jobs.list_runs()[0])
    wait_for(jobs.CANCELLED)


@pytest.mark.parametrize(("epochs", "share"), [(80, 1.0), (40, 0.5)])
def test_how_long_it_may_take_is_said_of_synthetic_beats_too(epochs, share):
    """Five classes of 128 training beats in batches of 16 are 40 steps an epoch."""
    app = open_page("training", how="My own", train_data="demo", train_epochs=str(epochs), train_batch_size="16")
    assert_healthy(app)
    assert f"for {round(share * 3200):,} steps" in words(app)
