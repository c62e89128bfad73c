"""Adversarial examples of one network shown to all others, kept as one table of several checkpoints.

Where others' noise breaks a network more often than its own attack does, its gradient misleads that attack (Papernot et al.
2016; Carlini et al. 2019, section 4.3).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from nsr_core.attacks import PGD, Attack, BeatRandomness
from nsr_core.data import Beats
from nsr_core.errors import UserError
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.metrics import accuracy, confusion
from nsr_core.evaluation.rows import as_tensors
from nsr_core.files import read_json, write_atomically
from nsr_core.progress import Progress, no_progress
from nsr_core.training.checkpoint import Checkpoint
from nsr_core.verdict.universal import attack_universally

#: Where the included one lies, in the folder of the checkpoints.
TRANSFER_FILE = "transfer.json"
#: One at which undefended networks fall, and that of the paper's claim.
LEVELS = (0.05, 0.1)
PER_CLASS = 100
#: From this difference on, a network's own attack is called weaker than another's noise.
TELLING = 0.05


def transferred(
    source: nn.Module,
    networks: Mapping[str, nn.Module],
    beats: Beats,
    rows: np.ndarray,
    eps: float,
    *,
    attack: Attack | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> dict[str, float]:
    """What noise that was made on one network leaves of each network's accuracy, classes equally frequent.

    Args:
        source: which the noise is made on; on the CPU, in eval mode.
        networks: which read the beats with it, by name; likewise.
        beats, rows: the beats.
        eps: noise level, in units of the beat's range.
        attack: by default PGD as published.
        seed: of the attack.
        progress: called at every step of the attack; raising from it stops the work.

    Raises:
        UserError: no beat, or a noise level that is none.
    """
    if not len(rows):
        raise UserError("No beat was given to make noise for; expected at least one.")
    x, y, _ = as_tensors(beats, rows)
    x_adv = (attack or PGD())(source, x, y, eps, randomness=BeatRandomness(seed, rows), progress=progress).x_adv
    read = {name: judge(network, x, y, eps, None, x_adv).pred for name, network in networks.items()}
    return {name: float(accuracy(confusion(y.numpy(), pred.numpy()))) for name, pred in read.items()}


@dataclass(frozen=True)
class NoiseOf:
    """What the noise of one network does, and what is known of the network itself.

    Attributes:
        clean: its accuracy without noise.
        universal: its accuracy with one noise for all beats, made for it on other beats, by noise level.
        accuracy: by noise level, the accuracy of each network, by name, with the noise that was made on this one.
    """

    clean: float
    universal: dict[str, float]
    accuracy: dict[str, dict[str, float]]


@dataclass(frozen=True)
class TransferTable:
    """Transfer between several checkpoints.

    Attributes:
        protocol: of what all numbers are: attack, noise levels, beats, split and seed.
        weights: of each checkpoint that took part, the digest of the weights that all its numbers are of.
        noises: by the checkpoint that the noise was made on; those that are finished.
    """

    protocol: dict[str, Any]
    weights: dict[str, str] = field(default_factory=dict)
    noises: dict[str, NoiseOf] = field(default_factory=dict)

    @property
    def levels(self) -> list[float]:
        return [float(eps) for eps in self.protocol["eps"]]

    def only(self, weights: Mapping[str, str]) -> "TransferTable":
        """What holds for checkpoints of these weights: numbers of other checkpoints, or of other weights, are left out."""
        same = {name: digest for name, digest in self.weights.items() if weights.get(name) == digest}
        noises = {
            name: replace(
                noise,
                accuracy={
                    eps: {target: value for target, value in by_target.items() if target in same}
                    for eps, by_target in noise.accuracy.items()
                },
            )
            for name, noise in self.noises.items()
            if name in same
        }
        return TransferTable(self.protocol, same, noises)

    def matrix(self, eps: float) -> pd.DataFrame:
        """Accuracy at a noise level: rows made the noise, columns read it; NaN where that was not tried."""
        rows = {name: noise.accuracy[f"{eps:g}"] for name, noise in self.noises.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(self.noises), dtype=float)

    @property
    def clean(self) -> pd.Series:
        """Accuracy without noise, by name."""
        return pd.Series({name: noise.clean for name, noise in self.noises.items()}, dtype=float)

    def universal(self, eps: float) -> pd.Series:
        """Accuracy with one noise for all beats at a noise level, by name."""
        return pd.Series({name: noise.universal[f"{eps:g}"] for name, noise in self.noises.items()}, dtype=float)

    def telling(self, eps: float, least: float = TELLING) -> pd.DataFrame:
        """Networks whose own attack is weaker than noise that was made on another, a sign of masking; the clearest first.

        Returns:
            Rows ``target, source, own, transferred, gap``: accuracy under its own attack and with the noise of ``source``,
            the one that leaves least, where that leaves less by ``least`` at least.
        """
        matrix = self.matrix(eps)
        rows = []
        for target in map(str, matrix):
            others = matrix[target].drop(target).dropna()
            own = matrix.loc[target, target]
            if len(others) and own - others.min() >= least:
                rows.append((target, others.idxmin(), own, others.min(), own - others.min()))
        table = pd.DataFrame(rows, columns=["target", "source", "own", "transferred", "gap"])
        return table.sort_values("gap", ascending=False, ignore_index=True)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def measure_transfer(
    checkpoints: Sequence[Checkpoint],
    beats: Beats,
    known: np.ndarray,
    rows: np.ndarray,
    protocol: Mapping[str, Any],
    *,
    attack: Attack,
    levels: Sequence[float],
    seed: int = 0,
    keep: Path | None = None,
    replace_results: bool = False,
    progress: Progress = no_progress,
) -> TransferTable:
    """Transfer between all pairs of checkpoints, each with itself too, and each one's universal noise.

    Args:
        known: the beats that universal noises are made on.
        rows: the beats that all noise is measured on.
        protocol: what else the numbers depend on, plain values.
        attack, levels, seed: of the noise.
        keep: a file that is written after each checkpoint. What it holds of the same weights is not computed again.
        replace_results: whether a file of another protocol gives way.
        progress: called with all steps; raising from it stops the work, and what is finished is kept.

    Raises:
        UserError: two checkpoints of one name, no beat, a level that is none, or the file is of another protocol.
    """
    names = [one.name for one in checkpoints]
    if len(set(names)) < len(names):
        raise UserError(f"The checkpoints are {', '.join(names)}; expected each name once. Leave out one of two alike.")
    settings = {"attack": {"name": attack.name, **asdict(attack)}, "eps": list(levels), "seed": seed, **protocol}
    weights = {one.name: one.digest for one in checkpoints}
    table = replace(_kept(keep, settings, replace_results).only(weights), weights=weights)
    networks = {one.name: one.network for one in checkpoints}
    for number, one in enumerate(checkpoints):
        done = table.noises.get(one.name)
        if done is not None and all(set(names) <= set(by_target) for by_target in done.accuracy.values()):
            continue

        def within(done: int, total: int, what: str) -> None:
            share = done / max(total, 1)
            progress(int(1000 * (number + share)), 1000 * len(names), f"noise made on {names[number]}")  # noqa: B023

        accuracies = {
            f"{eps:g}": transferred(one.network, networks, beats, rows, eps, attack=attack, seed=seed, progress=within)
            for eps in levels
        }
        universal = {eps: attack_universally(one.network, beats, known, rows, eps, seed=seed) for eps in levels}
        table.noises[one.name] = NoiseOf(
            universal[levels[0]].accuracy_before,
            {f"{eps:g}": found.accuracy_after for eps, found in universal.items()},
            accuracies,
        )
        if keep is not None:
            save_transfer(table, keep)
    progress(1000 * len(names), 1000 * len(names), "all pairs")
    return replace(table, noises={name: table.noises[name] for name in names})


def _kept(path: Path | None, settings: dict[str, Any], replace_results: bool) -> TransferTable:
    """What a file holds, or an empty table of these settings."""
    settings = json.loads(json.dumps(settings))  # as it comes back from a file
    found = None if path is None else load_transfer(path)
    if found is None or (replace_results and found.protocol != settings):
        return TransferTable(settings)
    if found.protocol != settings:
        names = [name for name in settings if found.protocol.get(name) != settings[name]]
        raise UserError(
            f"{path} holds results with another {', '.join(names)}. Name another file, or replace them.",
            command_line="Add --replace.",
        )
    return found


def save_transfer(table: TransferTable, path: Path) -> None:
    """Write a table as JSON, in the place of an earlier one."""
    write_atomically(
        path, lambda partial: partial.write_text(json.dumps(table.to_json(), indent=1) + "\n", encoding="utf-8")
    )


def load_transfer(path: Path) -> TransferTable | None:
    """What ``save_transfer`` wrote; None where there is no such file.

    Raises:
        UserError: the file is none that the command ``transfer`` writes.
    """
    if not path.exists():
        return None
    try:
        value = read_json(path)
        noises = {name: NoiseOf(**noise) for name, noise in value["noises"].items()}
        table = TransferTable(value["protocol"], dict(value["weights"]), noises)
        for eps in table.levels:
            accuracies = table.matrix(eps).to_numpy(float)
            if not ((accuracies >= 0) & (accuracies <= 1) | np.isnan(accuracies)).all():
                raise ValueError("an accuracy lies outside 0 to 1")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path.name} is not a result of transfer ({error}). Delete it and make it anew.",
            command_line=f"Run: transfer --keep {path}",
        ) from error
    return table


def comparable(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Those whose test beats are the same as the first's: of another split's beats, some were learned."""
    checkpoints = list(checkpoints)
    first = checkpoints[0].card["split"]["fingerprint"] if checkpoints else None
    return [one for one in checkpoints if one.card["split"]["fingerprint"] == first]
