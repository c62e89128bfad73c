"""Evaluate a checkpoint: run the attacks of a plan, keep the per-beat table and the summary beside its weights."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from nsr_core.attacks import PGD, SPSA, Attack, WorstCase, get_attack
from nsr_core.certificates import proved_levels
from nsr_core.compute import describe_machine
from nsr_core.data import Beats, Split
from nsr_core.data.splits import chosen_test_beats, which_beats
from nsr_core.errors import UserError
from nsr_core.evaluation.metrics import accuracy, confusion, natural_accuracy, precision
from nsr_core.evaluation.robustness import PAPER_EPS, attack_beats, predict
from nsr_core.evaluation.summary import readings, summarise
from nsr_core.evaluation.table import load_table, save_table
from nsr_core.files import write_atomically
from nsr_core.progress import Progress, no_progress
from nsr_core.settings import described_fields
from nsr_core.training.checkpoint import (
    BEATS_FILE,
    RESULTS_FILE,
    Checkpoint,
    check_split,
    load_checkpoint,
    read_card,
    write_card,
)

#: The paper attacks the first 162 test beats of each class with SPSA (appendix C).
PAPER_SPSA_BEATS_PER_CLASS = 162
#: Strengths of the worst case that deserve the name.
SERIOUS = ("standard", "full")


@dataclass(frozen=True)
class Assignment:
    """One attack of an evaluation.

    Attributes:
        attack: with its settings.
        per_class, spread: which test beats (see ``chosen_test_beats``).
        eps_grid: noise levels.
        seed: where the attack's chance comes from.
        carry: see ``attack_beats``.
        signal_only: whether the padding stays untouched.
    """

    attack: Attack
    per_class: int | None = None
    eps_grid: tuple[float, ...] = PAPER_EPS
    seed: int = 0
    carry: bool = False
    signal_only: bool = False
    spread: bool = False

    def describe(self) -> dict[str, Any]:
        """For the card: all that decides the result."""
        own = {name: getattr(self.attack, name) for name in described_fields(self.attack)}
        return {
            "attack": {"name": self.attack.name, **own},
            "beats": which_beats(self.per_class, self.spread),
            "eps": list(self.eps_grid),
            "seed": self.seed,
            "carry": self.carry,
            "signal_only": self.signal_only,
        }


#: The paper's evaluation: one run of 100 steps also gives 20-PGD, beat for beat.
PAPER_PLAN = {
    "pgd": Assignment(PGD(steps=100)),
    "spsa": Assignment(SPSA(), per_class=PAPER_SPSA_BEATS_PER_CLASS, carry=True),
}


#: Beats of each class that meet the worst case: 2,162 of the split by beat, where class F has 162.
WORST_CASE_BEATS_PER_CLASS = 500
#: What the project says beside the paper's: all attacks in turn, on the whole beat as there, and on its signal only.
WORST_CASE_PLAN = {
    "worst-case": Assignment(WorstCase(), WORST_CASE_BEATS_PER_CLASS, carry=True, spread=True),
    "worst-case-signal": Assignment(WorstCase(), WORST_CASE_BEATS_PER_CLASS, carry=True, spread=True, signal_only=True),
}
PLANS = PAPER_PLAN | WORST_CASE_PLAN


def protocol_of(name: str, task: Assignment) -> str:
    """By which protocol an assignment is.

    ``"paper"``: the paper's attack, on the paper's beats and noise levels. ``"worst-case"``: all our attacks in turn, at
    their usual strength or more, on whichever beats. Else ``"custom"``.
    """
    if isinstance(task.attack, WorstCase):
        return "worst-case" if task.attack.strength in SERIOUS else "custom"
    return "paper" if name in PAPER_PLAN and replace(task, seed=PAPER_PLAN[name].seed) == PAPER_PLAN[name] else "custom"


def assignment(name: str, **changes: Any) -> tuple[str, Assignment]:
    """The assignment of that name in ``PLANS``, or else the attack on the full test split, with ``changes``.

    Raises:
        UserError: there is no attack of that name.
    """
    base = PLANS.get(name) or Assignment(get_attack(name))
    return name, Assignment(**(vars(base) | changes))


def evaluate(
    folder: str | Path,
    beats: Beats,
    split: Split,
    plan: dict[str, Assignment] | None = None,
    *,
    replace_results: bool = False,
    device: torch.device | None = None,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Attack a checkpoint on test beats and write what came out beside its weights.

    ``robustness.parquet`` holds every beat, ``robustness.csv`` the summary, and the card the headline numbers. The worst case spares beats what certificates beside the weights prove that they withstand:
    no attack can break them, so it costs hours and changes nothing. After every noise level the table is on disk; an interrupted evaluation goes on there,
    and an attack that is there with the same settings is not run again.

    Args:
        folder: of a checkpoint.
        beats, split: must be those that the checkpoint was trained on: a test beat must not have trained.
        plan: by the names that the table gives them; the paper's by default.
        replace_results: whether results of an attack with other settings may be replaced.
        device: CPU by default.
        progress: told of each attack.

    Returns:
        The summary (see ``summarise``).

    Raises:
        UserError: not a checkpoint, or one of another split, or there are results of an attack with other settings.
    """
    checkpoint = load_checkpoint(folder)
    check_split(checkpoint, split)
    device = device or torch.device("cpu")
    network = checkpoint.network.to(device)
    for name, task in (PAPER_PLAN if plan is None else plan).items():
        rows = chosen_test_beats(beats, split, task.per_class, task.spread)
        store = _Store(checkpoint.folder, name, task, replace_results)
        finished = store.begin()
        proved = None
        if isinstance(task.attack, WorstCase):  # for any other the queries are a result too
            proved = proved_levels(checkpoint.folder, beats, rows, signal_only=task.signal_only)
        settings = {"seed": task.seed, "carry": task.carry, "signal_only": task.signal_only, "device": device}
        started = time.perf_counter()
        attack_beats(
            network, beats, rows, task.attack, name, task.eps_grid, **settings,  # type: ignore[arg-type]
            proved=proved, progress=progress, done=finished, on_level=store.keep,
        )  # fmt: skip
        store.finish(store.seconds + time.perf_counter() - started, describe_machine(device))
    return _write_summary(checkpoint, _clean_results(checkpoint, beats, split, device))


def add_results(
    folder: str | Path,
    beats: Beats,
    split: Split,
    name: str,
    task: Assignment,
    table: pd.DataFrame,
    *,
    seconds: float,
    machine: dict[str, str],
    replace_results: bool = False,
    device: torch.device | None = None,
) -> pd.DataFrame:
    """Write an attack's per-beat table that was made in parts beside the weights, as ``evaluate`` would have.

    Args:
        folder, beats, split, replace_results, device: as for ``evaluate``.
        name, task: which attack.
        table: all rows of the attack.
        seconds: what they took.
        machine: where they were made, as ``describe_machine`` says.

    Returns:
        The summary (see ``summarise``).

    Raises:
        UserError: as for ``evaluate``.
        ValueError: the table lacks rows, or has too many.
    """
    checkpoint = load_checkpoint(folder)
    check_split(checkpoint, split)
    expected = len(chosen_test_beats(beats, split, task.per_class, task.spread)) * len(task.eps_grid)
    if len(table) != expected or table.duplicated(["record", "sample", "eps"]).any():
        raise ValueError(
            f'The parts of "{name}" have {len(table)} rows; expected {expected}, each beat and level once.'
        )
    store = _Store(checkpoint.folder, name, task, replace_results)
    store.begin()
    store.keep(table)
    store.finish(seconds, machine)
    device = device or torch.device("cpu")
    checkpoint.network.to(device)
    return _write_summary(checkpoint, _clean_results(checkpoint, beats, split, device))


class _Store:
    """One attack's part of a checkpoint's results on disk; the card says with which settings its rows were made."""

    def __init__(self, folder: Path, name: str, task: Assignment, replace_results: bool) -> None:
        self._folder, self._name, self._described, self._replace = folder, name, task.describe(), replace_results
        self._protocol = protocol_of(name, task)
        self.seconds = 0.0  # spent on the rows so far
        self._others: list[pd.DataFrame] = []

    def begin(self) -> pd.DataFrame | None:
        """The attack's rows so far with the same settings, or None.

        Raises:
            UserError: there are rows with other settings, and they may not be replaced.
        """
        path = self._folder / BEATS_FILE
        listed = read_card(self._folder)["results"].get("attacks", {})
        known = listed.get(self._name, {})
        differing = [key for key, value in self._described.items() if known and known.get(key) != value]
        self.seconds = 0.0 if differing else known.get("seconds", 0.0)
        if differing and not self._replace:
            raise UserError(
                f'{self._folder} has results of "{self._name}" with other settings ({", ".join(differing)}). '
                "Evaluate a copy of the folder, or replace them with --replace."
            )
        table = load_table(path) if path.exists() else None
        mine = None
        if table is not None:
            # Rows that the card does not know were left by an earlier training run in this folder.
            self._others = [table[table["attack"].isin(listed) & (table["attack"] != self._name)]]
            mine = table[table["attack"] == self._name]
            if (differing or not known) and len(mine):
                # Before the card names the new settings: else, interrupted here, the old rows would pass for theirs.
                save_table(self._others[0], path)
        self._note((self._described if differing else known | self._described) | {"protocol": self._protocol})
        return None if differing or not known or mine is None or mine.empty else mine

    def keep(self, table: pd.DataFrame) -> None:
        save_table(pd.concat([*self._others, table], ignore_index=True), self._folder / BEATS_FILE)

    def finish(self, seconds: float, machine: dict[str, str]) -> None:
        known = read_card(self._folder)["results"]["attacks"][self._name]
        self._note(known | {"seconds": round(seconds, 1), "machine": machine})

    def _note(self, entry: dict[str, Any]) -> None:
        card = read_card(self._folder)
        card["results"].setdefault("attacks", {})[self._name] = entry
        write_card(self._folder, card)


def _clean_results(checkpoint: Checkpoint, beats: Beats, split: Split, device: torch.device) -> dict[str, float]:
    counts = confusion(beats.y[split.test], predict(checkpoint.network, beats.x[split.test], device))
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "acc": accuracy,
        "prec": precision,
        "acc_natural": natural_accuracy,
    }
    return {name: round(float(measure(counts)), 5) for name, measure in measures.items()} | {"beats": len(split.test)}


def _write_summary(checkpoint: Checkpoint, clean: dict[str, float]) -> pd.DataFrame:
    table = load_table(checkpoint.folder / BEATS_FILE)
    summary = summarise(table)
    write_atomically(checkpoint.folder / RESULTS_FILE, lambda path: summary.to_csv(path, index=False))
    card = read_card(checkpoint.folder)
    results = card["results"]
    results["clean"] = clean
    protocols = {name: results["attacks"][reading.attack]["protocol"] for name, reading in readings(table).items()}
    results["robust"] = {
        str(attack): {
            "protocol": protocols[str(attack)],
            "eps": group["eps"].tolist(),
            "acc": group["acc"].tolist(),
            "prec": group["prec"].tolist(),
            "acc_alone": group["acc_alone"].tolist(),
            "prec_alone": group["prec_alone"].tolist(),
            "mended": int(group["mended"].sum()),
        }
        for attack, group in summary.groupby("attack", sort=False)
    }
    results.pop("mean_absolute_difference_to_paper_table", None)  # of earlier versions: nsr_core.paper derives it
    write_card(checkpoint.folder, card)
    return summary


def plan_of(names: Sequence[str], **changes: Any) -> dict[str, Assignment]:
    """The assignments of several attacks, with the same ``changes`` to each."""
    return dict(assignment(name, **changes) for name in names)
