"""Evaluating a checkpoint: the files, going on after an interruption, and what is refused."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import toys

from nsr_core.attacks import FGSM, PGD, SPSA, RandomNoise, WorstCase
from nsr_core.certificates import certify
from nsr_core.data import make_split
from nsr_core.errors import UserError
from nsr_core.evaluation import evaluate as module
from nsr_core.evaluation.assignment import PAPER_EPS, PAPER_PLAN, Assignment, assignment, plan_of, protocol_of
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.evaluation.robustness import attack_beats
from nsr_core.evaluation.table import load_table
from nsr_core.training.checkpoint import load_checkpoint

pytestmark = pytest.mark.slow

PLAN = {
    "pgd": Assignment(PGD(steps=25), per_class=12, eps_grid=(0.01, 0.05)),
    "spsa": Assignment(SPSA(steps=2, samples=32), per_class=4, eps_grid=(0.05, 0.1), carry=True),
}


class Stop(Exception):
    pass


@pytest.fixture(scope="module")
def evaluated(trained_folder, demo_beats, demo_split, tmp_path_factory):
    """A folder evaluated without interruption. Not to be written to."""
    folder = shutil.copytree(trained_folder, tmp_path_factory.mktemp("evaluated") / "mlp-mseMargin")
    evaluate(folder, demo_beats, demo_split, PLAN)
    return folder


def files(folder):
    return (folder / "robustness.csv").read_bytes(), load_table(folder / "robustness.parquet")


def assert_same_results(folder, other):
    (left_csv, left), (right_csv, right) = files(folder), files(other)
    pd.testing.assert_frame_equal(left, right)
    assert left_csv == right_csv


def test_table_summary_and_card_agree(evaluated, demo_beats, demo_split):
    table = load_table(evaluated / "robustness.parquet")
    assert table.groupby(["attack", "eps"]).size().to_dict() == {
        ("pgd", 0.01): 60,
        ("pgd", 0.05): 60,
        ("spsa", 0.05): 20,
        ("spsa", 0.1): 20,
    }
    test_names = set(demo_beats.sample[demo_split.test].tolist())
    assert set(table["sample"]) <= test_names
    summary = pd.read_csv(evaluated / "robustness.csv")
    assert summary["attack"].tolist() == ["pgd20"] * 3 + ["pgd100"] * 3 + ["spsa"] * 3
    card = json.loads((evaluated / "card.json").read_text())
    for attack, group in summary.groupby("attack"):
        assert card["results"]["robust"][attack]["acc"] == group["acc"].tolist()
        assert card["results"]["robust"][attack]["eps"] == group["eps"].tolist()
    network = load_checkpoint(evaluated).network
    x, y = demo_beats.x[demo_split.test], demo_beats.y[demo_split.test]
    right = toys.predicted(network, torch.from_numpy(x)).numpy() == y
    clean = card["results"]["clean"]
    assert clean["acc"] == pytest.approx(np.mean([right[y == label].mean() for label in range(5)]), abs=1e-5)
    assert clean["acc_natural"] == pytest.approx(right.mean(), abs=1e-5)
    assert clean["beats"] == len(demo_split.test)
    noted = card["results"]["attacks"]
    assert noted["pgd"]["attack"] == {
        "name": "pgd",
        "steps": 25,
        "step_size": 0.01,
        "move": "adamax",
        "random_start": True,
    }
    assert noted["spsa"]["carry"] is True
    assert noted["spsa"]["beats"] == "first 4 test beats of each class"
    assert all({"seconds", "machine", "seed", "eps", "signal_only"} <= note.keys() for note in noted.values())


def test_evaluating_leaves_the_weights_and_the_rest_of_the_card(evaluated, trained_folder):
    assert (evaluated / "model.safetensors").read_bytes() == (trained_folder / "model.safetensors").read_bytes()
    before, after = (json.loads((at / "card.json").read_text()) for at in (trained_folder, evaluated))
    assert {key: after[key] for key in before if key != "results"} == {
        k: v for k, v in before.items() if k != "results"
    }


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_interrupted_after_any_level_it_goes_on_to_the_same_table(
    level, evaluated, checkpoint_folder, demo_beats, demo_split, monkeypatch
):
    saved, original = [], module.save_table

    def dying(table, path):
        original(table, path)
        saved.append(path)
        if len(saved) == level:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(module, "save_table", dying)
        with pytest.raises(Stop):
            evaluate(checkpoint_folder, demo_beats, demo_split, PLAN)
        evaluate(checkpoint_folder, demo_beats, demo_split, PLAN)
    assert len(saved) == 4
    assert_same_results(checkpoint_folder, evaluated)


def test_interrupted_within_a_level_it_goes_on_to_the_same_table(evaluated, checkpoint_folder, demo_beats, demo_split):
    calls = []

    def dying(done, total, what):
        calls.append(what)
        if len(calls) == 2:
            raise Stop

    with pytest.raises(Stop):
        evaluate(checkpoint_folder, demo_beats, demo_split, PLAN, progress=dying)
    evaluate(checkpoint_folder, demo_beats, demo_split, PLAN)
    assert_same_results(checkpoint_folder, evaluated)


@pytest.fixture
def attacked(monkeypatch):
    """The (attack, eps) levels that were really attacked, as they come."""
    levels = []

    def watched(network, beats, rows, name, assignment, *, done, on_level, **how):
        before = set() if done is None else set(done["eps"])

        def keep(table):
            levels.extend((name, eps) for eps in sorted(set(table["eps"]) - before))
            before.update(table["eps"])
            on_level(table)

        return attack_beats(network, beats, rows, name, assignment, done=done, on_level=keep, **how)

    monkeypatch.setattr(module, "attack_beats", watched)
    return levels


def test_what_is_there_with_the_same_settings_is_not_run_again(checkpoint_folder, demo_beats, demo_split, attacked):
    plan = {"noise": Assignment(RandomNoise(), 4, (0.05, 0.1))}
    first = evaluate(checkpoint_folder, demo_beats, demo_split, plan)
    assert attacked == [("noise", 0.05), ("noise", 0.1)]
    again = evaluate(checkpoint_folder, demo_beats, demo_split, plan)
    assert len(attacked) == 2
    pd.testing.assert_frame_equal(again, first)
    both = evaluate(checkpoint_folder, demo_beats, demo_split, plan | {"fgsm": Assignment(FGSM(), 4, (0.1,))})
    assert attacked[2:] == [("fgsm", 0.1)]
    assert set(both["attack"]) == {"noise", "fgsm"}


@pytest.mark.parametrize(
    "changed",
    [
        Assignment(RandomNoise(draws=3), 4, (0.05, 0.1)),
        Assignment(RandomNoise(), 5, (0.05, 0.1)),
        Assignment(RandomNoise(), 4, (0.05,)),
        Assignment(RandomNoise(), 4, (0.05, 0.1), seed=1),
        Assignment(RandomNoise(), 4, (0.05, 0.1), signal_only=True),
    ],
)
def test_other_settings_replace_the_old_results_only_on_request(
    changed, checkpoint_folder, demo_beats, demo_split, attacked
):
    evaluate(checkpoint_folder, demo_beats, demo_split, {"noise": Assignment(RandomNoise(), 4, (0.05, 0.1))})
    attacked.clear()
    before = files(checkpoint_folder), (checkpoint_folder / "card.json").read_bytes()
    with pytest.raises(UserError, match=r'results of "noise" with other settings \(\w+\).*or replace them'):
        evaluate(checkpoint_folder, demo_beats, demo_split, {"noise": changed})
    after = files(checkpoint_folder), (checkpoint_folder / "card.json").read_bytes()
    assert (before[0][0], before[1], attacked) == (after[0][0], after[1], [])
    pd.testing.assert_frame_equal(before[0][1], after[0][1])
    evaluate(checkpoint_folder, demo_beats, demo_split, {"noise": changed}, replace_results=True)
    assert attacked == [("noise", eps) for eps in changed.eps_grid]
    table = load_table(checkpoint_folder / "robustness.parquet")
    assert len(table) == 5 * changed.per_class * len(changed.eps_grid)
    note = json.loads((checkpoint_folder / "card.json").read_text())["results"]["attacks"]["noise"]
    assert note.items() >= changed.describe().items()


def test_interrupted_under_other_settings_the_old_rows_never_pass_for_theirs(
    checkpoint_folder, demo_beats, demo_split, attacked
):
    """Stopped before the first level of the new settings is there, nothing of the old ones is left to go on from."""
    old, new = (Assignment(RandomNoise(), 4, (0.05, 0.1), seed=seed) for seed in (0, 1))
    evaluate(checkpoint_folder, demo_beats, demo_split, {"noise": old, "fgsm": Assignment(FGSM(), 4, (0.1,))})

    def stop(done, total, what):
        raise Stop

    with pytest.raises(Stop):
        evaluate(checkpoint_folder, demo_beats, demo_split, {"noise": new}, replace_results=True, progress=stop)
    attacked.clear()
    evaluate(checkpoint_folder, demo_beats, demo_split, {"noise": new})
    assert attacked == [("noise", 0.05), ("noise", 0.1)]
    table = load_table(checkpoint_folder / "robustness.parquet")
    assert set(table["attack"]) == {"noise", "fgsm"}


def test_rows_that_the_card_does_not_know_are_never_taken_over(
    checkpoint_folder, trained_folder, demo_beats, demo_split, attacked
):
    """Trained again in the same folder, the card is new and the table of the old weights still lies there."""
    plan = {"noise": Assignment(RandomNoise(), 4, (0.05, 0.1))}
    evaluate(checkpoint_folder, demo_beats, demo_split, plan)
    shutil.copy(trained_folder / "card.json", checkpoint_folder)
    attacked.clear()
    evaluate(checkpoint_folder, demo_beats, demo_split, plan)
    assert attacked == [("noise", 0.05), ("noise", 0.1)]


def test_another_split_is_refused_before_anything_is_attacked(checkpoint_folder, demo_beats, demo_split):
    other = make_split(demo_beats, "beat", 1)
    with pytest.raises(UserError, match=f"{demo_split.fingerprint}.*{other.fingerprint}.*could have trained"):
        evaluate(checkpoint_folder, demo_beats, other, PLAN)
    assert not (checkpoint_folder / "robustness.parquet").exists()


def test_a_folder_without_a_checkpoint_is_refused(tmp_path, demo_beats, demo_split):
    with pytest.raises(UserError, match="holds no checkpoint"):
        evaluate(tmp_path, demo_beats, demo_split, PLAN)


def test_a_damaged_table_is_named(checkpoint_folder, demo_beats, demo_split):
    (checkpoint_folder / "robustness.parquet").write_bytes(b"no table")
    with pytest.raises(UserError, match=r"robustness.parquet cannot be read"):
        evaluate(checkpoint_folder, demo_beats, demo_split, PLAN)


def test_the_papers_plan():
    """Section 3.1 and appendix C: 100-PGD on the full test split, read after 20 too; SPSA on 162 beats a class."""
    pgd, spsa = PAPER_PLAN["pgd"], PAPER_PLAN["spsa"]
    assert (pgd.attack, pgd.per_class, pgd.eps_grid) == (PGD(steps=100), None, PAPER_EPS)
    assert (spsa.attack, spsa.per_class, spsa.eps_grid) == (SPSA(steps=100, samples=2048), 162, PAPER_EPS)
    assert PAPER_EPS == (0.01, 0.03, 0.05, 0.1, 0.2, 0.3)


def test_a_plan_from_names():
    plan = plan_of(["pgd", "fgsm"], seed=3, eps_grid=(0.1,))
    assert plan["pgd"] == Assignment(PGD(), seed=3, eps_grid=(0.1,))
    assert plan["fgsm"] == Assignment(FGSM(), seed=3, eps_grid=(0.1,))
    with pytest.raises(UserError, match='no attack "magic"'):
        assignment("magic")


def test_only_the_paper_s_own_settings_bear_its_name(evaluated):
    """``PLAN`` takes fewer beats and steps than the paper, so no result is called the paper's."""
    results = json.loads((evaluated / "card.json").read_text())["results"]
    assert {entry["protocol"] for entry in results["robust"].values()} == {"custom"}
    assert {name: protocol_of(name, task) for name, task in PAPER_PLAN.items()} == {"pgd": "paper", "spsa": "paper"}
    assert protocol_of("pgd", Assignment(PGD(steps=100), seed=7)) == "paper"
    assert protocol_of("pgd", Assignment(PGD(steps=100), signal_only=True)) == "custom"
    assert protocol_of("noise", Assignment(RandomNoise())) == "custom"


def worst_case_of(folder, beats, split, **changes):
    """The per-beat table of a short worst case; nothing above 0.02 is needed to tell sparing from attacking."""
    task = Assignment(WorstCase("pgd"), per_class=10, eps_grid=(0.002, 0.02), carry=True, **changes)
    evaluate(folder, beats, split, {"worst-case": task})
    return load_table(folder / "robustness.parquet").sort_values(["eps", "record", "sample"], ignore_index=True)


@pytest.mark.parametrize("certified_signal_only", [False, True])
@pytest.mark.parametrize("signal_only", [False, True])
def test_the_worst_case_spares_what_is_proved_and_finds_the_same(
    trained_folder, demo_beats, demo_split, tmp_path, signal_only, certified_signal_only
):
    """Proofs against noise on every sample serve both budgets; those on the signal only serve their own alone."""
    attacked, spared = (shutil.copytree(trained_folder, tmp_path / name) for name in ("attacked", "spared"))
    proofs = certify(spared, demo_beats, demo_split, per_class=10, signal_only=certified_signal_only)
    expected = worst_case_of(attacked, demo_beats, demo_split, signal_only=signal_only)
    found = worst_case_of(spared, demo_beats, demo_split, signal_only=signal_only)
    pd.testing.assert_frame_equal(found.drop(columns="queries"), expected.drop(columns="queries"))
    level = found.merge(proofs[["record", "sample", "certified"]], on=["record", "sample"])["certified"]
    serve = signal_only or not certified_signal_only
    untouched = (found["step"] == -1) & (found["queries"] == 0)
    pd.testing.assert_series_equal(untouched, (level.astype(float) >= found["eps"]) & serve, check_names=False)
    assert untouched.any() == serve
    assert ((found["step"] == -1) & ~untouched).any()
