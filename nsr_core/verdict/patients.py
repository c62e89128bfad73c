"""By class, at natural prevalence, with intervals that ask: what if these had been other patients?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nsr_core.data import CLASSES
from nsr_core.data.frequencies import frequencies_of
from nsr_core.data.splits import which_beats
from nsr_core.errors import UserError
from nsr_core.evaluation.metrics import accuracy, confusion, interval, natural_accuracy
from nsr_core.evaluation.summary import readings
from nsr_core.evaluation.table import load_table, outcomes
from nsr_core.training.card import BEATS_FILE, read_card

#: Two records of one patient (MIT-BIH directory).
SAME_PATIENT = {"202": "201"}
#: What a card calls all test beats.
FULL = which_beats(None)
CLASS_MEASURES = ("recall", "precision", "f1")


@dataclass(frozen=True)
class PatientResult:
    """One checkpoint under one attack at one noise level, at natural class frequencies.

    Attributes:
        classes: of ``by_class``.
        overall: of ``overall``.
        beats: which they were, in words.
    """

    classes: pd.DataFrame
    overall: pd.DataFrame
    beats: str


def read_patients(folder: Path, reading: str = "pgd100", eps: float = 0.0) -> PatientResult:
    """From a checkpoint's stored results.

    Where the attack met as many beats of each class, the classes are weighted back to the full test split.

    Args:
        reading: a name that ``readings`` gives; at level 0 it only says which beats.

    Raises:
        UserError: no such results, or nothing says how frequent the classes are.
    """
    table = load_table(folder / BEATS_FILE)
    known = readings(table)
    if reading not in known:
        raise UserError(f'{folder} has no results of "{reading}"; it has: {", ".join(known)}.')
    result = outcomes(table, *known[reading])
    levels = np.sort(result["eps"].unique())
    if eps and eps not in levels:
        listed = ", ".join(f"{level:g}" for level in levels)
        raise UserError(f'{folder} was not attacked by "{reading}" at {eps:g}; it was at 0, {listed}.')
    result = result[result["eps"] == (eps or levels[0])]
    if not eps:
        result = result.assign(pred=result["clean"])
    card = read_card(folder)
    which = card["results"]["attacks"][known[reading].attack]["beats"]
    natural = None if which == FULL else _natural_counts(folder, table, card)
    return PatientResult(by_class(result, natural), overall(result, natural), which)


def _natural_counts(folder: Path, table: pd.DataFrame, card: dict[str, Any]) -> np.ndarray:
    """(5,) how many test beats each class has, by the card's split, else by an attack that met them all."""
    counts = frequencies_of(card)
    if counts is not None:
        return counts
    whole = [name for name, ran in card["results"]["attacks"].items() if ran["beats"] == FULL]
    if not whole:
        raise UserError(
            f"Nothing in {folder} says how frequent the classes are: no attack there met the full test split. "
            "Evaluate it under PGD on all test beats.",
            command_line=f"Run: evaluate {folder} --attacks pgd",
        )
    rows = table[table["attack"] == whole[0]]
    return np.bincount(rows.loc[rows["eps"] == rows["eps"].min(), "y"], minlength=len(CLASSES))


def by_class(result: pd.DataFrame, natural: np.ndarray | None = None) -> pd.DataFrame:
    """Recall, precision and F1 of each class at natural class frequencies, and intervals by patient.

    Args:
        result: one row per beat with ``record``, ``y`` and ``pred``.
        natural: (5,) counts of the classes at their natural frequencies; needed where ``result`` holds as many of each class. By default ``result`` is taken as it is.

    Returns:
        Rows ``class, beats, patients`` and, for each of ``CLASS_MEASURES``, the value, ``_low`` and ``_high``: the central 95 % of
        1,000 resamples of the patients. NaN where the class has no beat; an interval leaves out resamples without the class.
    """
    _, counts = patient_counts(result)
    counts = counts * _weights(counts.sum(0), natural)
    found, resampled = scores(counts.sum(0)), scores(bootstrap_patients(counts))
    rows = []
    for label, name in enumerate(CLASSES):
        own = result["y"] == label
        row = {"class": name, "beats": int(own.sum()), "patients": int((counts[:, label].sum(1) > 0).sum())}
        for measure in CLASS_MEASURES:
            low, high = _interval(resampled[measure][:, label])
            row |= {measure: float(found[measure][label]), f"{measure}_low": low, f"{measure}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def overall(result: pd.DataFrame, natural: np.ndarray | None = None) -> pd.DataFrame:
    """Accuracy at equal priors and at natural prevalence, and macro F1, with intervals by patient.

    Args:
        result, natural: see ``by_class``.

    Returns:
        Rows ``measure, value, low, high, patients``.
    """
    patients, counts = patient_counts(result)
    counts = counts * _weights(counts.sum(0), natural)
    several = bootstrap_patients(counts)
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "accuracy, equal priors": accuracy,
        "accuracy, natural prevalence": natural_accuracy,
        "macro F1, natural prevalence": lambda c: np.nanmean(scores(c)["f1"], axis=-1),
    }
    rows = []
    for name, measure in measures.items():
        low, high = _interval(measure(several))
        rows.append({"measure": name, "value": float(measure(counts.sum(0))), "low": low, "high": high})
    return pd.DataFrame(rows).assign(patients=len(patients))


def scores(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Recall, precision and F1 by class from confusion counts (..., 5, 5), each (..., 5).

    NaN for a class without beats. A class that is never predicted has precision 0.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    true, predicted = counts.sum(-1), counts.sum(-2)
    there = true > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {
            "recall": hits / true,
            "precision": np.where(predicted > 0, hits / predicted, 0.0),
            "f1": 2 * hits / (true + predicted),
        }
    return {name: np.where(there, values, np.nan) for name, values in shares.items()}


def patient_counts(result: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """The patients, and their confusion counts (patients, 5, 5)."""
    patient = result["record"].astype(str).replace(SAME_PATIENT)
    groups = list(result.groupby(patient.to_numpy(), sort=True))
    counts = [confusion(rows["y"].to_numpy(), rows["pred"].to_numpy()) for _, rows in groups]
    return [str(name) for name, _ in groups], np.stack(counts)


def bootstrap_patients(counts: np.ndarray, repeats: int = 1000, seed: int = 0) -> np.ndarray:
    """(repeats, 5, 5) confusion counts of resampled groups of patients, each as many as there are, with replacement."""
    drawn = np.random.default_rng(seed).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), repeats)
    return np.tensordot(drawn, counts, axes=1)


def _weights(counts: NDArray[np.int64], natural: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """(5, 1) by which each class's counts are multiplied to be as frequent as in ``natural``."""
    if natural is None:
        return np.ones((len(CLASSES), 1))
    weights: NDArray[np.float64] = (natural / np.maximum(counts.sum(1), 1))[:, None]
    return weights


def _interval(values: np.ndarray) -> tuple[float, float]:
    there = values[np.isfinite(values)]
    return interval(there) if len(there) else (np.nan, np.nan)
