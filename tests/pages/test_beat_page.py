"""The Beat lab without a browser: what it shows is what the core computes, and its address holds all of it."""

import base64
import json
import re
import threading
import time

import numpy as np
import pytest
from apptools import assert_healthy, at_rest, open_page, pictures, searched, words

from nsr_core.attacks import ATTACKS, FGSM, PGD
from nsr_core.beat.attack import attack_beat, find_beat
from nsr_core.beat.bracket import bracket_beat, quick_bracket
from nsr_core.beat.saliency import saliency
from nsr_core.beat.sweep import sweep_beat
from nsr_core.data import CLASS_NAMES, CLASSES, make_split
from nsr_core.evaluation.summary import reading_title
from ui import loaders
from ui.beat import searching

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
    assert "Heart rate" not in words(app)  # a synthetic beat was never recorded
    assert len(pictures(app)) == 2
    assert len(app.get("plotly_chart")) == 3  # two brackets, one sweep


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
    first, second = (searched(open_page("beat", **address)) for _ in range(2))
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
    app = open_page("beat", attack="fgsm")
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
    assert len(pictures(app)) == 2


def unpacked(picture, name):
    """(frames, length) what a picture draws, in [0, 1]."""
    values = np.frombuffer(base64.b64decode(picture[name]), "<u2") / 65535
    return values.reshape(-1, picture["length"])


def test_the_steps_can_be_walked(demo_beats):
    """Every step of the attack is in the picture: it plays without asking the server."""
    app = open_page("beat", beat="demo:7", models="mlp-ce", view="Step by step", eps="0.1")
    assert_healthy(app)
    way = pictures(app)["way_mlp-ce"]
    path = attack_beat(loaders.checkpoint("mlp-ce"), PGD(), demo_beats, 7, 0.1, signal_only=True).path
    assert way["places"] == list(range(len(path.loss)))
    assert unpacked(way, "frames") == pytest.approx(path.x_adv[:, : way["length"]], abs=1e-5)
    assert way["probabilities"] == pytest.approx(path.probabilities, abs=1e-4)
    assert [track["name"] for track in way["tracks"]] == ["right reading", "loss"]


def test_the_picture_holds_every_level_of_the_sweep_and_the_page_s_own_exactly(demo_beats):
    app = open_page("beat", beat="demo:7", models="mlp-ce", eps="0.0537", attack="fgsm")
    picture = pictures(app)["beat_mlp-ce"]
    checkpoint = loaders.checkpoint("mlp-ce")
    swept = sweep_beat(checkpoint, FGSM(), demo_beats, 7, signal_only=True)
    exact = attack_beat(checkpoint, FGSM(), demo_beats, 7, 0.0537, signal_only=True)
    assert picture["places"] == sorted([*swept.eps.tolist(), 0.0537])
    own = picture["places"].index(0.0537)
    shown, length = unpacked(picture, "frames"), picture["length"]
    assert shown[own] == pytest.approx(exact.x_adv[:length], abs=1e-5)
    assert np.delete(shown, own, axis=0) == pytest.approx(swept.x_adv[:, :length], abs=1e-5)
    assert unpacked(picture, "clean")[0] == pytest.approx(exact.x[:length], abs=1e-5)
    assert at_rest(picture)["probabilities"] == pytest.approx(exact.after, abs=1e-4)
    assert [bool(note) for note in picture["notes"]] == [at != own for at in range(len(picture["notes"]))]
    misread = [probabilities.argmax() != CLASSES.index("N") for probabilities in np.array(picture["probabilities"])]
    assert ["flipped" in verdict for _, verdict, _ in picture["words"]] == misread


@pytest.mark.parametrize(
    ("asked", "level"), [("0.12", 0.12), ("0", 0), ("0.3", 0.3), ("0.31", 0.05), ("nan", 0.05), ("x", 0.05)]
)
def test_the_address_sets_the_dial_and_what_is_no_level_does_not(asked, level):
    app = open_page("beat", models="mlp-ce", eps=asked)
    assert_healthy(app)
    dial = next(data for data in (json.loads(one.proto.json) for one in app.get("bidi_component")) if "min" in data)
    assert dial["value"] == level
    assert (dial["min"], dial["max"], dial["step"], len(dial["words"])) == (0, 0.3, 0.001, 301)
    assert "mV" in dial["words"][120]


def test_every_view_has_its_table():
    """A table under every figure: the sweep, the way, the sensitivity, the numbers."""
    columns = {"Noise from 0 to 0.3": "p right", "Step by step": "loss", "Where it looks": "beat"}
    for view, column in (columns | {"Noise-to-signal": "beat", "Numbers and files": "weights"}).items():
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
        app = searched(open_page("beat", beat="demo:450", models=["mlp-loss2"], eps="0.001", attack=attack))
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
    bar = json.loads(app.get("plotly_chart")[0].proto.spec)
    proved, undecided, broken = (part["x"][0] for part in bar["data"])
    assert proved == pytest.approx(row["proved up to"], abs=1e-5)
    assert proved + undecided == pytest.approx(row["broken at"], abs=1e-5)
    assert broken > 0


def bar_of(app, name):
    """Where a card's bar says that a beat is proved, and where it is broken."""
    spec = next(chart.proto.spec for chart in app.get("plotly_chart") if f"bracket_{name}" in chart.proto.id)
    proved, undecided = (part["x"][0] for part in json.loads(spec)["data"][:2])
    return proved, proved + undecided


def test_a_bracket_that_is_not_stored_is_searched_for_in_the_background(demo_beats):
    """The bar ends where the core's search ends, or where the page's own attack found less."""
    app = open_page("beat", beat="demo:453", models=["mlp-ce"], eps="0.02")
    assert_healthy(app)
    assert "Searching… nothing certified yet; smallest break found so far" in words(app)
    before = bar_of(app, "mlp-ce")
    assert before[0] == 0
    assert_healthy(searched(app))
    found = quick_bracket(loaders.checkpoint("mlp-ce").network, demo_beats, 453, signal_only=True)
    assert bar_of(app, "mlp-ce") == pytest.approx((found.certified, min(found.broken, before[1])))
    assert f"certified up to **{found.certified:.4f}**" in words(app)
    assert not [one for one in app.get("bidi_component") if "every_ms" in one.proto.json], "it would ask for ever"


def test_the_bar_never_contradicts_the_card(demo_beats):
    """Where the page's attack flips the beat, its break is no larger; what is proved lies below."""
    for eps in ("0.011", "0.05"):
        app = searched(open_page("beat", beat="demo:454", models=["mlp-ce", "mlp-adv0.1"], eps=eps, attack="fgsm"))
        for name, (_, verdict, _) in {name: at_rest(one)["words"] for name, one in pictures(app).items()}.items():
            proved, broken = bar_of(app, name.removeprefix("beat_"))
            assert 0 < proved < broken
            assert broken <= float(eps) if "flipped" in verdict else "withstood" in verdict


def test_a_page_that_is_left_stops_its_search(monkeypatch):
    """Nothing tells the server that a browser is gone but that it asks no more."""
    ended = threading.Event()

    def endless(*arguments, progress, **settings):
        try:
            while True:
                progress(0, 1, "on and on")
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr("ui.beat.known.quick_bracket", endless)
    app = open_page("beat", beat="demo:455", models=["mlp-ce"]).run()  # it begins when the page asks again
    assert "Searching…" in words(app)
    monkeypatch.setattr(searching, "PATIENCE_SECONDS", 0.3)
    assert ended.wait(10)


def test_where_it_looks_says_how_complete_it_is(demo_beats):
    app = open_page("beat", beat="demo:450", models="mlp-ce", view="Where it looks", eps="0.02")
    assert_healthy(app)
    checkpoint = loaders.checkpoint("mlp-ce")
    attacked = attack_beat(checkpoint, PGD(), demo_beats, 450, 0.02, signal_only=True)
    found = saliency(checkpoint.network, demo_beats.x[450], CLASSES.index(attacked.class_before))
    assert f"add up to {found.integrated.sum():.3f}, the output changes by {found.change:.3f}" in words(app)
    assert f"moved {found.share_against(attacked.x_adv - attacked.x):.0%} of its samples" in words(app)


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


def test_real_beats_are_test_beats_unless_asked_for(mitdb_root, monkeypatch, real_beats, real_cache):
    real_split = make_split(real_beats, "beat")
    monkeypatch.setenv("NSR_CACHE_DIR", str(real_cache))
    monkeypatch.setenv("NSR_MITDB_DIR", str(mitdb_root))
    app = open_page("beat", source="mitbih", **{"class": "F"})
    assert_healthy(app)
    assert "109,446 real beats" in words(app)
    assert "R-R before **" in words(app)
    assert "Heart rate **" in words(app)
    app.button(key="random_beat").click().run()
    assert find_beat(real_beats, app.session_state["beat"]) in real_split.test
    assert "trained or validated" not in words(app)
    trained = real_beats.name(real_split.train[0])
    app = open_page("beat", source="mitbih", beat=trained, models=["mlp-ce", "mlp-mse"])
    assert_healthy(app)
    assert "This beat trained or validated Cross-entropy (ce), MLP; Squared error (mse), MLP" in words(app)
