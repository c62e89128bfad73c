"""The plan: what it holds for what is asked, and that it knows what is done."""

import json
import pickle
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nsr_core.attacks import PGD
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_PLAN
from nsr_core.evaluation.robustness import batch_size
from nsr_core.methods import PAPER_METHODS
from nsr_core.models import NETWORKS
from nsr_core.paper.seeds import SEEDS_FOLDER
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.plan import Request, equal_share, make_plan, shard_bounds
from nsr_core.reproduction.tasks import AttackShard, MergeShards, TrainModel
from nsr_core.training.card import list_checkpoints

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
NOWHERE = Path("/nowhere")


@pytest.fixture
def plan_for(bench):
    def make(shipped=NOWHERE, **asked):
        return make_plan(Request(**asked), bench, shipped)

    return make


def names(plan):
    return [model.name for model in plan.models]


def test_the_whole_plan_is_the_papers_experiment(plan_for, bench):
    """18 models and 6 more seeds, PGD and SPSA on each."""
    plan = plan_for()
    assert {(m.config.network, m.config.method) for m in plan.models} == {
        (n, m) for n in NETWORKS for m in PAPER_METHODS
    }
    assert len(plan.models) == 18 + 6
    assert {m.config.epochs for m in plan.models} == {50}
    assert [m.config.seed for m in plan.models] == [0] * 18 + [1, 2] * 3
    assert sum(isinstance(task, MergeShards) for task in plan.tasks) == 2 * 24
    assert plan.pending(bench) == list(plan.tasks)


@pytest.mark.parametrize("asked", [{}, {"quick": True}, {"cnn_beats": 100, "cnn_samples": 64, "epochs": 2}])
def test_every_task_can_travel_and_comes_after_what_it_needs(plan_for, bench, asked):
    plan, seen, costs = plan_for(**asked), set(), Costs([])
    for task in plan.tasks:
        assert task.name not in seen
        assert set(task.needs) <= seen
        seen.add(task.name)
        assert pickle.loads(pickle.dumps(task)) == task
        assert len(pickle.dumps(task)) < 20_000
        assert task.seconds(costs) > 0
        assert not task.is_done(bench)
    result = plan.to_json(bench)
    assert json.loads(json.dumps(result)) == result
    assert all(entry["pending"] for entry in result)


def test_shards_cover_all_beats_and_begin_at_a_batch(plan_for):
    plan = plan_for(only=("pgd",))
    for merge in (task for task in plan.tasks if isinstance(task, MergeShards)):
        bounds = [(shard.start, shard.stop) for shard in merge.shards]
        assert bounds[0][0] == 0
        assert bounds[-1][1] == merge.shards[0].of == 200
        assert all(stop == start for (_, stop), (start, _) in pairwise(bounds))
        assert all(start % batch_size(merge.model.config.network) == 0 for start, _ in bounds)
    assert shard_bounds(1000, 512) == [(0, 512), (512, 1000)]


def test_merges_into_one_checkpoint_wait_for_each_other(plan_for):
    """Both rewrite its card."""
    first, second = (task for task in plan_for(only=("mlp-ce",), seeds=(0,)).tasks if isinstance(task, MergeShards))
    assert first.name in second.needs


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (("mlp",), 9),
        (("loss2",), 2),
        (("cnn-loss2",), 1),
        (("cnn-loss2", "mlp"), 10),
        (("table5",), 9),
        (("mlp-ce", "table5", "table9"), 1),
        (("spsa", "adv0.1"), 2),
    ],
)
def test_only(plan_for, only, expected):
    assert len(plan_for(only=only, seeds=(0,)).models) == expected


def test_a_table_asks_for_its_attack_alone(plan_for):
    plan = plan_for(only=("table5", "mlp-ce"), seeds=(0,))
    assert {task.attack for task in plan.tasks if isinstance(task, AttackShard)} == {"pgd"}


@pytest.mark.parametrize(
    ("only", "message"),
    [(("rnn",), 'names "rnn"'), (("table13",), 'names "table13"'), (("cnn", "table5"), "leaves nothing")],
)
def test_what_is_not_there_is_said(plan_for, only, message):
    with pytest.raises(UserError, match=message):
        plan_for(only=only)


def test_seeds_and_epochs_as_asked(plan_for):
    plan = plan_for(only=("mlp-ce",), seeds=(3, 5), epochs=7)
    assert names(plan) == ["mlp-ce-7-epochs-seed-3", "mlp-ce-7-epochs-seed-5"]


def test_attacks_as_asked(bench):
    """The MLP as in the paper; on a CPU the CNN on fewer beats, and with fewer evaluations."""
    for attack, planned in PAPER_PLAN.items():
        assert Request(cnn_beats=100, cnn_samples=64).assignment("mlp", attack, bench) == planned
        assert Request().assignment("cnn", attack, replace(bench, device="cuda")) == planned
    pgd, spsa = (Request(cnn_beats=100, cnn_samples=64).assignment("cnn", attack, bench) for attack in PAPER_PLAN)
    assert (pgd.per_class, pgd.spread, pgd.attack) == (20, True, PAPER_PLAN["pgd"].attack)
    assert (spsa.attack.samples, spsa.per_class) == (64, 162)
    assert Request().assignment("cnn", "spsa", bench).attack.samples == 128
    assert Request(cnn_beats=0).assignment("cnn", "pgd", bench) == PAPER_PLAN["pgd"]


def test_results_that_come_along_are_used_where_nothing_else_is_asked(bench, carry_out_here, plan_for, monkeypatch):
    """A CNN whose PGD met all test beats is not attacked on fewer of them; on fewer where that is asked for."""
    monkeypatch.setitem(PAPER_PLAN, "pgd", replace(PAPER_PLAN["pgd"], attack=PGD(steps=1)))
    carry_out_here(plan_for(only=("cnn-ce", "table7"), epochs=1, seeds=(0,), cnn_beats=0).tasks)
    there = bench.checkpoints
    plan = plan_for(there, only=("cnn-ce",), seeds=(0,))
    assert plan.taken_over == ((plan.models[0].name, "pgd"),)
    assert {task.attack for task in plan.tasks if isinstance(task, AttackShard)} == {"spsa"}
    assert not plan_for(there, only=("cnn-ce",), seeds=(0,), cnn_beats=50).taken_over


def test_an_equal_share_of_each_class():
    """Of 5, 1 and 4 beats: two of each come to 2 + 1 + 2, three to 3 + 1 + 3."""
    y = np.repeat([0, 1, 2], [5, 1, 4])
    assert [equal_share(y, beats) for beats in (3, 5, 6, 9, 10, 11)] == [1, 2, 3, 4, None, None]


def test_a_checkpoint_that_comes_along_is_used(plan_for, bench, trained_folder, carry_out_here, tmp_path):
    """Only where its settings are those of the plan; here another batch size, then the paper's."""
    assert all(model.included is None for model in plan_for(trained_folder.parent).models)
    made = plan_for(only=("mlp-ce",), epochs=2, seeds=(0,))
    carry_out_here([task for task in made.tasks if isinstance(task, TrainModel)])
    there = bench.checkpoints
    assert [Path(model.included).name for model in plan_for(there, only=("mlp-ce",), seeds=(0,)).models] == [
        "mlp-ce-2-epochs-seed-0"
    ]
    asked = plan_for(there, only=("mlp-ce",), epochs=3, seeds=(0, 1))
    assert [model.included for model in asked.models] == [None, None]


def test_a_checkpoint_of_another_seed_comes_along_from_the_folder_of_seeds(plan_for, bench, carry_out_here, tmp_path):
    made = plan_for(only=("mlp-ce",), epochs=1, seeds=(1,))
    carry_out_here([task for task in made.tasks if isinstance(task, TrainModel)])
    there = tmp_path / "came" / SEEDS_FOLDER / "mlp-ce-seed-1"
    shutil.copytree(bench.checkpoints / "mlp-ce-1-epochs-seed-1", there)
    first, second = plan_for(tmp_path / "came", only=("mlp-ce",), seeds=(0, 1)).models
    assert (first.included, second.included) == (None, str(there))


def test_shipped_checkpoints_with_the_papers_results_leave_nothing_to_do(mitdb_root, real_beats, monkeypatch, tmp_path):
    """On the real records: the nine MLPs and their results are the plan's, without a copy."""
    monkeypatch.setattr("nsr_core.reproduction.bench.load_beats", lambda *given: real_beats)
    bench = Bench(str(tmp_path / "real"))
    plan = make_plan(Request(only=("mlp",), seeds=(0,)), bench, SHIPPED)
    assert all(model.included for model in plan.models)
    assert plan.pending(bench) == []
    assert not list_checkpoints(bench.checkpoints)


def test_a_quick_trial_trains_on_few_beats(bench):
    whole, few = bench.load()[1], replace(bench, train_per_class=20).load()[1]
    beats = bench.load()[0]
    assert beats[few.train].class_counts() == dict.fromkeys("NSVFQ", 20)
    assert set(few.train) <= set(whole.train)
    assert few.fingerprint != whole.fingerprint
    assert (few.test == whole.test).all()
    assert replace(bench, train_per_class=1000).load()[1].fingerprint == whole.fingerprint
