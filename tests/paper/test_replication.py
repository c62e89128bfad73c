"""The paper beside the shipped checkpoints: every value, every departure, every claim."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nsr_core.paper.claims import CLAIMS, CURVE_FIGURES, Claim, check_claim
from nsr_core.paper.published import paper_tables
from nsr_core.paper.replication import (
    Replication,
    outside_aim,
    provenance,
    published_and_ours,
    table_distances,
    table_number,
)
from nsr_core.training.card import RESULTS_FILE, list_checkpoints
from nsr_core.training.checkpoint import load_checkpoint

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"


def replication_of(name: str) -> Replication:
    return Replication.of(load_checkpoint(CHECKPOINTS / name), pd.read_csv(CHECKPOINTS / name / RESULTS_FILE))


@pytest.fixture(scope="module")
def replications() -> list[Replication]:
    return [replication_of(folder.name) for folder in list_checkpoints(CHECKPOINTS)]


@pytest.fixture(scope="module")
def rows(replications) -> pd.DataFrame:
    return published_and_ours(replications)


@pytest.fixture
def loss2() -> Replication:
    """A replication whose card may be changed."""
    replication = replication_of("mlp-loss2")
    return replace(replication, card=copy.deepcopy(replication.card))


def of(rows: pd.DataFrame, table: int, method: str) -> pd.DataFrame:
    return rows[(rows["table"] == table) & (rows["method"] == method)]


def test_every_published_value_is_there_in_the_papers_order(rows):
    published = paper_tables()
    assert len(rows) == 756
    for column in ("table", "metric", "network", "attack", "method", "eps"):
        assert rows[column].tolist() == published[column].tolist()
    np.testing.assert_array_equal(rows["paper"], published["value"])


def test_ours_is_each_noise_level_alone(rows):
    summary = pd.read_csv(CHECKPOINTS / "mlp-adv0.1" / RESULTS_FILE)
    for table, attack, column in ((1, "pgd20", "acc_alone"), (6, "pgd100", "prec_alone"), (9, "spsa", "acc_alone")):
        ours = of(rows, table, "adv0.1")
        expected = summary[summary["attack"] == attack]
        np.testing.assert_array_equal(ours["ours"], expected[column])
        np.testing.assert_array_equal(ours["beats"], expected["beats"])
    np.testing.assert_allclose(rows["difference"], rows["ours"] - rows["paper"])


def test_mean_distances_are_those_on_the_cards(replications, rows):
    found = table_distances(rows).set_index(["table", "method"])["distance"]
    for replication in replications:
        on_card = replication.card["results"].get("mean_absolute_difference_to_paper_table", {})
        for table, expected in on_card.items():
            assert round(found[int(table), replication.config.method], 4) == expected


def test_an_interval_is_given_only_where_it_is_of_the_same_number(rows):
    """The summary's interval is of the numbers that mend, so it is ours only where no beat was mended, and of ACC."""
    known = rows[rows["low"].notna()]
    assert len(known)
    assert set(known["metric"]) == {"acc"}
    assert (known["mended"] == 0).all()
    assert ((known["low"] <= known["ours"]) & (known["ours"] <= known["high"])).all()
    assert rows[(rows["metric"] == "acc") & (rows["mended"] == 0)]["low"].notna().all()


def test_what_is_missing_says_why():
    rows = published_and_ours([replication_of("mlp-ce"), replace(replication_of("mlp-mse"), summary=None)])
    assert set(of(rows, 5, "ce")["missing"]) == {""}
    assert set(of(rows, 5, "mse")["missing"]) == {"mlp-mse is not evaluated yet"}
    assert set(of(rows, 5, "loss2")["missing"]) == {"no checkpoint yet"}
    assert of(rows, 5, "loss2")["ours"].isna().all()
    ce = replication_of("mlp-ce")
    without = replace(ce, summary=ce.summary[ce.summary["attack"] != "spsa"])
    assert set(of(published_and_ours([without]), 9, "ce")["missing"]) == {"mlp-ce is not evaluated under spsa yet"}
    fewer = replace(ce, summary=ce.summary[ce.summary["eps"] != 0.3])
    assert (
        of(published_and_ours([fewer]), 5, "ce")["missing"].tolist()[-1]
        == "mlp-ce is not evaluated at this noise level"
    )
    assert table_distances(published_and_ours([fewer])).iloc[0]["levels"] == 6


def test_without_any_checkpoint_all_is_missing():
    rows = published_and_ours([])
    assert set(rows["missing"]) == {"no checkpoint yet"}
    assert table_distances(rows)["distance"].isna().all()
    assert provenance(rows)["methods"] == []
    assert {check_claim(claim, rows).outcome for claim in CLAIMS} == {"open"}


def test_shorter_training_is_shown_as_custom_and_says_how(loss2):
    short = replace(loss2, config=replace(loss2.config, epochs=30))
    short.card["training"]["epochs"] = 30
    short.card["notes"] = ["Fewer epochs, for want of time."]
    rows = of(published_and_ours([short]), 5, "loss2")
    assert rows["ours"].notna().all()
    assert set(rows["protocol"]) == {"custom"}
    assert set(rows["departures"]) == {"epochs 30 instead of 50"}
    assert set(rows["epochs"]) == {30}
    assert set(rows["note"]) == {"Fewer epochs, for want of time."}


def test_a_run_that_stopped_early_is_not_the_papers(loss2):
    loss2.card["training"]["epochs"] = 12
    rows = of(published_and_ours([loss2]), 5, "loss2")
    assert set(rows["protocol"]) == {"custom"}
    assert set(rows["departures"]) == {"epochs 12 instead of 50"}


def test_another_setting_of_the_method_is_named(loss2):
    other = replace(loss2, config=replace(loss2.config, method_settings={"beta": 0.3}))
    assert other.training_departures == ("beta 0.3 instead of 0.5",)


def test_fewer_beats_are_shown_as_custom_for_that_attack_alone(loss2):
    run = loss2.card["results"]["attacks"]["pgd"]
    run |= {"beats": "first 100 test beats of each class", "protocol": "custom"}
    for name in ("pgd20", "pgd100"):
        loss2.card["results"]["robust"][name]["protocol"] = "custom"
    rows = published_and_ours([loss2])
    assert set(of(rows, 5, "loss2")["protocol"]) == {"custom"}
    assert set(of(rows, 5, "loss2")["departures"]) == {
        "first 100 test beats of each class instead of the full test split"
    }
    assert set(of(rows, 9, "loss2")["protocol"]) == {"paper"}
    assert set(of(rows, 9, "loss2")["departures"]) == {""}


def test_other_attack_settings_are_named(loss2):
    run = loss2.card["results"]["attacks"]["pgd"]
    run["attack"]["steps"] = 40
    run |= {"signal_only": True, "eps": [0.01, 0.1]}
    assert loss2.attack_departures("pgd100") == (
        "steps 40 instead of 100",
        "noise on the signal samples only",
        "not attacked at 0.03, 0.05, 0.2, 0.3",
    )


def test_the_papers_protocol_goes_before_a_custom_run_of_the_same_method(loss2):
    custom = replace(loss2, name="a-first-by-name", config=replace(loss2.config, epochs=5))
    assert set(of(published_and_ours([custom, loss2]), 5, "loss2")["checkpoint"]) == {"mlp-loss2"}


def test_provenance_names_every_checkpoint(rows):
    facts = provenance(rows[(rows["table"] == 5)])
    assert facts["methods"] == list(dict.fromkeys(paper_tables()["method"]))
    assert facts["split"] == ["1bb884844f3b"]
    assert (facts["beats"], facts["epochs"], facts["protocol"]) == ([21892], [50], ["paper"])
    assert facts["checkpoints"]["mlp-ce"] == load_checkpoint(CHECKPOINTS / "mlp-ce").digest
    json.dumps(facts)


def test_what_is_outside_the_aim_has_a_note(replications, rows):
    noted = {replication.config.method for replication in replications if replication.note}
    far = outside_aim(rows)
    assert set(far["method"]) <= noted
    assert (far["distance"] > 0.06).all()


@pytest.mark.parametrize(
    ("network", "attack", "metric", "number"),
    [("mlp", "pgd20", "acc", 1), ("mlp", "pgd100", "prec", 6), ("cnn", "spsa", "prec", 12)],
)
def test_table_numbers(network, attack, metric, number):
    assert table_number(network, attack, metric) == number


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.figure}-{claim.metric}-{claim.method}")
def test_the_papers_claims_hold_in_its_own_tables(claim, rows):
    """All but one: SPSA without gradients leaves loss2 less than 100-PGD does, in the published tables too."""
    verdict = check_claim(claim, rows)
    held = [level.holds for level in verdict.paper]
    assert len(held) == len(claim.eps)
    assert not any(held) if claim.than_attack else all(held)
    assert claim.figure in CURVE_FIGURES


def test_a_claim_is_judged_by_our_values(rows):
    """Table 5 at 0.1: loss2 0.736 against adv0.1 0.58; once adv0.1 is set to 0.9 there, the claim fails just there."""
    claim = Claim(1, "acc", "loss2", (), (0.1, 0.2))
    verdict = check_claim(claim, rows)
    assert verdict.outcome == "holds"
    assert verdict.protocol == "paper"
    cell = (rows["table"] == 5) & (rows["method"] == "adv0.1") & (rows["eps"] == 0.1)
    changed = rows.assign(ours=rows["ours"].mask(cell, 0.9))
    verdict = check_claim(claim, changed)
    assert verdict.outcome == "partly"
    assert (verdict.decisive.eps, verdict.decisive.rival, verdict.decisive.rival_value) == (0.1, "adv0.1", 0.9)
    gone = rows.assign(ours=rows["ours"].mask(cell))
    assert check_claim(claim, gone).outcome == "open"
    assert check_claim(claim, gone).missing == ("adv0.1",)


def test_a_claim_with_a_custom_value_says_so(rows):
    changed = rows.assign(protocol=rows["protocol"].mask(rows["method"] == "jacob", "custom"))
    assert check_claim(Claim(6, "acc", "loss2", ("jacob",), (0.1,)), changed).protocol == "custom"
    assert check_claim(Claim(6, "acc", "loss2", ("adv0.1",), (0.1,)), changed).protocol == "paper"


@pytest.mark.parametrize(
    ("eps", "words"),
    [
        ((0.1,), "0.1"),
        ((0.1, 0.2), "0.1 and 0.2"),
        ((0.03, 0.05, 0.1), "0.03 to 0.1"),
        ((0.01, 0.05, 0.3), "0.01, 0.05 and 0.3"),
    ],
)
def test_noise_levels_in_words(eps, words):
    assert Claim(1, "acc", "loss2", (), eps).text == f"loss2 has the best ACC at {words}"
