"""What follows from the per-beat table: more noise never helps, fewer steps can be read, files are kept."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toys import mean_absolute_difference

from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_EPS
from nsr_core.evaluation.summary import readings, summarise
from nsr_core.evaluation.table import CARRIED, MISCLASSIFIED, NOT_BROKEN, load_table, outcomes, save_table
from nsr_core.paper.published import beside_paper, paper_tables

BEATS, LEVELS = 6, 4


@st.composite
def raw_tables(draw):
    """Step, final prediction, class and clean prediction of beats as an attack could have left them."""
    y = np.array(draw(st.lists(st.integers(0, 4), min_size=BEATS, max_size=BEATS)))
    wrong = np.array(draw(st.lists(st.booleans(), min_size=BEATS, max_size=BEATS)))
    shift = np.array(draw(st.lists(st.integers(1, 4), min_size=BEATS * LEVELS, max_size=BEATS * LEVELS)))
    other = (y + shift.reshape(LEVELS, BEATS)) % 5
    drawn = draw(st.lists(st.sampled_from([NOT_BROKEN, 0, 1, 5, 20, 21, 99]), min_size=24, max_size=24))
    step = np.where(wrong, MISCLASSIFIED, np.array(drawn).reshape(LEVELS, BEATS))
    clean = np.where(wrong, other[0], y)
    pred = np.where(step >= 0, other, np.where(wrong, clean, y))
    return step, pred, y, clean


EPS = [0.01, 0.05, 0.1, 0.3]
random_tables = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(raw=raw_tables(), steps=st.sampled_from([None, 0, 20, 100]))
@random_tables
def test_more_noise_never_helps_a_beat(make_table, raw, steps):
    step, pred, y, clean = raw
    result = outcomes(make_table(step, pred, y, clean, EPS), "pgd", steps)
    broken = result["broken"].to_numpy().reshape(LEVELS, BEATS)
    final = result["pred"].to_numpy().reshape(LEVELS, BEATS)
    mended = result["mended"].to_numpy().reshape(LEVELS, BEATS)
    succeeded = (step >= 0) & (step <= (100 if steps is None else steps))
    assert (np.diff(broken.astype(int), axis=0) >= 0).all()
    assert np.array_equal(broken, (clean != y) | np.logical_or.accumulate(succeeded))
    assert np.array_equal(mended, broken & ~succeeded & (clean == y))
    assert np.array_equal(broken, final != y)
    for beat in range(BEATS):
        last = y[beat] if clean[beat] == y[beat] else clean[beat]
        for level in range(LEVELS):
            last = pred[level, beat] if succeeded[level, beat] else last
            assert final[level, beat] == last


@given(raw=raw_tables())
@random_tables
def test_more_steps_never_help_a_beat(make_table, raw):
    table = make_table(*raw, EPS)
    few, many = (outcomes(table, "pgd", steps)["broken"].to_numpy() for steps in (20, 100))
    assert not (few & ~many).any()


@given(raw=raw_tables(), seed=st.integers(0, 3))
@random_tables
def test_the_order_of_the_rows_does_not_matter(make_table, raw, seed):
    table = make_table(*raw, EPS)
    shuffled = table.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(outcomes(shuffled, "pgd"), outcomes(table, "pgd"))


def test_by_hand(make_table):
    """Beat 0: broken at 0.1 with label 2, missed at 0.3: mended. Beat 1: wrong clean. Beat 2: never broken.
    Beat 3: broken late at 0.1 (label 4), early at 0.3 (label 1): with 20 steps only the latter.
    """
    table = make_table(
        [[5, MISCLASSIFIED, -1, 60], [-1, MISCLASSIFIED, -1, 3]],
        [[2, 3, 0, 4], [0, 3, 0, 1]],
        y=[0, 0, 0, 0],
        clean=[0, 3, 0, 0],
        eps=[0.1, 0.3],
    )
    whole, early = outcomes(table, "pgd"), outcomes(table, "pgd", 20)
    assert whole["pred"].tolist() == [2, 3, 0, 4, 2, 3, 0, 1]
    assert early["pred"].tolist() == [2, 3, 0, 0, 2, 3, 0, 1]
    assert whole["mended"].tolist() == [False] * 4 + [True, False, False, False]
    assert whole["pred_alone"].tolist() == [*whole["pred"][:4], whole["y"][4], *whole["pred"][5:]]
    assert whole["eps"].tolist() == [0.1] * 4 + [0.3] * 4


def test_carried_beats_stay_broken_and_forbid_reading_fewer_steps(make_table):
    table = make_table([[7, -1], [CARRIED, 2]], [[3, 0], [3, 1]], [0, 0], [0, 0], [0.1, 0.3], "spsa")
    result = outcomes(table, "spsa")
    assert result["pred"].tolist() == [3, 0, 3, 1]
    assert not result["mended"].any()
    with pytest.raises(ValueError, match="carried broken beats along"):
        outcomes(table, "spsa", 20)


def test_an_attack_that_is_not_there_is_named_with_those_that_are(make_table):
    table = make_table([[-1]], [[0]], [0], [0], [0.1])
    with pytest.raises(UserError, match=r'no results of attack "spsa"; there are of: pgd'):
        outcomes(table, "spsa")


# The summary


def test_a_run_of_100_steps_is_read_after_20_and_100(make_table):
    table = pd.concat(
        [
            make_table([[5, 60, -1]], [[1, 1, 0]], [0, 0, 0], [0, 0, 0], [0.1]),
            make_table([[5, 60, -1]], [[1, 1, 0]], [0, 0, 0], [0, 0, 0], [0.1], "fgsm"),
        ]
    )
    assert list(readings(table)) == ["pgd20", "pgd100", "fgsm"]
    summary = summarise(table).set_index(["attack", "eps"])
    assert summary.loc[("pgd20", 0.1), "acc"] == pytest.approx(2 / 3, abs=1e-5)
    assert summary.loc[("pgd100", 0.1), "acc"] == pytest.approx(1 / 3, abs=1e-5)
    assert summary.loc[("fgsm", 0.1), "acc"] == pytest.approx(1 / 3, abs=1e-5)
    assert (summary.loc[(slice(None), 0.0), "acc"] == 1).all()


def test_the_summary_counts_what_was_mended_and_bounds_its_accuracy(make_table):
    rng = np.random.default_rng(0)
    y = np.arange(200) % 5
    clean = np.where(rng.random(200) < 0.1, (y + 1) % 5, y)
    step = np.where(clean != y, MISCLASSIFIED, rng.integers(-1, 2, (3, 200)))
    pred = np.where(step >= 0, (y + 2) % 5, clean)
    table = make_table(step, pred, y, clean, [0.1, 0.2, 0.3])
    summary = summarise(table)
    assert (summary["acc_low"] <= summary["acc"]).all()
    assert (summary["acc"] <= summary["acc_high"]).all()
    assert (summary["beats"] == 200).all()
    for name in ("pgd20", "pgd100"):
        own = summary[summary["attack"] == name].set_index("eps")
        assert own.index.tolist() == [0.0, 0.1, 0.2, 0.3]
        assert (own["acc"].diff().dropna() <= 0).all()
        assert own.loc[0.0, "acc_natural"] == pytest.approx((clean == y).mean(), abs=1e-5)
        assert own.loc[[0.0, 0.1], "mended"].tolist() == [0, 0]
        missed = (step[0] >= 0) & (step[1] < 0)
        assert own.loc[0.2, "mended"] == missed.sum() > 0
        recalls = [own.loc[0.3, f"recall_{label}"] for label in "NSVFQ"]
        assert np.mean(recalls) == pytest.approx(own.loc[0.3, "acc"], abs=1e-4)


# Files


def test_a_table_survives_its_file(make_table, tmp_path):
    table = make_table([[5, -1, -2]] * 2, [[1, 0, 3]] * 2, [0, 0, 0], [0, 0, 3], [0.01, 0.3])
    save_table(table.sample(frac=1, random_state=0), tmp_path / "robustness.parquet")
    pd.testing.assert_frame_equal(load_table(tmp_path / "robustness.parquet"), table)


def test_a_table_that_cannot_be_read_is_named(make_table, tmp_path):
    path = tmp_path / "robustness.parquet"
    with pytest.raises(UserError, match="is missing: this checkpoint has no attack results"):
        load_table(path)
    path.write_bytes(b"no table")
    with pytest.raises(UserError, match="cannot be read"):
        load_table(path)
    make_table([[-1]], [[0]], [0], [0], [0.1]).drop(columns=["step", "pred"]).to_parquet(path)
    with pytest.raises(UserError, match="lacks the columns step, pred"):
        load_table(path)


# The paper's tables


def test_all_756_published_values_are_there():
    """12 tables of 9 methods and 7 noise levels: 2 metrics, 2 networks, 3 attacks."""
    tables = paper_tables()
    assert len(tables) == 756 == 2 * 2 * 3 * 9 * 7
    assert sorted(tables["table"].unique()) == list(range(1, 13))
    assert not tables.duplicated(["metric", "network", "attack", "method", "eps"]).any()
    assert sorted(tables["eps"].unique()) == [0.0, *PAPER_EPS]
    assert tables["value"].between(0, 1).all()
    by_table = tables.groupby("table")[["metric", "network", "attack"]].nunique()
    assert (by_table == 1).all(axis=None)


def test_text_and_table_agree():
    """Section 3.1: MLP, loss2, 100-PGD, eps 0.1: accuracy 61 %, precision 64 %."""
    tables = paper_tables().set_index(["metric", "network", "attack", "method", "eps"])["value"]
    assert tables["acc", "mlp", "pgd100", "loss2", 0.1] == pytest.approx(0.61, abs=0.005)
    assert tables["prec", "mlp", "pgd100", "loss2", 0.1] == pytest.approx(0.64, abs=0.005)


def test_ours_stand_beside_the_papers_at_all_seven_levels():
    published = paper_tables().query("network == 'mlp' and method == 'loss2' and attack == 'pgd100'")
    summary = published.pivot(index=["attack", "eps"], columns="metric", values="value").reset_index()
    summary = summary.rename(columns={"acc": "acc_alone", "prec": "prec_alone"})
    summary["acc_alone"] += 0.02
    compared = beside_paper(summary, "mlp", "loss2")
    assert len(compared) == 14
    means = mean_absolute_difference(compared)
    assert sorted(means.values()) == pytest.approx([0.0, 0.02])
