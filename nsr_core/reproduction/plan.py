"""The plan: which models, attacks and shards a request asks for, and which of them are not done yet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nsr_core.attacks import PGD, SPSA
from nsr_core.data.splits import chosen_test_beats
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_PLAN, Assignment
from nsr_core.evaluation.robustness import batch_size
from nsr_core.methods import PAPER_METHODS
from nsr_core.models import NETWORKS
from nsr_core.paper.published import paper_tables
from nsr_core.paper.replication import run_of
from nsr_core.paper.seeds import list_with_seeds
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.model import Model, find_included
from nsr_core.reproduction.tasks import AttackShard, MergeShards, Task, TrainModel
from nsr_core.training.card import list_checkpoints
from nsr_core.training.config import paper_config

PAPER_EPOCHS = 50
#: Below a folder of checkpoints: longer trainings of some of them, not evaluated by all attacks yet.
LONGER_FOLDER = "longer"
#: Trained from several seeds where nothing else is asked for.
SEEDED = (("mlp", "ce"), ("mlp", "loss2"), ("mlp", "adv0.1"))
MORE_SEEDS = (1, 2)
#: The most telling first.
METHOD_ORDER = ("loss2", "adv0.1", "ce", *(name for name in PAPER_METHODS if name not in ("loss2", "adv0.1", "ce")))
#: How many batches make a shard, by attack: minutes of work, not seconds and not hours.
SHARD_BATCHES = {"pgd": 8, "spsa": 1}

QUICK_EPOCHS = 1
QUICK_TRAIN_PER_CLASS = 1_000
QUICK_PLAN = {
    "pgd": Assignment(PGD(steps=100), per_class=10, spread=True),
    "spsa": Assignment(SPSA(steps=10, samples=64), per_class=4, carry=True),
}


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        only: networks, methods and checkpoints such as ``mlp-loss2``: the models that any of them names; attacks and
            tables such as ``table5``: what of these models any of them names. Everything where there is none.
        epochs: of all trainings; by default those of an included checkpoint of the method, else the paper's 50.
        seeds: training seeds of all models; by default 0, and 1 and 2 for three MLPs.
        quick: a trial of minutes whose numbers mean nothing.
        cnn_beats: PGD attacks the CNN on at least this number of test beats, as many of each class as there are; 0 for all; by
            default as an included checkpoint was, else all with CUDA and ``CNN.cpu_beats`` on a CPU.
        cnn_samples: evaluations for each SPSA step on the CNN; by default as an included checkpoint's, else the paper's
            with CUDA and ``CNN.cpu_samples`` on a CPU.
    """

    only: tuple[str, ...] = ()
    epochs: int | None = None
    seeds: tuple[int, ...] | None = None
    quick: bool = False
    cnn_beats: int | None = None
    cnn_samples: int | None = None

    def cells(self) -> list[tuple[str, str, str]]:
        """The (network, method, attack) that are asked for, the most telling first.

        Raises:
            UserError: a word of ``only`` names nothing.
        """
        triples = [
            (network, method, attack) for network in NETWORKS for method in METHOD_ORDER for attack in PAPER_PLAN
        ]
        models = [{network, method, f"{network}-{method}"} for network, method, _ in triples]
        parts = [{attack} | _tables_of(network, attack) for network, _, attack in triples]
        of_models, of_parts = (set(self.only) & set().union(*names) for names in (models, parts))
        if unknown := sorted(set(self.only) - of_models - of_parts):
            raise UserError(
                f'--only names "{unknown[0]}"; expected networks ({", ".join(NETWORKS)}), methods ({", ".join(METHOD_ORDER)}), '
                f"checkpoints such as mlp-loss2, attacks ({', '.join(PAPER_PLAN)}) or table1 to table12."
            )
        chosen = [
            triple
            for triple, model, part in zip(triples, models, parts, strict=True)
            if (not of_models or model & of_models) and (not of_parts or part & of_parts)
        ]
        if not chosen:
            raise UserError(f"--only {','.join(self.only)} leaves nothing: the tables are not of these networks.")
        return chosen

    def seeds_of(self, network: str, method: str) -> tuple[int, ...]:
        if self.seeds is not None:
            return self.seeds
        return (0, *MORE_SEEDS) if (network, method) in SEEDED and not self.quick else (0,)

    def assignment(self, network: str, attack: str, bench: Bench) -> Assignment:
        """How an attack is carried out on a network."""
        if self.quick:
            return QUICK_PLAN[attack]
        asked = PAPER_PLAN[attack]
        costly = NETWORKS[network]
        if costly.cpu_beats is None:
            return asked
        if attack == "spsa":
            fewer = costly.cpu_samples if bench.device == "cpu" else None
            samples = fewer if self.cnn_samples is None else self.cnn_samples
            return replace(asked, attack=SPSA(samples=samples or SPSA().samples))
        beats, split = bench.load()
        wanted = (costly.cpu_beats if bench.device == "cpu" else 0) if self.cnn_beats is None else self.cnn_beats
        per_class = equal_share(beats.y[split.test], wanted) if wanted else None
        return replace(asked, per_class=per_class, spread=per_class is not None)

    def leaves_open(self, network: str, attack: str) -> bool:
        """Whether results that an included checkpoint has will do, on however many beats they are."""
        return (
            NETWORKS[network].cpu_beats is not None
            and (self.cnn_samples if attack == "spsa" else self.cnn_beats) is None
        )


@dataclass(frozen=True)
class Plan:
    """Models and tasks; a task comes after all that it needs.

    Attributes:
        quick: see ``Request``.
        taken_over: the (model, attack) whose results come along and are used as they are.
    """

    models: tuple[Model, ...]
    tasks: tuple[Task, ...]
    quick: bool = False
    taken_over: tuple[tuple[str, str], ...] = ()

    def pending(self, bench: Bench) -> list[Task]:
        """What is still to be done for the tasks that nothing else needs; what those no longer need is left out."""
        return pending(self.tasks, bench)

    def to_json(self, bench: Bench) -> list[dict[str, Any]]:
        """The tasks with whether each is still to be done."""
        missing = {task.name for task in self.pending(bench)}
        return [{**task.to_json(), "needs": list(task.needs), "pending": task.name in missing} for task in self.tasks]


def make_plan(request: Request, bench: Bench, included: Path) -> Plan:
    """The tasks that a request comes to.

    Args:
        included: folder of checkpoints that are used where they are what would be trained; so are those in its folders ``seeds``
            and ``longer``.

    Raises:
        UserError: the request names what is not there, or the records are missing.
    """
    attacks: dict[tuple[str, str], list[str]] = {}
    for network, method, attack in request.cells():
        attacks.setdefault((network, method), []).append(attack)
    wanted = [(pair, seed) for pair in attacks for seed in request.seeds_of(*pair)]
    # More seeds of a model only after the first of every model.
    wanted.sort(key=lambda one: one[1] != request.seeds_of(*one[0])[0])
    folders = [*list_with_seeds(included), *list_checkpoints(included / LONGER_FOLDER)]
    models: list[Model] = []
    tasks: list[Task] = []
    taken_over: list[tuple[str, str]] = []
    for pair, seed in wanted:
        model = _model(request, bench, pair, seed, folders)
        come_along = [name for name in attacks[pair] if request.leaves_open(pair[0], name) and model.has_results(name)]
        assigned = {name: request.assignment(pair[0], name, bench) for name in attacks[pair] if name not in come_along}
        models.append(model)
        taken_over += [(model.name, name) for name in come_along]
        tasks += [TrainModel(model), *_attacks(model, assigned, bench)]
    return Plan(tuple(models), tuple(tasks), request.quick, tuple(taken_over))


def pending(tasks: Sequence[Task], bench: Bench) -> list[Task]:
    """The tasks that are still to be done, in order, leaving out what only finished tasks needed."""
    by_name = {task.name: task for task in tasks}
    missing: set[str] = set()
    looked: set[str] = set()
    waiting = [task.name for task in tasks if task.is_end]
    while waiting:
        name = waiting.pop()
        if name not in looked and not by_name[name].is_done(bench):
            missing.add(name)
            waiting += by_name[name].needs
        looked.add(name)
    return [task for task in tasks if task.name in missing]


def equal_share(y: np.ndarray, beats: int) -> int | None:
    """The smallest number of each class that comes to ``beats`` in all, a small class giving all it has.

    None where that takes every beat.
    """
    counts = np.bincount(y)
    for per_class in range(1, int(counts.max())):
        if np.minimum(counts, per_class).sum() >= beats:
            return per_class
    return None


def shard_bounds(count: int, size: int) -> list[tuple[int, int]]:
    """``count`` beats in shards of ``size``, the last one smaller."""
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def _tables_of(network: str, attack: str) -> set[str]:
    published = paper_tables()
    own = (published["network"] == network) & (published["attack"].map(run_of) == attack)
    return {f"table{number}" for number in published.loc[own, "table"]}


def _model(request: Request, bench: Bench, pair: tuple[str, str], seed: int, included: list[Path]) -> Model:
    epochs = request.epochs or (QUICK_EPOCHS if request.quick else PAPER_EPOCHS)
    config = paper_config(
        *pair, epochs=epochs, seed=seed, source=bench.source, split=bench.split_name, split_seed=bench.split_seed
    )
    free = request.epochs is None and not request.quick
    return find_included(included, config, bench.load()[1].fingerprint, any_epochs=free) or Model(config)


def _attacks(model: Model, assigned: dict[str, Assignment], bench: Bench) -> list[Task]:
    """The shards and merges of one model; its merges one after the other, since all write the same card."""
    beats, split = bench.load()
    tasks: list[Task] = []
    after: tuple[str, ...] = ()
    network = model.config.network
    for attack, assignment in assigned.items():
        count = len(chosen_test_beats(beats, split, assignment.per_class, assignment.spread))
        bounds = shard_bounds(count, SHARD_BATCHES[attack] * batch_size(network, bench.device))
        shards = tuple(AttackShard(model, attack, assignment, *part, of=count) for part in bounds)
        merge = MergeShards(shards, after)
        tasks += [*shards, merge]
        after = (merge.name,)
    return tasks
