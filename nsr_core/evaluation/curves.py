"""Accuracy against noise, from the per-beat table: any measure, with its interval, and the beats behind a point."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nsr_core.data import CLASSES
from nsr_core.evaluation.metrics import (
    accuracy,
    at_frequencies,
    bootstrap_counts,
    confusion,
    interval,
    natural_accuracy,
    natural_precision,
    precision,
    recall,
)
from nsr_core.evaluation.summary import Reading
from nsr_core.evaluation.table import CARRIED, outcomes

Measurement = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Measure:
    """A number that is read off confusion counts.

    Attributes:
        title: for people; the class by its letter.
        equal: (..., 5, 5) counts to (...) values with every class as frequent as any other.
        natural: the same at natural class frequencies, those among the beats.
    """

    title: str
    equal: Measurement
    natural: Measurement


def _recall_of(label: int) -> Measurement:
    return lambda counts: recall(counts)[..., label]


MEASURES = {
    "acc": Measure("Accuracy", accuracy, natural_accuracy),
    "prec": Measure("Precision", precision, natural_precision),
} | {
    f"recall_{name}": Measure(f"Recall ({name})", _recall_of(label), _recall_of(label))
    for label, name in enumerate(CLASSES)
}


def curve(
    table: pd.DataFrame,
    reading: Reading,
    measure: str,
    *,
    natural: bool = False,
    alone: bool = False,
    frequencies: np.ndarray | None = None,
) -> pd.DataFrame:
    """One measure at every noise level, 0 first.

    Args:
        table: the per-beat table.
        reading: one of ``readings(table)``.
        measure: a name in ``MEASURES``.
        natural: classes as frequent as among the beats, instead of equally frequent.
        alone: each noise level as if no other had been tried, as the paper reports, instead of "broken once, broken at
            every larger level" (see ``outcomes``).
        frequencies: (5,) how many beats each class has in the data, for ``natural`` where the table holds as many of each
            class; by default those of the table.

    Returns:
        Rows ``eps, value, low, high, beats``: the value and the central 95 % of 1,000 bootstrap resamples of the beats.
    """
    result = outcomes(table, *reading)
    measured = MEASURES[measure].natural if natural else MEASURES[measure].equal
    lowest = result[result["eps"] == result["eps"].min()]
    levels = [(0.0, lowest["clean"].to_numpy(), lowest["y"].to_numpy())]
    column = "pred_alone" if alone else "pred"
    for eps in np.sort(result["eps"].unique()):
        part = result[result["eps"] == eps]
        levels.append((float(eps), part[column].to_numpy(), part["y"].to_numpy()))
    return pd.DataFrame([_point(eps, y, pred, measured, frequencies if natural else None) for eps, pred, y in levels])


def _point(
    eps: float, y: np.ndarray, pred: np.ndarray, measured: Measurement, frequencies: np.ndarray | None
) -> dict[str, float]:
    counts = confusion(y, pred)
    low, high = interval(measured(at_frequencies(bootstrap_counts(counts), frequencies)))
    return {
        "eps": eps,
        "value": float(measured(at_frequencies(counts, frequencies))),
        "low": low,
        "high": high,
        "beats": len(y),
    }


def beats_that_flip(table: pd.DataFrame, reading: Reading, eps: float) -> pd.DataFrame:
    """The beats that are read correctly at every smaller noise level and wrongly at this one.

    Args:
        eps: one of the table's levels; at 0, the beats that are misread without noise.

    Returns:
        Rows ``record, sample, y, pred, step``: class, what it is read as (indices into ``CLASSES``), and the attack's
        step of first success (-1 at noise level 0), by step.
    """
    result = outcomes(table, *reading).assign(step=_steps(table, reading))
    levels = np.sort(result["eps"].unique())
    if eps == 0:
        first = result[result["eps"] == levels[0]]
        chosen = first[first["clean"] != first["y"]].assign(step=-1)
    else:
        chosen = result[(result["eps"] == eps) & result["broken"] & (result["clean"] == result["y"])]
        smaller = levels[levels < eps]
        if len(smaller):
            before = result[(result["eps"] == smaller[-1]) & result["broken"]][["record", "sample"]]
            known = pd.MultiIndex.from_frame(before)
            chosen = chosen[~pd.MultiIndex.from_frame(chosen[["record", "sample"]]).isin(known)]
    shown: pd.DataFrame = chosen[["record", "sample", "y", "pred", "step"]]
    return shown.sort_values("step", kind="stable", ignore_index=True)


def _steps(table: pd.DataFrame, reading: Reading) -> np.ndarray:
    """The step column in the order of ``outcomes``."""
    rows = table[table["attack"] == reading.attack].sort_values(["eps", "record", "sample"])
    return rows["step"].where(rows["step"] != CARRIED, -1).to_numpy()
