"""Evaluate a checkpoint: run the attacks of a plan, keep the per-beat table and the summary beside its weights."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from nsr_core.attacks import WorstCase
from nsr_core.certificates import proved_levels
from nsr_core.compute import describe_machine
from nsr_core.data import Beats, Split
from nsr_core.data.frequencies import class_counts
from nsr_core.data.splits import chosen_test_beats
from nsr_core.evaluation.assignment import PAPER_PLAN, Assignment, protocol_of
from nsr_core.evaluation.metrics import accuracy, confusion, natural_accuracy, precision
from nsr_core.evaluation.robustness import attack_beats, predict
from nsr_core.evaluation.summary import readings, reported_as, summarise
from nsr_core.evaluation.table import BEATS_TABLE, load_table, save_table
from nsr_core.files import write_atomically
from nsr_core.progress import Progress, no_progress
from nsr_core.training.card import BEATS_FILE, RESULTS_FILE, write_card
from nsr_core.training.checkpoint import Checkpoint, check_split
from nsr_core.training.results import known_entry, open_results, write_entry


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

    ``robustness.parquet`` holds every beat, ``robustness.csv`` the summary, and the card the headline numbers. The worst case
    spares beats what certificates beside the weights prove that they withstand: no attack can break them, so it costs hours
    and changes nothing. After every noise level the table is on disk; an interrupted evaluation goes on there, and an attack
    that is there with the same settings is not run again.

    >>> from tempfile import TemporaryDirectory
    >>> from nsr_core.attacks import FGSM
    >>> from nsr_core.data import load_beats, make_split
    >>> from nsr_core.training.config import paper_config
    >>> from nsr_core.training.loop import train
    >>> beats = load_beats("demo")
    >>> split = make_split(beats, "beat")
    >>> config = paper_config("mlp", "ce", source="demo", epochs=1, batch_size=128)
    >>> plan = {"fgsm": Assignment(FGSM(), eps_grid=(0.05, 0.1), per_class=20)}
    >>> with TemporaryDirectory() as runs:
    ...     summary = evaluate(train(config, beats, split, Path(runs) / "mlp-ce"), beats, split, plan)
    >>> summary["eps"].tolist(), summary["beats"].tolist(), bool(summary["acc"].is_monotonic_decreasing)
    ([0.0, 0.05, 0.1], [100, 100, 100], True)

    Args:
        folder: of a checkpoint.
        beats, split: must be those that the checkpoint was trained on: a test beat must not have trained.
        plan: by the names that the table gives them; the paper's by default.
        replace_results: whether results of an attack with other settings may be replaced.
        device: CPU by default.
        progress: called for each attack.

    Returns:
        The summary (see ``summarise``).

    Raises:
        UserError: not a checkpoint, or one of another split, or there are results of an attack with other settings.
    """
    device = device or torch.device("cpu")
    with open_results(folder, "evaluating") as checkpoint:
        check_split(checkpoint, split)
        network = checkpoint.network.to(device)
        for name, assignment in (PAPER_PLAN if plan is None else plan).items():
            rows = chosen_test_beats(beats, split, assignment.per_class, assignment.spread)
            kept = _Kept(checkpoint, name, assignment, replace_results, describe_machine(device))
            proved = None
            if isinstance(assignment.attack, WorstCase):  # for any other the queries are a result too
                proved = proved_levels(checkpoint.folder, beats, rows, signal_only=assignment.signal_only)
            attack_beats(
                network,
                beats,
                rows,
                name,
                assignment,
                device=device,
                proved=proved,
                progress=progress,
                done=kept.rows,
                on_level=kept.keep,
            )
        frequencies = class_counts(beats, split)
        return _write_summary(checkpoint, _clean_results(checkpoint, beats, split, device), frequencies)


def add_results(
    folder: str | Path,
    beats: Beats,
    split: Split,
    name: str,
    assignment: Assignment,
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
        name, assignment: which attack.
        table: all rows of the attack.
        seconds: what they took.
        machine: where they were made, as ``describe_machine`` says.

    Returns:
        The summary (see ``summarise``).

    Raises:
        UserError: as for ``evaluate``.
        ValueError: the table lacks rows, or has too many.
    """
    device = device or torch.device("cpu")
    with open_results(folder, "evaluating") as checkpoint:
        check_split(checkpoint, split)
        beats_asked = len(chosen_test_beats(beats, split, assignment.per_class, assignment.spread))
        expected = beats_asked * len(assignment.eps_grid)
        if len(table) != expected or table.duplicated(["record", "sample", "eps"]).any():
            raise ValueError(
                f'The parts of "{name}" have {len(table)} rows; expected {expected}, each beat and level once.'
            )
        _Kept(checkpoint, name, assignment, replace_results, machine).keep(table, seconds)
        checkpoint.network.to(device)
        frequencies = class_counts(beats, split)
        return _write_summary(checkpoint, _clean_results(checkpoint, beats, split, device), frequencies)


class _Kept:
    """One attack's part of a checkpoint's results on disk; the card says with which settings its rows were made.

    Attributes:
        rows: those with these settings that are there; None where there are none.

    Raises:
        UserError: there are rows with other settings, and they may not be replaced.
    """

    def __init__(
        self, checkpoint: Checkpoint, name: str, assignment: Assignment, replace_results: bool, machine: dict[str, str]
    ) -> None:
        settings = assignment.describe()
        known = known_entry(checkpoint, "attacks", name, settings=settings, replace_results=replace_results)
        self._checkpoint, self._name, self._path = checkpoint, name, checkpoint.folder / BEATS_FILE
        self._entry = (known or settings) | {"protocol": protocol_of(name, assignment)}
        self._before, self._began, self._machine = (known or {}).get("seconds", 0.0), time.perf_counter(), machine
        table = BEATS_TABLE.load_to_add(self._path, replace_results)
        _forget_lost(checkpoint, table, replace_results)
        mine = table["attack"] == name
        # Rows that the card does not know were left by an earlier training in this folder.
        self._others = table[table["attack"].isin(checkpoint.card["results"].get("attacks", {})) & ~mine]
        self.rows = table[mine] if known and mine.any() else None
        if self.rows is None:
            for reading in reported_as(name):  # else a summary of other rows would stand beside these settings
                checkpoint.card["results"].get("robust", {}).pop(reading, None)
        if self.rows is None and mine.any():
            # Before the card names these settings: else, interrupted there, the old rows would pass for theirs.
            save_table(self._others, self._path)

    def keep(self, table: pd.DataFrame, seconds: float | None = None) -> None:
        """Write the attack's rows so far and, on the card, what they took: ``seconds``, by default since the beginning."""
        seconds = time.perf_counter() - self._began if seconds is None else seconds
        taken = {"seconds": round(self._before + seconds, 1), "machine": self._machine}
        # The card first: stopped in between, a level is attacked again; the other way round, the card knew no rows.
        write_entry(self._checkpoint, "attacks", self._name, value=self._entry | taken)
        save_table(pd.concat([*([self._others] if len(self._others) else []), table], ignore_index=True), self._path)


def _forget_lost(checkpoint: Checkpoint, table: pd.DataFrame, replace_results: bool) -> None:
    """Take off the card what it says of attacks whose rows are gone, so that no number stands there that nothing carries.

    Raises:
        Damaged: a summary of them was finished, and may not be replaced.
    """
    results = checkpoint.card["results"]
    there = set(table["attack"].unique())
    robust = results.get("robust", {})
    lost = [name for name in results.get("attacks", {}) if name not in there]
    summarised = [name for name in lost if not robust.keys().isdisjoint(reported_as(name))]
    if summarised and not replace_results:
        raise BEATS_TABLE.damaged(
            f"{checkpoint.folder / BEATS_FILE} holds no beats under {', '.join(summarised)}, of which the card has results."
        )
    for name in lost:
        for reading in reported_as(name):
            robust.pop(reading, None)
    for name in summarised:
        del results["attacks"][name]


def _clean_results(checkpoint: Checkpoint, beats: Beats, split: Split, device: torch.device) -> dict[str, float]:
    counts = confusion(beats.y[split.test], predict(checkpoint.network, beats.x[split.test], device))
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "acc": accuracy,
        "prec": precision,
        "acc_natural": natural_accuracy,
    }
    return {name: round(float(measure(counts)), 5) for name, measure in measures.items()} | {"beats": len(split.test)}


def _write_summary(checkpoint: Checkpoint, clean: dict[str, float], frequencies: np.ndarray) -> pd.DataFrame:
    table = load_table(checkpoint.folder / BEATS_FILE)
    summary = summarise(table, frequencies)
    write_atomically(checkpoint.folder / RESULTS_FILE, lambda path: summary.to_csv(path, index=False))
    results = checkpoint.card["results"]
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
    write_card(checkpoint.folder, checkpoint.card)
    return summary
