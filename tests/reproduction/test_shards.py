"""Sharding changes no number: shards put together are what one evaluation gives, to the bit."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from toys import attack_beats

from nsr_core.attacks import PGD, SPSA
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import Assignment
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.evaluation.table import load_table, outcomes
from nsr_core.models import NETWORKS
from nsr_core.progress import no_progress
from nsr_core.reproduction.model import Model
from nsr_core.reproduction.plan import shard_bounds
from nsr_core.reproduction.tasks import AttackShard, MergeShards, TrainModel
from nsr_core.training.config import paper_config

pytestmark = pytest.mark.slow

ASSIGNED = {
    "pgd": Assignment(PGD(steps=25), eps_grid=(0.01, 0.05, 0.1)),
    "spsa": Assignment(SPSA(steps=2, samples=32), per_class=20, eps_grid=(0.05, 0.1), carry=True),
}
FEW = {"pgd": Assignment(PGD(steps=3), per_class=8, eps_grid=(0.01, 0.1), spread=True)}


def tasks_of(model, assigned, counts, size):
    """Train, shards of ``size`` beats, merges."""
    tasks, after = [TrainModel(model)], ()
    for attack, assignment in assigned.items():
        of = counts[attack]
        shards = tuple(AttackShard(model, attack, assignment, *part, of) for part in shard_bounds(of, size))
        tasks += [*shards, MergeShards(shards, after)]
        after = (tasks[-1].name,)
    return tasks


@pytest.fixture
def small_batches(monkeypatch):
    """So that the few demo beats make many batches."""
    monkeypatch.setattr(NETWORKS["mlp"], "batch_size", 16)
    monkeypatch.setattr(NETWORKS["cnn"], "batch_size", 8)


def results(folder):
    card = json.loads((folder / "card.json").read_text())["results"]
    for entry in card["attacks"].values():
        assert entry.pop("seconds") > 0
    return load_table(folder / "robustness.parquet"), (folder / "robustness.csv").read_bytes(), card


def assert_same(folder, other):
    (table, summary, card), (other_table, other_summary, other_card) = results(folder), results(other)
    pd.testing.assert_frame_equal(table, other_table)
    assert summary == other_summary
    assert card == other_card


def test_merged_shards_are_one_evaluation_mlp(small_batches, bench, shipped, carry_out_here, tmp_path):
    tasks = tasks_of(shipped, ASSIGNED, {"pgd": 200, "spsa": 100}, 48)
    carry_out_here([tasks[0], *tasks[5:0:-1], *tasks[6:]])  # the shards of PGD from the last to the first
    whole = shutil.copytree(shipped.included, tmp_path / "whole")
    evaluate(whole, *bench.load(), ASSIGNED)
    assert_same(shipped.own(bench), whole)
    assert (results(whole)[0]["step"] >= 0).sum() > 100
    assert all(task.is_done(bench) for task in tasks)


def test_merged_shards_are_one_evaluation_cnn(small_batches, bench, carry_out_here, tmp_path):
    model = Model(paper_config("cnn", "ce", source="demo", epochs=1))
    train, *rest = tasks_of(model, FEW, {"pgd": 40}, 16)
    carry_out_here([train])
    whole = shutil.copytree(model.own(bench), tmp_path / "whole")
    carry_out_here(rest)
    evaluate(whole, *bench.load(), FEW)
    assert_same(model.own(bench), whole)


def test_a_shard_goes_on_after_its_last_noise_level(small_batches, bench, shipped, carry_out_here, monkeypatch):
    class Stop(Exception):
        pass

    train, shard = TrainModel(shipped), AttackShard(shipped, "pgd", ASSIGNED["pgd"], 16, 48, 200)
    carry_out_here([train, shard])
    expected = shard.file(bench).table()
    shutil.rmtree(shard.file(bench).path.parent)

    def stopping(done, total, what):
        if "0.05" in what:
            raise Stop

    with pytest.raises(Stop):
        shard.carry_out(bench, stopping)
    assert set(shard.file(bench).table()["eps"]) == {0.01}
    assert not shard.is_done(bench)
    attacked = []
    original = PGD.run
    monkeypatch.setattr(
        PGD, "run", lambda self, *given: (attacked.append(float(given[3].eps)), original(self, *given))[1]
    )
    shard.carry_out(bench, no_progress)
    assert set(np.round(attacked, 3)) == {0.05, 0.1}
    pd.testing.assert_frame_equal(shard.file(bench).table(), expected)


def test_rows_of_other_settings_do_not_pass_for_a_shard(small_batches, bench, shipped, carry_out_here):
    shard = AttackShard(shipped, "pgd", FEW["pgd"], 0, 16, 40)
    carry_out_here([TrainModel(shipped), shard])
    other = replace(shard, assignment=replace(FEW["pgd"], seed=1))
    assert shard.is_done(bench)
    assert not other.is_done(bench)
    carry_out_here([other])
    assert other.is_done(bench)
    assert not shard.is_done(bench)


def test_shards_that_are_missing_are_not_merged(small_batches, bench, shipped, carry_out_here):
    train, first, *_, merge = tasks_of(shipped, FEW, {"pgd": 40}, 16)
    carry_out_here([train, first])
    with pytest.raises(UserError, match=r"not finished yet: attack .* 16-32 of 40"):
        merge.carry_out(bench, no_progress)
    assert not merge.is_done(bench)


@pytest.mark.parametrize("steps", [1, 7, 20])
def test_one_long_run_of_pgd_holds_every_shorter_one(steps, trained, demo_beats, demo_split):
    """The first saving: a beat stops at its first success, whose step is kept."""
    rows = demo_split.test[::4]
    tables = {
        count: attack_beats(trained.network, demo_beats, rows, PGD(steps=count), "pgd", (0.03, 0.1))
        for count in (steps, 100)
    }
    short = outcomes(tables[steps], "pgd")
    pd.testing.assert_frame_equal(outcomes(tables[100], "pgd", steps), short)
    assert short["broken"].any()


def test_a_part_that_begins_at_a_batch_meets_the_same_batches(
    small_batches, trained, demo_beats, demo_split, monkeypatch
):
    seen = []
    original = PGD.run

    def watched(self, model, x, y, *rest):
        seen.append(x.clone())
        return original(self, model, x, y, *rest)

    monkeypatch.setattr(PGD, "run", watched)
    rows = demo_split.test
    attack_beats(trained.network, demo_beats, rows, PGD(steps=1), "pgd", [0.05])
    whole, seen = seen, []
    for part in (slice(0, 32), slice(32, 200)):
        attack_beats(trained.network, demo_beats, rows[part], PGD(steps=1), "pgd", [0.05])
    assert len(whole) == len(seen) == 13
    assert all(torch.equal(left, right) for left, right in zip(whole, seen, strict=True))
