"""The shipped checkpoints are whole, meet their bounds, and say how they were made and attacked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toys import mean_absolute_difference

from nsr_core.certificates import CERTIFICATES_FILE, load_certificates, proved_share
from nsr_core.data.beats import CITATION
from nsr_core.data.everyday_noise import NOISE_KINDS
from nsr_core.data.splits import DS2
from nsr_core.evaluation.table import load_table
from nsr_core.methods import PAPER_METHODS
from nsr_core.methods.adversarial import Adversarial
from nsr_core.paper.beta import BETA_FILE, read_search, trials_of
from nsr_core.paper.report import compare
from nsr_core.paper.seeds import SEEDS_FOLDER
from nsr_core.reproduction.beta import BETA_METHODS
from nsr_core.reproduction.plan import LONGER_FOLDER, PAPER_EPOCHS
from nsr_core.training.card import BEATS_FILE, HISTORY_FILE, RESULTS_FILE, list_checkpoints
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.state import STATE_FILE
from nsr_core.verdict import levels as verdict_levels
from nsr_core.verdict.everyday import EVERYDAY_FILE, load_everyday, summarise_everyday
from nsr_core.verdict.levels import VERDICT_FILE
from nsr_core.verdict.masking import load_masking
from nsr_core.verdict.verdict import SIGNAL, WHOLE, read_verdict

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINTS = list_checkpoints(ROOT / "checkpoints")
AS_PUBLISHED = [folder for folder in CHECKPOINTS if folder.name in {f"mlp-{method}" for method in PAPER_METHODS}]
BY_PATIENT = [folder for folder in CHECKPOINTS if folder.name.endswith("-patient")]
MLPS, CNNS = ([folder for folder in CHECKPOINTS if folder.name.startswith(network)] for network in ("mlp-", "cnn-"))
LONGER = list_checkpoints(ROOT / "checkpoints" / LONGER_FOLDER)
OTHER_SEEDS = list_checkpoints(ROOT / "checkpoints" / SEEDS_FOLDER)
PAPER_SEEDS = [
    folder
    for folder in OTHER_SEEDS
    if folder.name.partition("-seed-")[0] in {f"mlp-{method}" for method in PAPER_METHODS}
]
every_mlp = pytest.mark.parametrize("folder", MLPS, ids=lambda folder: folder.name)
every_cnn = pytest.mark.parametrize("folder", CNNS, ids=lambda folder: folder.name)


def test_the_papers_methods_come_on_both_networks_and_more_on_the_mlp():
    methods = (*PAPER_METHODS, "at0.1", "trades0.1", "mtl-ibp0.05", "mtl-ibp0.1")
    by_patient = {f"mlp-{method}-patient" for method in ("ce", "loss2", "adv0.1", "mtl-ibp0.1")}
    assert {folder.name for folder in MLPS} == {f"mlp-{method}" for method in methods} | by_patient
    assert {folder.name for folder in CNNS} == {f"cnn-{method}" for method in PAPER_METHODS}


@every_cnn
def test_a_shipped_cnn_says_how_long_it_was_trained_and_on_what_it_was_attacked(folder):
    """At least 25 epochs, 8 where the training attacks, and clean ACC of 0.88; PGD on 2,162 test beats of all records, SPSA on
    the paper's 810 with a sixteenth of its evaluations."""
    checkpoint = load_checkpoint(folder)
    card = checkpoint.card
    attacks = isinstance(checkpoint.config.make_method(), Adversarial)
    assert card["training"]["epochs"] >= (8 if attacks else 25)
    assert card["split"]["fingerprint"] == "1bb884844f3b"
    assert card["results"]["clean"]["acc"] >= 0.88
    pgd = card["results"]["attacks"]["pgd"]
    assert (pgd["attack"]["steps"], pgd["protocol"]) == (100, "custom")
    assert pgd["beats"] == "up to 500 test beats of each class, evenly spread over the records"
    spsa = card["results"]["attacks"]["spsa"]
    assert (spsa["attack"]["steps"], spsa["attack"]["samples"], spsa["protocol"]) == (100, 128, "custom")
    assert spsa["beats"] == "first 162 test beats of each class"
    table = load_table(folder / BEATS_FILE)
    assert (table["attack"] == "pgd").sum() == 6 * 2162
    assert (table["attack"] == "spsa").sum() == 6 * 810


@every_cnn
def test_a_shipped_cnn_has_a_verdict(folder):
    """Worst case on 1,162 test beats of all records, each of which the published attack met too; nothing is proved."""
    found, card = read_verdict(folder), load_checkpoint(folder).card
    whole = card["results"]["attacks"][WHOLE]
    assert whole["protocol"] == "worst-case"
    assert whole["beats"] == "up to 250 test beats of each class, evenly spread over the records"
    assert len(found.beats) == 1162
    assert found.levels[["published", "worst"]].notna().all(axis=None)
    assert (found.levels["worst"] <= found.levels["published"] + 1e-12).all()
    assert found.levels["proved"].isna().all()
    assert load_masking(folder).weights == load_checkpoint(folder).digest
    assert set(summarise_everyday(load_everyday(folder / EVERYDAY_FILE))["kind"]) == set(NOISE_KINDS)


@every_mlp
def test_a_shipped_checkpoint_has_a_verdict(folder):
    """Worst case and proof of every test beat or of an even part, as where noise is on the signal only; a masking check and everyday
    noise of these weights."""
    found, card = read_verdict(folder), load_checkpoint(folder).card
    attacks = card["results"]["attacks"]
    part = "up to 500 test beats of each class, evenly spread over the records"
    assert {attacks[name]["protocol"] for name in (WHOLE, SIGNAL)} == {"worst-case"}
    # Where nearly all is proved, attacks on a part say how much more there is to find.
    assert attacks[WHOLE]["beats"] == (part if folder.name.startswith("mlp-mtl-ibp") else "full test split")
    # All of them where noise on the signal only breaks many beats that withstood noise on every sample.
    assert attacks[SIGNAL]["beats"] == ("full test split" if folder.name == "mlp-adv0.1" else part)
    assert found.beats["certified"].notna().all()
    assert found.levels.notna().all(axis=None)
    assert (found.levels["worst"] <= found.levels["published"] + 1e-12).all()
    assert (found.levels["proved"] <= found.levels["worst"]).all()
    assert load_masking(folder).weights == load_checkpoint(folder).digest
    assert set(summarise_everyday(load_everyday(folder / EVERYDAY_FILE))["kind"]) == set(NOISE_KINDS)


@pytest.mark.parametrize("folder", CHECKPOINTS, ids=lambda folder: folder.name)
def test_a_shipped_verdict_is_kept_as_the_results_beside_it_give_it(folder, monkeypatch):
    found = read_verdict(folder)
    if found is None:
        assert not (folder / VERDICT_FILE).exists()
        return
    monkeypatch.setattr(verdict_levels, "read_verdict", None)  # it cannot be computed: it must be there
    pd.testing.assert_frame_equal(verdict_levels.read_levels(folder), found.levels.astype(float), check_exact=True)


@pytest.mark.parametrize("method", ["at0.1", "trades0.1"])
def test_the_defences_hold_at_their_noise_level(method):
    """On the first 162 test beats of each class, which the paper gives to SPSA: 0.72 in the worst case, 0.88 without noise."""
    beats = read_verdict(ROOT / "checkpoints" / f"mlp-{method}").beats.sort_values(["record", "sample"])
    first = beats.groupby("y").head(162)
    assert len(first) == 5 * 162
    assert (first["clean"] == first["y"]).mean() >= 0.88
    assert (~(first["broken"] <= 0.1)).mean() >= 0.72


@pytest.mark.parametrize(
    ("name", "clean", "eps", "certified"),
    [
        ("mlp-mtl-ibp0.05", 0.87, 0.05, 0.77),
        ("mlp-mtl-ibp0.1", 0.81, 0.05, 0.78),
        ("mlp-mtl-ibp0.1", 0.81, 0.1, 0.70),
    ],
)
def test_certified_training_is_proved_on_the_whole_test_split(name, clean, eps, certified):
    """At equal priors, by CROWN; no network trained otherwise reaches half of it."""
    tables = {folder.name: load_certificates(folder / CERTIFICATES_FILE) for folder in MLPS if folder not in BY_PATIENT}
    own = tables[name]
    assert len(own) == 21892
    assert proved_share(own, 0.0).mean() >= clean
    assert proved_share(own, eps).mean() >= certified
    others = [proved_share(table, eps).mean() for other, table in tables.items() if not other.startswith("mlp-mtl-ibp")]
    assert max(others) < certified / 2


@pytest.mark.parametrize("folder", BY_PATIENT, ids=lambda folder: folder.name)
def test_no_test_patient_trained_a_checkpoint_by_patient(folder):
    card = load_checkpoint(folder).card
    assert card["split"]["fingerprint"] == "27b9975b4a64"
    assert set(load_table(folder / BEATS_FILE)["record"]) == set(DS2)


@every_mlp
def test_a_shipped_certificate_covers_its_beats_and_no_attack_contradicts_it(folder):
    """None is proved at a level at which any attack broke it; a misread beat is not proved at all."""
    result, attacked = load_certificates(folder / CERTIFICATES_FILE), load_table(folder / BEATS_FILE)
    assert len(result) >= 1500
    broken = attacked[attacked["step"] >= 0].groupby(["record", "sample"])["eps"].min().rename("broken").reset_index()
    both = result.merge(broken, on=["record", "sample"])
    assert len(both) > 100
    assert (both["certified"] < both["broken"]).all()
    assert (result.loc[result["clean"] != result["y"], "certified"] == 0).all()


@pytest.mark.parametrize("folder", AS_PUBLISHED, ids=lambda folder: folder.name)
def test_a_shipped_checkpoint_is_whole_and_meets_its_bounds(folder):
    """50 epochs by the paper's protocol, clean ACC of 0.87 or more, results under PGD and SPSA beside it.

    The mean distance to Tables 1 and 5 is at most 0.06 for loss2 and 0.08 for the others, or the card has a note.
    """
    checkpoint = load_checkpoint(folder)
    card, results = checkpoint.card, checkpoint.card["results"]
    assert all((folder / name).is_file() for name in (HISTORY_FILE, RESULTS_FILE, BEATS_FILE))
    assert (card["protocol"], card["training"]["epochs"]) == ("paper", 50)
    assert card["split"]["fingerprint"] == "1bb884844f3b"
    assert card["data"]["citation"] == CITATION
    assert results["clean"]["acc"] >= 0.87
    published = {name: entry for name, entry in results["robust"].items() if not name.startswith(WHOLE)}
    assert set(published) == {"pgd20", "pgd100", "spsa"}
    assert {entry["protocol"] for entry in published.values()} == {"paper"}
    distance = mean_absolute_difference(compare([folder]))
    bound = 0.06 if checkpoint.config.method == "loss2" else 0.08
    assert max(distance["1"], distance["5"]) <= bound or card["notes"]


def test_methods_are_shipped_from_three_seeds():
    expected = {
        f"mlp-{method}-seed-{seed}"
        for method in ("ce", "loss2", "adv0.1", "mtl-ibp0.05", "mtl-ibp0.1")
        for seed in (1, 2)
    }
    assert {folder.name for folder in OTHER_SEEDS} == expected


@pytest.mark.parametrize("folder", OTHER_SEEDS, ids=lambda folder: folder.name)
def test_a_checkpoint_of_another_seed_differs_from_the_first_in_the_seed_alone(folder):
    """And in the weights."""
    name, _, seed = folder.name.partition("-seed-")
    checkpoint, first = load_checkpoint(folder), load_checkpoint(ROOT / "checkpoints" / name)
    assert checkpoint.config == replace(first.config, seed=int(seed))
    assert checkpoint.card["split"]["fingerprint"] == first.card["split"]["fingerprint"]
    assert checkpoint.digest != first.digest


@pytest.mark.parametrize("folder", PAPER_SEEDS, ids=lambda folder: folder.name)
def test_another_seed_of_a_published_method_was_attacked_as_published(folder):
    """By the paper's protocol; clean ACC of 0.87 or more."""
    results = load_checkpoint(folder).card["results"]
    assert results["clean"]["acc"] >= 0.87
    assert {name: entry["protocol"] for name, entry in results["robust"].items()} == dict.fromkeys(
        ("pgd20", "pgd100", "spsa"), "paper"
    )
    assert (load_table(folder / BEATS_FILE)["attack"] == "pgd").sum() == 6 * 21892


@pytest.mark.parametrize(
    ("method", "eps", "proved", "clean"), [("mtl-ibp0.05", 0.05, 0.76, 0.87), ("mtl-ibp0.1", 0.1, 0.69, 0.80)]
)
def test_every_seed_of_a_certified_training_proves_nearly_as_much(method, eps, proved, clean):
    """On the beats of the other seeds' certificates: up to 500 test beats of each class, evenly spread over the records."""
    others = [
        load_certificates(ROOT / "checkpoints" / SEEDS_FOLDER / f"mlp-{method}-seed-{seed}" / CERTIFICATES_FILE)
        for seed in (1, 2)
    ]
    assert [len(table) for table in others] == [2162, 2162]
    beats = pd.MultiIndex.from_frame(others[0][["record", "sample"]])
    whole = load_certificates(ROOT / "checkpoints" / f"mlp-{method}" / CERTIFICATES_FILE).set_index(
        ["record", "sample"]
    )
    for table in (*others, whole.loc[beats]):
        assert np.nanmean(proved_share(table, eps)) >= proved
        assert np.nanmean(proved_share(table, 0.0)) >= clean


def test_the_shipped_sweep_has_five_values_and_the_papers_among_them():
    """Of each method whose loss has a β, on the MLP, on validation beats of the split by beat."""
    search = read_search(ROOT / "checkpoints" / BETA_FILE)
    assert search["protocol"]["split"]["fingerprint"] == "1bb884844f3b"
    assert "validation beats" in search["protocol"]["beats"]
    trials = trials_of(search)
    assert set(trials["method"]) == set(BETA_METHODS)
    for _, own in trials.groupby("method"):
        assert len(own) >= 5
        assert own["is_paper"].sum() == 1
        assert own.loc[own["is_best"], "score"].tolist() == [own["score"].max()]
        assert own["beta"].min() < own.loc[own["is_best"], "beta"].iloc[0] < own["beta"].max()


@pytest.mark.parametrize("folder", LONGER, ids=lambda folder: folder.name)
def test_a_longer_training_is_the_papers_or_can_go_on(folder):
    checkpoint = load_checkpoint(folder)
    assert (
        checkpoint.card["split"]["fingerprint"]
        == load_checkpoint(ROOT / "checkpoints" / folder.name).card["split"]["fingerprint"]
    )
    assert len(pd.read_csv(folder / HISTORY_FILE)) == checkpoint.config.epochs
    if checkpoint.config.epochs == PAPER_EPOCHS:
        assert checkpoint.config.protocol == "paper"
        clean = checkpoint.card["results"]["clean"]
        assert clean["beats"] == checkpoint.card["split"]["test"]
        assert clean["acc"] >= 0.88
        assert checkpoint.card["results"]["robust"]["pgd100"]["protocol"] == "paper"
    else:
        assert checkpoint.config.can_be_lengthened
        assert (folder / STATE_FILE).exists()


def test_every_method_of_the_paper_has_a_longer_training_of_the_cnn():
    assert {load_checkpoint(folder).config.method for folder in LONGER} == set(PAPER_METHODS)


def test_after_fifty_epochs_100_pgd_leaves_what_the_paper_has_except_from_mse_margin():
    """Mean absolute difference of each level alone to Table 7."""
    finished = [folder for folder in LONGER if load_checkpoint(folder).config.epochs == PAPER_EPOCHS]
    apart = {
        load_checkpoint(folder).config.method: compare([folder]).query("table == 7")["difference"].abs().mean()
        for folder in finished
    }
    assert {method for method, distance in apart.items() if distance > 0.08} == {"mseMargin"}
