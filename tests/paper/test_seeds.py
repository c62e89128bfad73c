"""Several training seeds of one method: which checkpoints belong together, and what they give on average."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nsr_core.paper.replication import Replication, published_and_ours
from nsr_core.paper.seeds import ALIKE, SEEDS_FOLDER, list_with_seeds, over_seeds, rows_by_seed
from nsr_core.training.card import CARD_FILE, RESULTS_FILE
from nsr_core.training.checkpoint import load_checkpoint

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


def replication(folder: Path) -> Replication:
    return Replication.of(load_checkpoint(folder), pd.read_csv(folder / RESULTS_FILE))


@pytest.fixture
def again(tmp_path):
    """The shipped MLP ce as if trained anew: with other settings on its card, ACC higher by ``more`` everywhere."""

    def make(name: str, more: float = 0.0, **settings) -> Replication:
        folder = Path(shutil.copytree(SHIPPED / "mlp-ce", tmp_path / name))
        card = json.loads((folder / CARD_FILE).read_text())
        card["config"].update(settings)
        (folder / CARD_FILE).write_text(json.dumps(card))
        summary = pd.read_csv(folder / RESULTS_FILE)
        summary["acc_alone"] += more
        summary.to_csv(folder / RESULTS_FILE, index=False)
        return replication(folder)

    return make


def test_a_single_seed_gives_the_published_values_own_and_no_spread():
    one = replication(SHIPPED / "mlp-ce")
    result = over_seeds([one])
    ours = published_and_ours([one])
    both = ours[ours["missing"] == ""].merge(result, on=ALIKE)
    assert len(both) == len(result) == 2 * 3 * 7
    assert (both["mean"] == both["ours"]).all()
    assert result["spread"].isna().all()
    assert set(result["seeds"]) == {"0"}


def test_three_seeds_give_mean_spread_and_ends(again):
    """ACC 0.03 below, at, and 0.06 above the first: mean 0.01 above it, standard deviation sqrt(0.0021)."""
    first = replication(SHIPPED / "mlp-ce")
    result = over_seeds([again("b", 0.06, seed=2), first, again("a", -0.03, seed=1)]).merge(
        over_seeds([first]), on=ALIKE, suffixes=("", "_first")
    )
    acc, prec = result[result["metric"] == "acc"], result[result["metric"] == "prec"]
    assert acc["mean"].to_numpy() == pytest.approx(acc["mean_first"].to_numpy() + 0.01)
    assert acc["spread"].to_numpy() == pytest.approx(np.full(len(acc), np.sqrt(0.0021)))
    assert (acc["high"] - acc["low"]).to_numpy() == pytest.approx(np.full(len(acc), 0.09))
    assert prec["spread"].to_numpy() == pytest.approx(np.zeros(len(prec)))
    assert set(result["seeds"]) == {"0, 1, 2"}


def test_what_differs_in_more_than_the_seed_is_not_taken_together(again):
    other = again("slow", seed=1, learning_rate=0.01)
    by_patient = replication(SHIPPED / "mlp-ce-patient")
    result = over_seeds([replication(SHIPPED / "mlp-ce"), other, by_patient])
    assert result["spread"].isna().all()
    assert set(result["seeds"]) == {"0", "1"}
    assert result["training"].nunique() == 3


def test_what_met_other_beats_is_not_taken_together(again):
    fewer = again("fewer", seed=1)
    attacks = fewer.card["results"]["attacks"]
    attacks["pgd"]["beats"] = "first 162 test beats of each class"
    result = over_seeds([replication(SHIPPED / "mlp-ce"), fewer]).set_index("attack")["seeds"]
    assert set(result[["pgd20", "pgd100"]]) == {"0", "1"}
    assert set(result[["spsa"]]) == {"0, 1"}


def test_two_trainings_of_a_method_give_each_value_one_row(again):
    """The rows of the paper's values are those of one of them, whichever others lie beside it."""
    both = [replication(SHIPPED / "mlp-ce"), again("slow", learning_rate=0.01), again("ce", 0.1, seed=1)]
    rows = published_and_ours(both)
    result = rows.merge(over_seeds(both), on=ALIKE, suffixes=("", "_over_seeds"))
    assert len(result) == 2 * 3 * 7
    assert set(result["seeds"]) == {"0, 1"}


def test_rows_by_seed_put_each_other_seed_in_the_place_of_its_training(again):
    """Seed 1 is of ce alone, 0.1 below; jacob stays, and so does the checkpoint by patient."""
    first = [replication(SHIPPED / name) for name in ("mlp-ce", "mlp-jacob", "mlp-ce-patient")]
    ((seed, rows),) = rows_by_seed(first, [again("ce", -0.1, seed=1)]).items()
    before = published_and_ours(first)
    acc, ce = rows["metric"] == "acc", (rows["method"] == "ce") & (rows["network"] == "mlp")
    assert seed == 1
    assert set(rows.loc[ce, "seed"]) == {1}
    np.testing.assert_allclose(rows.loc[acc & ce, "ours"], before.loc[acc & ce, "ours"] - 0.1)
    pd.testing.assert_frame_equal(rows[~ce], before[~ce])
    assert rows_by_seed(first, []) == {}


def test_without_results_there_is_nothing_to_tell():
    bare = Replication.of(load_checkpoint(SHIPPED / "mlp-ce"), None)
    assert over_seeds([bare]).empty
    assert over_seeds([]).empty


def test_the_folder_of_other_seeds_comes_after_the_checkpoints(tmp_path):
    assert list_with_seeds(tmp_path) == []
    for name in (f"{SEEDS_FOLDER}/mlp-ce-seed-1", "mlp-mse"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / CARD_FILE).write_text("{}")
    assert list_with_seeds(tmp_path) == [tmp_path / "mlp-mse", tmp_path / SEEDS_FOLDER / "mlp-ce-seed-1"]
