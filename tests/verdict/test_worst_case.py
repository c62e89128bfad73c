"""All attacks in turn over several noise levels: which broke what, and where it goes on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import toys
from toys import attack_beats

from nsr_core.attacks import PGD, STRENGTHS, WorstCase
from nsr_core.attacks.worst_case import first_steps
from nsr_core.evaluation.assignment import Assignment, assignment, protocol_of
from nsr_core.evaluation.robustness import predict
from nsr_core.evaluation.summary import summarise
from nsr_core.evaluation.table import CARRIED, COLUMN_TYPES, MISCLASSIFIED, outcomes, save_table
from nsr_core.verdict.verdict import breaks, verdict
from nsr_core.verdict.worst_case import BY, with_names

pytestmark = pytest.mark.slow

EPS = (0.005, 0.01, 0.03)


def worst_case(network, beats, rows, eps_grid, strength, *, done=None, on_level=lambda table: None, **settings):
    """As the evaluation runs it, with the column that says which attack it was."""
    table = attack_beats(
        network,
        beats,
        rows,
        WorstCase(strength),
        WorstCase.name,
        eps_grid,
        carry=True,
        done=None if done is None else done[list(COLUMN_TYPES)],
        on_level=lambda so_far: on_level(with_names(so_far, strength)),
        **settings,
    )
    return with_names(table, strength)


@pytest.fixture(scope="module")
def some(demo_split):
    """40 test beats in an order of their own."""
    return np.random.default_rng(0).permutation(demo_split.test)[:40]


@pytest.fixture(scope="module")
def table(trained, demo_beats, some):
    return worst_case(trained.network, demo_beats, some, EPS, "standard", seed=3)


def test_a_row_for_each_beat_and_level_and_one_column_more(table, demo_beats, some):
    assert list(table.columns) == [*COLUMN_TYPES, BY]
    assert {name: str(kind) for name, kind in table.dtypes.items()} == COLUMN_TYPES | {BY: "string"}
    assert table["eps"].tolist() == np.repeat(EPS, 40).tolist()
    for _, level in table.groupby("eps"):
        assert level["sample"].tolist() == demo_beats.sample[some].tolist()
    assert (table["attack"] == "worst-case").all()


def test_the_name_is_that_of_the_attack_whose_step_it_was(table):
    """And there are several, else the test is blind."""
    firsts, names = first_steps("standard"), list(STRENGTHS["standard"])
    for step, by in zip(table["step"], table[BY], strict=True):
        if step >= 0:
            assert firsts[names.index(by)] <= step < firsts[names.index(by) + 1]
        elif step != CARRIED:
            assert by == ""
    assert table.loc[table["step"] >= 0, BY].nunique() > 1


def test_a_broken_beat_stays_broken_by_the_same(table):
    for _, one in table.groupby("sample"):
        broken = ((one["step"] >= 0) | (one["step"] == CARRIED)).to_numpy()
        assert (np.diff(broken.astype(int)) >= 0).all()
        assert one.loc[broken, BY].nunique() <= 1
        assert not one.loc[broken, BY].eq("").any()
        assert (one["pred"] != one["y"])[broken].all()
    assert (table["step"] == CARRIED).any()


def test_it_is_what_each_attack_finds_on_the_survivors_of_the_last(trained, demo_beats, some, beats_of):
    """Float64, where rounding turns no sign: level by level and attack by attack, on what is left."""
    network = toys.fresh("mlp", dtype=torch.float64)
    network.load_state_dict(trained.network.state_dict())
    beats = beats_of(demo_beats.x[some[:16]].astype(np.float64), demo_beats.y[some[:16]])
    rows = np.arange(16)
    whole = worst_case(network, beats, rows, EPS[1:], "standard", seed=3)
    left = rows[predict(network, beats.x) == beats.y]
    for eps in EPS[1:]:
        level = whole[whole["eps"] == eps].set_index("sample")
        for name, attack in STRENGTHS["standard"].items():
            alone = attack_beats(network, beats, left, attack, name, [eps], seed=3)
            broken = (alone["step"] >= 0).to_numpy()
            assert (level.loc[left[broken], BY] == name).all()
            assert level.loc[left[broken], "pred"].tolist() == alone["pred"][broken].tolist()
            left = left[~broken]
        assert (level.loc[left, "step"] == -1).all()
    assert len(left)


def test_no_plan_leaves_more_than_the_published_attack(trained, demo_beats, some, table):
    published = outcomes(attack_beats(trained.network, demo_beats, some, PGD(), "pgd", EPS, seed=3), "pgd")
    ours = outcomes(table, "worst-case")
    assert not (published["broken"].to_numpy() & ~ours["broken"].to_numpy()).any()
    assert ours["broken"].sum() > published["broken"].sum()
    assert not ours["mended"].any()


def test_queries_are_those_of_all_attacks_that_had_a_turn(table):
    """A beat that withstands all has cost every look of the plan; one that is carried or wrong clean, none."""
    assert (table.loc[table["step"] == -1, "queries"] == first_steps("standard")[-1]).all()
    assert (table.loc[table["step"] < -1, "queries"] == 0).all()


def test_misread_beats_are_broken_by_nothing(trained, demo_beats, some, beats_of):
    clean = predict(trained.network, demo_beats.x[some])
    result = worst_case(trained.network, beats_of(demo_beats.x[some], (clean + 1) % 5), np.arange(40), EPS, "fgsm")
    assert (result["step"] == MISCLASSIFIED).all()
    assert (result[BY] == "").all()
    assert breaks(verdict(result, "fgsm")).empty


def test_the_counts_add_up(table):
    counts = breaks(verdict(table, "standard"))
    assert counts.index.tolist() == list(EPS)
    assert counts.to_numpy().sum() == (table["step"] >= 0).sum()
    for eps in EPS:
        for name in counts.columns:
            mine = (table["eps"] == eps) & (table["step"] >= 0) & (table[BY] == name)
            assert counts.loc[eps, name] == mine.sum()


class Stop(Exception):
    pass


def test_interrupted_it_goes_on_to_the_same_table(trained, demo_beats, some, table, tmp_path):
    """From a file, whose rows are in another order."""
    kept = []

    def keep(so_far):
        kept.append(so_far)
        raise Stop

    settings = {"seed": 3}
    with pytest.raises(Stop):
        worst_case(trained.network, demo_beats, some, EPS, "standard", on_level=keep, **settings)
    pd.testing.assert_frame_equal(kept[0], table[table["eps"] == EPS[0]])
    save_table(kept[0], tmp_path / "kept.parquet")
    done, again = pd.read_parquet(tmp_path / "kept.parquet").astype(COLUMN_TYPES), []
    rest = worst_case(trained.network, demo_beats, some, EPS, "standard", done=done, on_level=again.append, **settings)
    pd.testing.assert_frame_equal(rest, table)
    assert len(again) == 2


def test_names_follow_the_levels_whatever_the_order_of_the_rows(table):
    shuffled = table.sample(frac=1, random_state=0)
    named = with_names(shuffled.drop(columns=BY), "standard")
    pd.testing.assert_frame_equal(named.sort_index(), table)


def test_raising_from_progress_stops_it(trained, demo_beats, some):
    def stop(done, total, what):
        raise Stop

    with pytest.raises(Stop):
        worst_case(trained.network, demo_beats, some, EPS, "fgsm", progress=stop)


def test_signal_only_can_break_no_more(trained, demo_beats, some):
    everywhere, on_signal = (
        worst_case(trained.network, demo_beats, some, EPS, "pgd", signal_only=signal) for signal in (False, True)
    )
    assert (on_signal["step"] == -1).sum() >= (everywhere["step"] == -1).sum()


def test_it_can_be_evaluated_like_any_attack(table):
    """By its name, with its strength and its beats on the card; a weak one is not called a worst case."""
    for name, signal_only in (("worst-case", False), ("worst-case-signal", True)):
        _, task = assignment(name)
        expected = Assignment(WorstCase("standard"), per_class=500, spread=True, carry=True, signal_only=signal_only)
        assert task == expected
        assert task.describe()["attack"] == {"name": "worst-case", "strength": "standard"}
        assert task.describe()["beats"] == "up to 500 test beats of each class, evenly spread over the records"
        strengths = [protocol_of(name, replace(task, attack=WorstCase(strength))) for strength in STRENGTHS]
        assert strengths == ["custom", "custom", "worst-case", "worst-case"]
    assert summarise(table)["attack"].unique().tolist() == ["worst-case"]
