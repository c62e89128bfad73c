"""The tasks: train a model, attack a shard of beats, merge the shards. Each goes on where it was stopped."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pandas as pd

from nsr_core.compute import configure, describe_machine
from nsr_core.data.splits import chosen_test_beats
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import Assignment
from nsr_core.evaluation.evaluate import add_results
from nsr_core.evaluation.robustness import attack_beats, predict
from nsr_core.progress import Progress
from nsr_core.reproduction.bench import SHARDS_FOLDER, Bench
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.model import Model, are_whole
from nsr_core.reproduction.shards import ShardFile
from nsr_core.training.card import BEATS_FILE, read_card
from nsr_core.training.checkpoint import check_split, load_checkpoint
from nsr_core.training.copies import copy_checkpoint
from nsr_core.training.loop import train


class Task(Protocol):
    """What a plan consists of: small, and whole when it is pickled."""

    kind: ClassVar[str]
    #: Whether it is wanted for itself, not only because another task needs it.
    is_end: ClassVar[bool]

    @property
    def name(self) -> str:
        """Its own in the plan."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the tasks that must be done before."""

    def is_done(self, bench: Bench) -> bool:
        """Whether what is on disk says so."""

    def seconds(self, costs: Costs) -> float:
        """What it takes on one core, estimated from measured times."""

    def carry_out(self, bench: Bench, progress: Progress) -> None:
        """Do it, or go on with it. Raises UserError for what a user can mend."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for people and machines to read."""


@dataclass(frozen=True)
class TrainModel:
    """Train a model in the work folder; an included one is copied there, results and all."""

    kind: ClassVar[str] = "train"
    is_end: ClassVar[bool] = False

    model: Model

    @property
    def name(self) -> str:
        return f"train {self.model.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        return ()

    def is_done(self, bench: Bench) -> bool:
        return self.model.is_trained(bench)

    def seconds(self, costs: Costs) -> float:
        return 0.0 if self.model.included else costs.training(self.model.config)

    def carry_out(self, bench: Bench, progress: Progress) -> None:
        if self.model.included:
            copy_checkpoint(Path(self.model.included), self.model.own(bench))
            return
        beats, split = bench.load()
        train(self.model.config, beats, split, self.model.own(bench), device=bench.torch_device, progress=progress)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "config": self.model.config.to_json(),
            "included": self.model.included,
        }


@dataclass(frozen=True)
class AttackShard:
    """Attack the chosen test beats number ``start`` up to ``stop`` of ``of``; ``start`` is a multiple of the batch size."""

    kind: ClassVar[str] = "attack"
    is_end: ClassVar[bool] = False

    model: Model
    attack: str
    assignment: Assignment
    start: int
    stop: int
    of: int

    @property
    def name(self) -> str:
        return f"attack {self.model.name} {self.attack} {self.start}-{self.stop} of {self.of}"

    @property
    def needs(self) -> tuple[str, ...]:
        return (TrainModel(self.model).name,)

    def is_done(self, bench: Bench) -> bool:
        return self.model.is_trained(bench) and self.file(bench).is_finished()

    def seconds(self, costs: Costs) -> float:
        return costs.attacking(self.model.config, self.attack, self.assignment, self.stop - self.start)

    def file(self, bench: Bench) -> ShardFile:
        """Where its rows are kept; the model must be trained."""
        card = read_card(self.model.folder(bench))
        identity = {
            **self.assignment.describe(),
            "weights": card["weights_sha256"],
            "split": card["split"]["fingerprint"],
            "rows": [self.start, self.stop, self.of],
            "device": bench.device,
        }
        folder = Path(bench.work) / SHARDS_FOLDER / self.model.name / self.attack
        return ShardFile(folder / f"{self.start}-{self.stop}.parquet", identity)

    def carry_out(self, bench: Bench, progress: Progress) -> None:
        beats, split = bench.load()
        checkpoint = load_checkpoint(self.model.folder(bench))
        check_split(checkpoint, split)
        network = checkpoint.network.to(bench.torch_device)
        rows = chosen_test_beats(beats, split, self.assignment.per_class, self.assignment.spread)
        part = slice(self.start, self.stop)
        file, started = self.file(bench), time.perf_counter()
        done = file.begin()
        before = (file.note() or {}).get("seconds", 0.0)

        def keep(table: pd.DataFrame) -> None:
            file.keep(table, round(before + time.perf_counter() - started, 3))

        attack_beats(
            network,
            beats,
            rows[part],
            self.attack,
            self.assignment,
            device=bench.torch_device,
            # Of all beats at once, as the whole run does: the last bit may depend on the batch.
            clean=predict(network, beats.x[rows], bench.torch_device)[part],
            progress=progress,
            done=done,
            on_level=keep,
        )
        file.finish(describe_machine(bench.torch_device))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "model": self.model.name,
            **self.assignment.describe(),
            "rows": [self.start, self.stop, self.of],
        }


@dataclass(frozen=True)
class MergeShards:
    """Put the shards of an attack together beside the model's weights, as ``evaluate`` would have.

    Attributes:
        shards: all of them.
        after: merges into the same checkpoint that must not happen at the same time.
    """

    kind: ClassVar[str] = "merge"
    is_end: ClassVar[bool] = True

    shards: tuple[AttackShard, ...]
    after: tuple[str, ...] = field(default=())

    @property
    def model(self) -> Model:
        return self.shards[0].model

    @property
    def name(self) -> str:
        return f"merge {self.model.name} {self.shards[0].attack}"

    @property
    def needs(self) -> tuple[str, ...]:
        return (TrainModel(self.model).name, *(shard.name for shard in self.shards), *self.after)

    def is_done(self, bench: Bench) -> bool:
        folder, attack, described = self._asked(bench)
        if not (folder / BEATS_FILE).exists():
            return False
        card = read_card(folder)
        entry = card["results"].get("attacks", {}).get(attack, {})
        return (
            card["split"]["fingerprint"] == bench.load()[1].fingerprint
            and all(entry.get(name) == value for name, value in described.items())
            and are_whole(card, attack, described["eps"])
        )

    def seconds(self, costs: Costs) -> float:
        return costs.merging

    def carry_out(self, bench: Bench, progress: Progress) -> None:
        beats, split = bench.load()
        files = [shard.file(bench) for shard in self.shards]
        notes = [file.note() for file in files]
        if unfinished := [shard.name for shard, file in zip(self.shards, files, strict=True) if not file.is_finished()]:
            raise UserError(f"{self.name}: not finished yet: {', '.join(unfinished)}. Run the same command again.")
        table = pd.concat([file.table() for file in files], ignore_index=True)
        add_results(
            self.model.own(bench),
            beats,
            split,
            self.shards[0].attack,
            self.shards[0].assignment,
            table,
            seconds=sum(note["seconds"] for note in notes if note),
            machine=_one_machine([note["machine"] for note in notes if note]),
            replace_results=True,
            device=bench.torch_device,
        )

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "model": self.model.name, "shards": len(self.shards)}

    def _asked(self, bench: Bench) -> tuple[Path, str, dict[str, Any]]:
        first = self.shards[0]
        return self.model.folder(bench), first.attack, first.assignment.describe()


def _one_machine(machines: list[dict[str, str]]) -> dict[str, str]:
    """One description of all machines that made a part."""
    return {name: ", ".join(dict.fromkeys(machine[name] for machine in machines)) for name in machines[0]}


def carry_out(task: Task, bench: Bench, progress: Progress) -> None:
    """Carry a task out on one thread, in whichever process and thread this is."""
    bench.check()
    configure(1)
    task.carry_out(bench, progress)
