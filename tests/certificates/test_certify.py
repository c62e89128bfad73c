"""Certificates beside a checkpoint: the file, the card, going on, what is refused, the command, and the brackets."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from toys import attack_beats

from nsr_core.attacks import PGD
from nsr_core.certificates import (
    band,
    bracket,
    certify,
    certify_beats,
    load_certificates,
    proved_share,
    stages,
    store,
    summarise_certificates,
)
from nsr_core.certificates.search import certified_eps
from nsr_core.certificates.table import COLUMN_TYPES, rounded_down
from nsr_core.data import make_split
from nsr_core.data.splits import first_of_each_class
from nsr_core.errors import UserError
from nsr_core.evaluation.table import outcomes
from nsr_core.training.card import read_card

pytestmark = pytest.mark.slow

FILE = "certificates.parquet"


class Stop(Exception):
    pass


def entry_of(folder):
    return read_card(folder)["results"]["certificates"]


@pytest.fixture(scope="module")
def certified(trained_folder, demo_beats, demo_split, tmp_path_factory):
    """A folder with four certified beats of each class. Not to be written to."""
    folder = shutil.copytree(trained_folder, tmp_path_factory.mktemp("certified") / "mlp-mseMargin")
    certify(folder, demo_beats, demo_split, per_class=4)
    return folder


@pytest.fixture
def counted(monkeypatch):
    """The number of beats that were really bounded, call by call."""
    calls = []

    def watched(network, beats, rows, **settings):
        calls.append(len(rows))
        return certify_beats(network, beats, rows, **settings)

    monkeypatch.setattr(store, "certify_beats", watched)
    return calls


# The file and the card


def test_the_table_holds_what_is_proved_rounded_down(certified, trained, demo_beats, demo_split):
    table = load_certificates(certified / FILE)
    rows = first_of_each_class(demo_beats, demo_split.test, 4)
    assert sorted(table["sample"]) == sorted(demo_beats.sample[rows])
    place = {sample: row for row, sample in enumerate(demo_beats.sample)}
    order = np.array([place[sample] for sample in table["sample"]])
    x, y = torch.from_numpy(demo_beats.x[order]), torch.from_numpy(demo_beats.y[order])
    proved = certified_eps(trained.network, x, y).numpy()
    assert (table["certified"].to_numpy(np.float64) <= proved * (1 + 1e-9)).all()
    np.testing.assert_allclose(table["certified"], proved, rtol=1e-6)
    with torch.no_grad():
        np.testing.assert_array_equal(table["clean"], trained.network(x).argmax(1))
    np.testing.assert_array_equal(table["y"], y)


def test_the_card_says_how_and_keeps_the_rest(certified, trained_folder, demo_split):
    entry = entry_of(certified)
    assert entry["method"] == {"name": "crown", "tolerance": 0.001, "least_margin": 1e-6}
    assert (entry["beats"], entry["done"], entry["of"]) == ("first 4 test beats of each class", 20, 20)
    assert (entry["signal_only"], entry["split"]) == (False, demo_split.fingerprint)
    assert entry["seconds"] > 0
    assert entry["machine"]["device"] == "cpu"
    before, after = read_card(trained_folder), read_card(certified)
    assert {**after, "results": None} == {**before, "results": None}
    assert after["results"].keys() - before["results"].keys() == {"certificates"}


def test_what_is_there_is_not_computed_again_and_serves_a_larger_set(
    certified, tmp_path, demo_beats, demo_split, counted
):
    folder = shutil.copytree(certified, tmp_path / "again")
    first = certify(folder, demo_beats, demo_split, per_class=4)
    assert counted == []
    assert entry_of(folder) == entry_of(certified)
    more = certify(folder, demo_beats, demo_split, per_class=6)
    assert counted == [10]
    assert (entry_of(folder)["beats"], entry_of(folder)["done"]) == ("first 6 test beats of each class", 30)
    assert entry_of(folder)["seconds"] > entry_of(certified)["seconds"]
    pd.testing.assert_frame_equal(certify(folder, demo_beats, demo_split, per_class=4), first)
    assert len(load_certificates(folder / FILE)) == len(more) == 30
    assert counted == [10]


def test_interrupted_it_goes_on_to_the_same_table(certified, checkpoint_folder, demo_beats, demo_split, monkeypatch):
    monkeypatch.setattr(store, "KEPT_EVERY", 8)
    result = []

    def dying(done, total, what):
        result.append((done, total))
        if done >= 16:
            raise Stop

    with pytest.raises(Stop):
        certify(checkpoint_folder, demo_beats, demo_split, per_class=4, progress=dying)
    assert result == [(8, 20), (16, 20)]
    assert (entry_of(checkpoint_folder)["done"], entry_of(checkpoint_folder)["of"]) == (8, 20)
    result.clear()
    certify(checkpoint_folder, demo_beats, demo_split, per_class=4, progress=lambda *now: result.append(now[:2]))
    assert result == [(16, 20), (20, 20)]
    pd.testing.assert_frame_equal(load_certificates(checkpoint_folder / FILE), load_certificates(certified / FILE))


@pytest.mark.parametrize("changed", [{"method": "interval"}, {"signal_only": True}])
def test_other_settings_replace_the_old_ones_only_on_request(changed, certified, tmp_path, demo_beats, demo_split):
    folder = shutil.copytree(certified, tmp_path / "other")
    name = next(iter(changed))
    with pytest.raises(UserError, match=rf"other settings \({name}\).*or replace them"):
        certify(folder, demo_beats, demo_split, per_class=4, **changed)
    assert (folder / FILE).read_bytes() == (certified / FILE).read_bytes()
    certify(folder, demo_beats, demo_split, per_class=3, replace_results=True, **changed)
    assert len(load_certificates(folder / FILE)) == entry_of(folder)["done"] == 15


def test_interrupted_under_other_settings_the_old_rows_never_pass_for_theirs(
    certified, tmp_path, demo_beats, demo_split, counted
):
    folder = shutil.copytree(certified, tmp_path / "other")

    def stop(done, total, what):
        raise Stop

    with pytest.raises(Stop):
        certify(folder, demo_beats, demo_split, per_class=4, method="interval", replace_results=True, progress=stop)
    counted.clear()
    certify(folder, demo_beats, demo_split, per_class=4, method="interval")
    assert counted == [20]


def test_rows_that_the_card_does_not_know_are_never_taken_over(
    certified, trained_folder, tmp_path, demo_beats, demo_split, counted
):
    """Trained again in the same folder, the card is new and the table of the old weights still lies there."""
    folder = shutil.copytree(certified, tmp_path / "again")
    shutil.copy(trained_folder / "card.json", folder)
    certify(folder, demo_beats, demo_split, per_class=4)
    assert counted == [20]


def test_another_split_is_refused(checkpoint_folder, demo_beats, demo_split):
    other = make_split(demo_beats, "beat", 1)
    with pytest.raises(UserError, match=f"{demo_split.fingerprint}.*{other.fingerprint}.*could have trained"):
        certify(checkpoint_folder, demo_beats, other)
    assert not (checkpoint_folder / FILE).exists()


def test_a_damaged_missing_or_foreign_table_is_named(tmp_path):
    with pytest.raises(UserError, match="missing: nothing is certified yet"):
        load_certificates(tmp_path / FILE)
    (tmp_path / FILE).write_bytes(b"no table")
    with pytest.raises(UserError, match="cannot be read"):
        load_certificates(tmp_path / FILE)
    pd.DataFrame({"record": ["100"]}).to_parquet(tmp_path / FILE)
    with pytest.raises(UserError, match="lacks the columns sample, y, clean, certified"):
        load_certificates(tmp_path / FILE)


def test_levels_are_stored_from_below():
    """0.1 as float32 is 0.100000001...: one step lower is stored."""
    eps = np.array([0.1, 0.25, 0.0, 1.0, 1 / 3])
    stored = rounded_down(eps)
    assert (stored.astype(np.float64) <= eps).all()
    assert stored[1] == 0.25
    np.testing.assert_allclose(stored, eps, rtol=2e-7)


# What follows from it


def table_of(y, clean, level, sample=None):
    count = len(y)
    columns = {"record": ["100"] * count, "sample": range(count) if sample is None else sample}
    return pd.DataFrame(columns | {"y": y, "clean": clean, "certified": level}).astype(COLUMN_TYPES)


TABLE = table_of([0, 0, 0, 0, 2, 2], [0, 0, 0, 1, 2, 0], [0.5, 0.25, 0.0, 0.0, 0.125, 0.0])


def test_the_summary_counts_by_class_by_beat_and_by_equal_class():
    """N: 3 of 4 right, 2 proved at 0.125, 1 at 0.5. V: 1 of 2 right, proved at 0.125 and not at 0.5."""
    np.testing.assert_allclose(proved_share(TABLE, 0.0), [0.75, np.nan, 0.5, np.nan, np.nan])
    result = summarise_certificates(TABLE, (0.125, 0.5)).set_index("class")
    assert result.index.tolist() == ["N", "V", "all", "equal priors"]
    assert result["beats"].tolist() == [4, 2, 6, 6]
    np.testing.assert_allclose(result["right"], [3 / 4, 1 / 2, 4 / 6, 5 / 8])
    np.testing.assert_allclose(result["0.125"], [2 / 4, 1 / 2, 3 / 6, 1 / 2])
    np.testing.assert_allclose(result["0.5"], [1 / 4, 0, 1 / 6, 1 / 8])
    np.testing.assert_allclose(result["median"], [0.125, 0.0625, 0.0625, np.nan])


def outcomes_of(broken):
    """Beat by beat the levels at which an attack broke it, of 0.25, 0.5 and 1."""
    levels = (0.25, 0.5, 1.0)
    rows = [("100", sample, eps, eps in found) for sample, found in broken.items() for eps in levels]
    return pd.DataFrame(rows, columns=["record", "sample", "eps", "broken"])


def test_a_bracket_takes_the_smallest_level_of_any_attack():
    first = outcomes_of({0: (1.0,), 1: (0.5, 1.0), 2: (), 3: (0.25, 0.5, 1.0), 4: ()})
    second = outcomes_of({0: (), 1: (1.0,), 2: (0.5,), 3: (0.25, 0.5, 1.0)})
    result = bracket(TABLE, first, second)
    assert result["sample"].tolist() == [0, 1, 2, 3, 4]  # beat 5 was not attacked
    np.testing.assert_array_equal(result["broken"], [1.0, 0.5, 0.5, 0.0, np.nan])
    np.testing.assert_array_equal(result["certified"], [0.5, 0.25, 0.0, 0.0, 0.125])


def test_the_band_lies_between_what_is_proved_and_what_is_broken():
    """Beats 0 to 3 are N: [0.5, 1], [0.25, 0.5], [0, 0.5], misread; beat 4 is V: 0.125, not broken."""
    brackets = bracket(TABLE, outcomes_of({0: (1.0,), 1: (0.5,), 2: (0.5,), 3: (), 4: ()}))
    equal, natural = band(brackets, (0, 0.125, 0.5)), band(brackets, (0, 0.125, 0.5), natural=True)
    np.testing.assert_allclose(equal["proved"], [(3 / 4 + 1) / 2, (2 / 4 + 1) / 2, (1 / 4 + 0) / 2])
    np.testing.assert_allclose(equal["broken"], [(1 / 4 + 0) / 2, (1 / 4 + 0) / 2, (3 / 4 + 0) / 2])
    np.testing.assert_allclose(natural["proved"], [4 / 5, 3 / 5, 1 / 5])
    np.testing.assert_allclose(natural["broken"], [1 / 5, 1 / 5, 3 / 5])
    for result in (equal, natural):
        np.testing.assert_allclose(result[["proved", "undecided", "broken"]].sum(axis=1), 1)
        assert (result["undecided"] >= -1e-12).all()


def test_tables_that_contradict_each_other_are_refused():
    with pytest.raises(UserError, match="1 beats were broken at a level at which they are certified"):
        bracket(TABLE, outcomes_of({0: (0.5,)}))


def test_a_real_attack_leaves_a_bracket_on_every_beat(certified, trained, demo_beats, demo_split):
    rows = first_of_each_class(demo_beats, demo_split.test, 4)
    attacked = attack_beats(trained.network, demo_beats, rows, PGD(steps=20), "pgd", (0.01, 0.05, 0.1, 0.3))
    brackets = bracket(load_certificates(certified / FILE), outcomes(attacked, "pgd"))
    assert len(brackets) == 20
    wrong = brackets["clean"] != brackets["y"]
    assert (brackets["broken"][wrong] == 0).all()
    assert (~(brackets["broken"] <= brackets["certified"]))[~wrong].all()
    result = band(brackets, (0, 0.01, 0.05, 0.1, 0.3))
    assert result["undecided"].iloc[0] == pytest.approx(0)
    assert result["proved"].is_monotonic_decreasing
    assert result["broken"].is_monotonic_increasing


# The command


def test_the_command_keeps_certificates_and_tells_of_them(cli, checkpoint_folder, demo_split):
    status, out, _ = cli("certify", checkpoint_folder, "--per-class", "3", "--json")
    value = json.loads(out)
    assert status == 0
    assert value["beats"] == f"test beats of the split by beat {demo_split.fingerprint}"
    assert (value["kept"], value["method"], value["signal_only"]) == (True, "crown", False)
    assert [row["class"] for row in value["by_class"]] == ["N", "S", "V", "F", "Q", "all", "equal priors"]
    assert value["by_class"][-1]["median"] is None
    assert list(value["by_class"][0]["proved"]) == ["0.001", "0.003", "0.01", "0.03", "0.1"]
    table = load_certificates(checkpoint_folder / FILE)
    everything = value["by_class"][-2]
    assert everything["beats"] == len(table) == 15
    assert everything["proved"]["0.01"] == pytest.approx(float((table["certified"] >= 0.01).mean()))
    status, out, _ = cli("certify", checkpoint_folder, "--per-class", "3")
    assert "proved at 0.01" in out
    assert "noise on all samples" in out
    assert "not broken: only attacks show that" in out


def test_beats_of_another_source_are_shown_and_not_kept(cli, checkpoint_folder):
    card = json.loads((checkpoint_folder / "card.json").read_text())
    card["config"]["source"] = "mitbih"
    (checkpoint_folder / "card.json").write_text(json.dumps(card))
    status, out, _ = cli("certify", checkpoint_folder, "--source", "demo", "--per-class", "2", "--signal-only")
    assert status == 0
    assert "demo beats, not kept" in out
    assert "noise on the signal's samples" in out
    assert not (checkpoint_folder / FILE).exists()
    assert "certificates" not in read_card(checkpoint_folder)["results"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("nowhere",), "holds no checkpoint"),
        (("TRAINED", "--method", "magic"), 'no certificate "magic"'),
        (("TRAINED", "--per-class", "0"), "--per-class"),
        (("TRAINED", "--source", "web"), 'no source "web"'),
        (("TRAINED", "--root", "/nowhere"), "they need no folder"),
    ],
)
def test_what_cannot_be_done_ends_with_one_line_and_status_2(cli, line, message, checkpoint_folder):
    status, out, err = cli("certify", *(str(checkpoint_folder) if part == "TRAINED" else part for part in line))
    assert (status, out) == (2, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_network_that_is_not_described_is_refused_in_words_and_nothing_is_written(
    checkpoint_folder, demo_beats, demo_split, monkeypatch
):
    monkeypatch.setattr(stages, "NETWORKS", {})
    with pytest.raises(UserError, match="no certificate for a MLP"):
        certify(checkpoint_folder, demo_beats, demo_split)
    assert "certificates" not in read_card(checkpoint_folder)["results"]
