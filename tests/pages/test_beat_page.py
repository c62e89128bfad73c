"""The Beat lab without a browser: what it shows is what the core computes, and its address holds all of it."""

import json
import re

import pytest
from apptools import assert_healthy, open_page, words

from nsr_core.attacks import ATTACKS, PGD
from nsr_core.beat.attack import attack_beat, find_beat
from nsr_core.beat.bracket import bracket_beat
from nsr_core.data import CLASS_NAMES, CLASSES, make_split
from nsr_core.evaluation.summary import reading_title
from ui import loaders

pytestmark = pytest.mark.slow

#: SPSA as quick as a test needs it.
QUICK_SPSA = {"attack": "spsa", "steps": "2", "spsa_samples": "16"}


def tables(app):
    return {frame.key: frame.value for frame in app.dataframe}


def test_it_opens_on_two_networks_and_a_beat_that_flips():
    app = open_page("beat")
    assert_healthy(app)
    assert "synthetic" in words(app)
    assert "flipped after" in words(app)
    assert len(app.get("plotly_chart")) == 7  # two beats, two sets of bars, two brackets, one sweep


def test_the_numbers_are_those_of_the_core(demo_beats):
    app = open_page(
        "beat",
        beat="demo:7",
        models=["mlp-ce", "mlp-adv0.1"],
        eps="0.1",
        steps="20",
        seed="3",
        view="Numbers and files",
    )
    table = next(value for value in (frame.value for frame in app.dataframe) if "bound R₂" in value)
    for name, row in zip(("mlp-ce", "mlp-adv0.1"), table.to_dict("records"), strict=True):
        result = attack_beat(loaders.checkpoint(name), PGD(steps=20), demo_beats, 7, 0.1, seed=3, signal_only=True)
        assert (row["before"], row["after"], row["step"]) == (result.class_before, result.class_after, result.step)
        assert row["bound R₂"] == pytest.approx(result.bound, abs=1e-3)
        assert row["NSR reached"] == pytest.approx(result.reached, abs=1e-3)
        assert row["weights"] == result.weights


def test_the_same_address_gives_the_same_words():
    address = {
        "beat": "demo:21",
        "models": ["mlp-mse", "mlp-loss1"],
        "eps": "0.07",
        "steps": "50",
        "seed": "5",
        "signal": "false",
        "attack": "pgd-sign",
    }
    first, second = open_page("beat", **address), open_page("beat", **address)
    assert words(first) == words(second)
    assert "demo:21" in words(first)
    assert "seed 5" in words(first)
    assert "move sign" in words(first)


def test_the_paper_is_named_only_where_all_is_as_published():
    as_published = {"signal": "false", "steps": "100"}
    assert "Protocol: paper (" in words(open_page("beat", **as_published))
    assert "Protocol: custom" in words(open_page("beat", **as_published | {"steps": "10"}))
    assert "Protocol: custom" in words(open_page("beat"))


def test_no_noise_flips_nothing():
    app = open_page("beat", eps="0.0")
    assert_healthy(app)
    assert "flipped after" not in words(app)
    assert "no noise" in words(app)


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "spsa"])
def test_every_quick_attack_runs(attack):
    app = open_page("beat", attack=attack)
    assert_healthy(app)
    assert ATTACKS[attack].summary in words(app)


def test_spsa_runs_and_the_sweep_says_who_stands_in():
    app = open_page("beat", **QUICK_SPSA)
    assert_healthy(app)
    assert "SPSA: steps 2, samples 16" in words(app)
    assert "PGD stands in" in words(app)


def test_an_odd_number_of_evaluations_is_refused_in_words():
    app = open_page("beat", **QUICK_SPSA | {"spsa_samples": "15"})
    assert not app.exception
    assert "must be even" in app.error[0].value


def test_every_shipped_network_and_class_can_be_chosen():
    app = open_page("beat")
    names = loaders.checkpoint_names()
    for four in (names[at : at + 4] for at in range(0, len(names), 4)):
        assert_healthy(app.multiselect(key="models").set_value(four).run())
        assert all(f"**{loaders.title(name)}**" in words(app) for name in four)
    for label in CLASSES:
        app.selectbox(key="class").set_value(label).run()
        app.button(key="random_beat").click().run()
        assert_healthy(app)
        assert f"#### {CLASS_NAMES[label]}" in words(app)


def test_a_link_to_a_network_that_is_not_there_says_so():
    app = open_page("beat", models=["mlp-ce", "runs/deleted"])
    assert not app.exception
    assert "`runs/deleted`" in app.warning[0].value
    assert not open_page("beat", models=["mlp-ce"]).warning


def test_no_network_is_no_error():
    app = open_page("beat").multiselect(key="models").set_value([]).run()
    assert_healthy(app)
    assert "Choose at least one network" in words(app)


def test_a_fragile_beat_flips_at_a_small_level(demo_beats):
    app = open_page("beat", models="mlp-ce", steps="20")
    app.selectbox(key="class").set_value("S").run()
    app.button(key="fragile_beat").click().run()
    assert_healthy(app)
    row = find_beat(demo_beats, app.session_state["beat"])
    assert CLASSES[demo_beats.y[row]] == "S"
    assert attack_beat(loaders.checkpoint("mlp-ce"), PGD(steps=20), demo_beats, row, 0.1, signal_only=True).flipped


def test_a_beat_that_is_not_there_is_named_and_replaced():
    app = open_page("beat", beat="208:12345")
    assert not app.exception
    assert "208:12345" in app.warning[0].value.replace("\\", "")
    assert len(app.get("plotly_chart")) == 7


def test_the_steps_can_be_walked():
    app = open_page("beat", models="mlp-ce", view="Step by step", eps="0.1")
    slider = next(slider for slider in app.slider if slider.key.startswith("at_"))
    slider.set_value(0).run()
    assert_healthy(app)
    assert "After step 0 of" in words(app)


def test_every_view_has_its_table():
    """A table under every figure: the sweep, the way, the sensitivity, the numbers."""
    columns = {"Noise from 0 to 0.3": "p right", "Step by step": "loss", "Noise-to-signal": "beat"}
    for view, column in (columns | {"Numbers and files": "weights"}).items():
        app = open_page("beat", models=["mlp-ce", "mlp-mse"], view=view)
        assert_healthy(app)
        assert any(column in frame.value for frame in app.dataframe), view


@pytest.mark.parametrize("name", ["mlp-ce", "mlp-loss2"])
def test_what_is_known_is_the_cores_bracket(demo_beats, name):
    """The table holds what ``bracket_beat`` finds, the figure's bars end there, and the text names the attack."""
    app = open_page("beat", beat="demo:450", models=[name], view="What is known", eps="0.02")
    assert_healthy(app)
    row = next(frame.value for frame in app.dataframe if "proved up to" in frame.value).iloc[0]
    found = bracket_beat(loaders.checkpoint(name).network, demo_beats, 450, signal_only=True)
    assert (row["by"], row["broken at"]) == (reading_title(found.by), pytest.approx(found.broken, abs=1e-5))
    assert row["proved up to"] == pytest.approx(found.certified, abs=1e-5)
    assert 0 < found.certified < found.broken
    assert f"broken at {found.broken:.3f} by {reading_title(found.by)}" in words(app)


def test_an_attack_that_fails_is_named_and_never_called_safe():
    """Whatever the attack: the card says which one was withstood, beside what a proof and other attacks say."""
    for attack, withstood in (("pgd", "withstood PGD (100 steps)"), ("fgsm", "withstood FGSM")):
        app = open_page("beat", beat="demo:450", models=["mlp-loss2"], eps="0.001", attack=attack)
        assert_healthy(app)
        assert withstood in words(app)
        assert not re.search(r"\bheld\b|\bsafe\b", words(app))
        assert "certified up to **" in words(app)
        assert re.search("break found (so far|by any attack)", words(app))


def test_the_card_says_what_the_next_tab_says():
    """Once all attacks have looked, the card's bar ends where they end: no card calls withstood what a tab calls broken."""
    app = open_page("beat", beat="demo:452", models=["mlp-ce"], view="What is known", eps="0.02")
    assert_healthy(app)
    row = next(frame.value for frame in app.dataframe if "proved up to" in frame.value).iloc[0]
    assert (
        f"certified up to **{row['proved up to']:.4f}**; smallest break found by any attack **{row['broken at']:.3f}**"
        in (words(app))
    )
    bar = json.loads(app.get("plotly_chart")[2].proto.spec)  # beside the beat and its bars
    proved, undecided, broken = (part["x"][0] for part in bar["data"])
    assert proved == pytest.approx(row["proved up to"], abs=1e-5)
    assert proved + undecided == pytest.approx(row["broken at"], abs=1e-5)
    assert broken > 0


def test_noise_to_signal_has_a_row_for_each_network():
    app = open_page("beat", view="Noise-to-signal", models=["mlp-ce", "mlp-jacob", "mlp-loss2"])
    assert_healthy(app)
    table = app.dataframe[0].value
    assert table["network"].tolist() == [
        "Cross-entropy (ce), MLP",
        "Jacobian regularisation (jacob), MLP",
        "Noise-to-signal loss (loss2), MLP",
    ]
    assert (table["bound R₂"] >= table["NSR on the line"] - 1e-3).all()


def test_real_beats_are_test_beats_unless_asked_for(mitdb_root, monkeypatch, real_beats):
    real_split = make_split(real_beats, "beat")
    monkeypatch.setenv("NSR_MITDB_DIR", str(mitdb_root))
    app = open_page("beat", source="mitbih", **{"class": "F"})
    assert_healthy(app)
    assert "109,446 real beats" in words(app)
    app.button(key="random_beat").click().run()
    assert find_beat(real_beats, app.session_state["beat"]) in real_split.test
    assert "trained or validated" not in words(app)
    trained = real_beats.name(real_split.train[0])
    app = open_page("beat", source="mitbih", beat=trained, models=["mlp-ce", "mlp-mse"])
    assert_healthy(app)
    assert "This beat trained or validated Cross-entropy (ce), MLP; Squared error (mse), MLP" in words(app)
