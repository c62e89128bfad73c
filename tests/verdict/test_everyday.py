"""Everyday noise on a checkpoint: the file, the card, going on, what is refused, the summary, and eps in dB."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from toys import random_linear

from nsr_core.cli.noise import parse_snr
from nsr_core.data import make_split
from nsr_core.data.everyday_noise import NOISE_KINDS, add_noise, beat_noise, scale_again, snr_of_eps
from nsr_core.data.splits import first_of_each_class
from nsr_core.errors import UserError
from nsr_core.training.card import read_card
from nsr_core.verdict import everyday
from nsr_core.verdict.everyday import (
    COLUMN_TYPES,
    eps_in_db,
    everyday_table,
    load_everyday,
    read_under_noise,
    summarise_everyday,
)

pytestmark = pytest.mark.slow

FILE = "everyday.parquet"
FEW = {"kinds": ("muscle", "wander"), "snr_db": (12.0, 0.0), "draws": 2, "per_class": 4, "spread": False}


class Stop(Exception):
    pass


def entry_of(folder):
    return read_card(folder)["results"]["everyday"]


@pytest.fixture(scope="module")
def noised(trained_folder, demo_beats, demo_split, tmp_path_factory):
    """A folder with four beats of each class read under noise. Not to be written to."""
    folder = shutil.copytree(trained_folder, tmp_path_factory.mktemp("noised") / "mlp-mseMargin")
    read_under_noise(folder, demo_beats, demo_split, **FEW)
    return folder


@pytest.fixture
def made(monkeypatch):
    """The number of beats for which noise was really made, call by call."""
    calls = []

    def watched(kind, length, rows, **chance):
        calls.append((kind, len(rows)))
        return beat_noise(kind, length, rows, **chance)

    monkeypatch.setattr(everyday, "beat_noise", watched)
    return calls


# The file and the card


def test_the_table_holds_what_the_network_says(noised, trained, demo_beats, demo_split):
    table = load_everyday(noised / FILE)
    assert len(table) == 2 * 2 * 20
    rows = first_of_each_class(demo_beats, demo_split.test, 4)
    x, length, y = demo_beats.x[rows], demo_beats.length[rows], demo_beats.y[rows]
    for (kind, level), part in table.groupby(["kind", "snr_db"]):
        own = part.set_index("sample").loc[demo_beats.sample[rows]]
        wrong, change = [], []
        for draw in range(2):
            noise = beat_noise(kind, length, rows, seed=0, draw=draw)
            noisy = scale_again(add_noise(x, length, noise, level), x, length)
            with torch.no_grad():
                wrong.append(trained.network(torch.from_numpy(noisy)).argmax(1).numpy() != y)
            change.append(np.abs(noisy - x).max(1))
        np.testing.assert_allclose(own["misread"], np.mean(wrong, axis=0))
        np.testing.assert_allclose(own["eps_equivalent"], np.mean(change, axis=0), rtol=1e-6)
        np.testing.assert_array_equal(own["y"], y)
        with torch.no_grad():
            np.testing.assert_array_equal(own["clean"], trained.network(torch.from_numpy(x)).argmax(1))


def test_the_card_says_how_and_keeps_the_rest(noised, trained_folder, demo_split):
    entry = entry_of(noised)
    assert (entry["draws"], entry["seed"], entry["split"]) == (2, 0, demo_split.fingerprint)
    assert entry["beats"] == {"wander": {"12": 20, "0": 20}, "muscle": {"12": 20, "0": 20}}
    assert entry["synthesis"] >= 1
    assert entry["seconds"] >= 0
    assert entry["machine"]["device"] == "cpu"
    before, after = read_card(trained_folder), read_card(noised)
    assert {**after, "results": None} == {**before, "results": None}
    assert after["results"].keys() - before["results"].keys() == {"everyday"}


def test_what_is_there_is_not_made_again_and_more_is_added(noised, tmp_path, demo_beats, demo_split, made):
    folder = shutil.copytree(noised, tmp_path / "again")
    first = read_under_noise(folder, demo_beats, demo_split, **FEW)
    assert made == []
    assert entry_of(folder) == entry_of(noised)
    more = read_under_noise(folder, demo_beats, demo_split, **FEW | {"per_class": 6})
    assert made == [("muscle", 10)] * 2 + [("wander", 10)] * 2
    assert len(more) == 2 * 2 * 30
    made.clear()
    loud = read_under_noise(folder, demo_beats, demo_split, **FEW | {"kinds": ["muscle"], "snr_db": [-6]})
    assert made == [("muscle", 20)] * 2
    assert len(loud) == 20
    assert entry_of(folder)["beats"]["muscle"] == {"12": 30, "0": 30, "-6": 20}
    pd.testing.assert_frame_equal(read_under_noise(folder, demo_beats, demo_split, **FEW), first)
    assert len(load_everyday(folder / FILE)) == 2 * 2 * 30 + 20


def test_interrupted_it_goes_on_to_the_same_table(noised, checkpoint_folder, demo_beats, demo_split, monkeypatch):
    monkeypatch.setattr(everyday, "KEPT_EVERY", 8)
    result = []

    def dying(done, total, what):
        result.append((done, total))
        if done >= 28:
            raise Stop

    with pytest.raises(Stop):
        read_under_noise(checkpoint_folder, demo_beats, demo_split, **FEW, progress=dying)
    assert result == [(8, 40), (16, 40), (20, 40), (28, 40)]
    assert entry_of(checkpoint_folder)["beats"] == {"muscle": {"12": 20, "0": 20}}
    result.clear()
    read_under_noise(checkpoint_folder, demo_beats, demo_split, **FEW, progress=lambda *now: result.append(now[:2]))
    assert result == [(28, 40), (36, 40), (40, 40)]
    pd.testing.assert_frame_equal(load_everyday(checkpoint_folder / FILE), load_everyday(noised / FILE))


@pytest.mark.parametrize("changed", [{"draws": 3}, {"seed": 1}])
def test_other_settings_replace_the_old_ones_only_on_request(changed, noised, tmp_path, demo_beats, demo_split):
    folder = shutil.copytree(noised, tmp_path / "other")
    with pytest.raises(UserError, match=rf"other settings \({next(iter(changed))}\).*or replace them"):
        read_under_noise(folder, demo_beats, demo_split, **FEW | changed)
    assert (folder / FILE).read_bytes() == (noised / FILE).read_bytes()

    def stop(done, total, what):
        raise Stop

    other = FEW | changed | {"kinds": ["wander"]}
    with pytest.raises(Stop):
        read_under_noise(folder, demo_beats, demo_split, **other, replace_results=True, progress=stop)
    assert not (folder / FILE).exists()
    read_under_noise(folder, demo_beats, demo_split, **other)
    assert entry_of(folder)["beats"] == {"wander": {"12": 20, "0": 20}}


def test_rows_that_the_card_does_not_know_are_never_taken_over(
    noised, trained_folder, tmp_path, demo_beats, demo_split, made
):
    """Trained again in the same folder, the card is new and the table of the old weights still lies there."""
    folder = shutil.copytree(noised, tmp_path / "again")
    shutil.copy(trained_folder / "card.json", folder)
    read_under_noise(folder, demo_beats, demo_split, **FEW)
    assert [count for _, count in made] == [20] * 4


def test_another_split_is_refused(checkpoint_folder, demo_beats, demo_split):
    other = make_split(demo_beats, "beat", 1)
    with pytest.raises(UserError, match=f"{demo_split.fingerprint}.*{other.fingerprint}.*could have trained"):
        read_under_noise(checkpoint_folder, demo_beats, other)
    assert not (checkpoint_folder / FILE).exists()
    assert "everyday" not in read_card(checkpoint_folder)["results"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kinds": ("thunder",)}, "thunder"),
        ({"kinds": ()}, "at least one kind"),
        ({"snr_db": (np.inf,)}, "finite"),
        ({"draws": 0}, "give 1 to 10,000 draws"),
        ({"seed": -1}, "seed of 0 or more"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    wrong, message, checkpoint_folder, demo_beats, demo_split
):
    with pytest.raises(UserError, match=message):
        read_under_noise(checkpoint_folder, demo_beats, demo_split, **FEW | wrong)
    assert "everyday" not in read_card(checkpoint_folder)["results"]


def test_a_damaged_missing_or_foreign_table_is_named(tmp_path):
    with pytest.raises(UserError, match="nothing was read under everyday noise yet"):
        load_everyday(tmp_path / FILE)
    (tmp_path / FILE).write_bytes(b"no table")
    with pytest.raises(UserError, match="cannot be read"):
        load_everyday(tmp_path / FILE)
    pd.DataFrame({"record": ["100"]}).to_parquet(tmp_path / FILE)
    with pytest.raises(UserError, match="lacks the columns sample, y, clean, kind"):
        load_everyday(tmp_path / FILE)


# What follows from it


def test_the_same_table_whatever_the_batches(trained, demo_beats, demo_split, monkeypatch):
    rows = demo_split.test[:30]
    result = everyday_table(trained.network, demo_beats, rows, kinds=("motion",), draws=2)
    monkeypatch.setattr(everyday, "BATCH", 7)
    mixed = np.random.default_rng(0).permutation(rows)
    pd.testing.assert_frame_equal(
        everyday_table(trained.network, demo_beats, mixed, kinds=("motion",), draws=2), result
    )


@pytest.mark.parametrize("kind", NOISE_KINDS)
def test_a_trained_network_reads_worse_as_noise_grows(kind, trained, demo_beats, demo_split):
    table = everyday_table(trained.network, demo_beats, demo_split.test, kinds=(kind,), snr_db=(30, 6, -6), draws=1)
    result = summarise_everyday(table).set_index("snr_db")
    assert result.index.tolist() == [np.inf, 30, 6, -6]
    assert result["acc"].iloc[1] == pytest.approx(result["acc"].iloc[0], abs=0.03)
    assert result["acc"].iloc[1] > result["acc"].iloc[3] + 0.1
    assert (result["acc"].diff().dropna() < 0.03).all()
    assert result["eps_equivalent"].is_monotonic_increasing
    assert ((result["low"] <= result["acc"]) & (result["acc"] <= result["high"])).all()


def table_of(y, clean, misread, snr_db, kind="wander"):
    count = len(y)
    columns = {
        "record": ["100"] * count,
        "sample": range(count),
        "y": y,
        "clean": clean,
        "kind": kind,
        "snr_db": snr_db,
    }
    return pd.DataFrame(columns | {"misread": misread, "eps_equivalent": [0.1] * count}).astype(COLUMN_TYPES)


def test_the_summary_weighs_classes_equally_and_draws_by_their_share():
    """N: 4 beats with 0, 0, 1/2 and 1 of the draws misread; V: 2 beats with 1/2 and 0. Clean: 3 of 4, and 1 of 2."""
    table = table_of([0, 0, 0, 0, 2, 2], [0, 0, 0, 2, 2, 0], [0, 0, 0.5, 1, 0.5, 0], 6.0)
    clean, noisy = summarise_everyday(table).to_dict("records")
    assert (clean["snr_db"], noisy["snr_db"]) == (np.inf, 6)
    assert (clean["acc"], clean["acc_natural"]) == (pytest.approx(5 / 8), pytest.approx(4 / 6))
    assert noisy["acc"] == pytest.approx((2.5 / 4 + 1.5 / 2) / 2)
    assert noisy["acc_natural"] == pytest.approx(4 / 6)
    assert (noisy["recall_N"], noisy["recall_V"]) == (pytest.approx(2.5 / 4), pytest.approx(1.5 / 2))
    assert np.isnan(noisy["recall_S"])
    assert (clean["eps_equivalent"], noisy["eps_equivalent"]) == (0, pytest.approx(0.1))
    assert noisy["beats"] == 6


def test_the_interval_is_that_of_resampled_beats():
    """400 beats of one class, half of them always misread: the mean has a standard deviation of 0.025."""
    result = summarise_everyday(table_of([1] * 400, [1] * 400, [0, 1] * 200, 0.0)).iloc[1]
    assert result["low"] == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert result["high"] == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_noise_may_mend_a_reading(demo_beats):
    """A network that has nothing to lose: some beats misread without noise are read rightly with it."""
    network = random_linear(dtype=torch.float32)
    table = everyday_table(network, demo_beats, np.arange(60), kinds=("motion",), snr_db=(0,), draws=3)
    wrong = table["clean"] != table["y"]
    assert (table.loc[wrong, "misread"] < 1).any()


# Eps in dB


def test_eps_in_db_is_the_ratio_of_noise_of_that_size_and_no_noise_within_eps_has_less(demo_beats):
    rows, eps = np.arange(40), 0.1
    x, length = demo_beats.x[rows].astype(np.float64), demo_beats.length[rows]
    result = snr_of_eps(demo_beats.x[rows], length, eps)
    rng = np.random.default_rng(0)
    for beat, count, least in zip(x, length, result, strict=True):
        signs = np.where(np.arange(count) % 2, 1.0, -1.0)[: count - count % 2]
        power = np.var(beat[:count])
        assert 10 * np.log10(power / np.var(eps * signs)) == pytest.approx(least, abs=1e-6)
        assert 10 * np.log10(power / np.var(rng.uniform(-eps, eps, count))) > least
    table = eps_in_db(demo_beats, rows, (0, 0.01, eps))
    assert table["eps"].tolist() == [0, 0.01, 0.1]
    assert table["snr_db"].iloc[0] == np.inf
    assert table["snr_db"].iloc[1] == pytest.approx(table["snr_db"].iloc[2] + 20)
    assert table["snr_db"].iloc[2] == pytest.approx(np.median(result))
    assert (table["low"].iloc[2], table["high"].iloc[2]) == pytest.approx(tuple(np.quantile(result, (0.25, 0.75))))


# The command


def test_the_command_keeps_what_was_read_and_tells_of_it(cli, checkpoint_folder, demo_split):
    asked = ("--kinds", "mains50, wander", "--snr", "0,12", "--draws", "2", "--per-class", "3")
    status, out, _ = cli("noise", checkpoint_folder, *asked, "--json")
    value = json.loads(out)
    assert status == 0
    assert value["beats"] == f"15 test beats of the split by beat {demo_split.fingerprint}"
    assert (value["kept"], value["draws"], value["seed"]) == (True, 2, 0)
    assert [(row["kind"], row["snr_db"]) for row in value["by_noise"]] == [
        (kind, level) for kind in ("wander", "mains50") for level in (None, 12, 0)
    ]
    assert value["same_power_eps"]["0"] == pytest.approx(value["same_power_eps"]["12"] * 10**0.6, rel=0.01)
    assert len(load_everyday(checkpoint_folder / FILE)) == 2 * 2 * 15
    status, out, _ = cli("noise", checkpoint_folder, *asked)
    assert status == 0
    header, first, *_ = out.splitlines()
    assert header.split() == ["ACC", "no", "noise", "12", "dB", "0", "dB"]
    assert first.startswith("wander")
    assert "eps of the same power" in out
    assert "synthetic noise, 2 draws, seed 0" in out


def test_on_other_beats_it_is_told_and_not_kept(cli, checkpoint_folder, monkeypatch, demo_beats, tmp_path):
    before = (checkpoint_folder / "card.json").read_bytes()
    monkeypatch.setattr("nsr_core.cli.noise.load_beats", lambda source, root, meter: demo_beats)
    asked = ("--source", "kaggle", "--kinds", "wander", "--snr=-3", "--draws", "1", "--per-class", "2", "--json")
    value = json.loads(cli("noise", checkpoint_folder, *asked)[1])
    assert not value["kept"]
    assert value["beats"].startswith("10 ")
    assert not (checkpoint_folder / FILE).exists()
    assert (checkpoint_folder / "card.json").read_bytes() == before


def test_ratios_are_read():
    assert parse_snr("0, 12,-3,12") == (12, 0, -3)
    for wrong in ("loud", "", "nan", "inf,3"):
        with pytest.raises(UserError, match="--snr"):
            parse_snr(wrong)
