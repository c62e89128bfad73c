"""From the per-beat table to the table of a paper: one row per attack, number of steps and noise level."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nsr_core.attacks import ATTACKS, WORST_CASE, attack_title
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
from nsr_core.evaluation.table import outcomes


class Reading(NamedTuple):
    """One way to read an attack's rows: ``pgd20`` is the run ``pgd`` as if it had stopped after 20 steps."""

    attack: str
    steps: int | None


READINGS = {"pgd20": Reading("pgd", 20), "pgd100": Reading("pgd", 100)}


#: What the name of a run ends in whose noise left the padding as it was.
_SIGNAL = "-signal"


def reading_title(name: str) -> str:
    """A reading, or the attack that a beat fell to, in words; a name that is neither stays.

    >>> reading_title("pgd100"), reading_title("apgd-t, at random"), reading_title("worst-case-signal")
    ('PGD (100 steps)', 'APGD targeted, at random', 'Worst case (signal only)')
    """
    attack, comma, start = name.partition(", ")
    if attack in READINGS:
        return f"{attack_title(READINGS[attack].attack)} ({READINGS[attack].steps} steps)"
    whole = attack.removesuffix(_SIGNAL)
    if whole not in ATTACKS and whole != WORST_CASE.name:
        return name
    return attack_title(whole) + (" (signal only)" if attack != whole else "") + comma + start


def reported_as(attack: str) -> list[str]:
    """The names under which the rows of an attack are reported."""
    return [name for name, reading in READINGS.items() if reading.attack == attack] or [attack]


def readings(table: pd.DataFrame) -> dict[str, Reading]:
    """The names under which a table's attacks are reported, in order."""
    attacks = table["attack"].unique().tolist()
    named = {name: reading for name, reading in READINGS.items() if reading.attack in attacks}
    return named | {name: Reading(name, None) for name in attacks if name != "pgd"}


def summarise(table: pd.DataFrame, frequencies: np.ndarray | None = None) -> pd.DataFrame:
    """Accuracy and precision at equal priors and at natural prevalence, recall by class, for every reading.

    More noise never helps a beat here (see ``outcomes``), save in ``acc_alone`` and ``prec_alone``: there each noise level
    stands alone, as in the paper's tables.

    ``acc_low`` and ``acc_high`` bound the central 95 % of 1,000 bootstrap resamples of the beats. Noise level 0 is the
    clean prediction of the same beats.

    Args:
        table: the per-beat table.
        frequencies: (5,) how many beats each class has in the data, for the measures at natural prevalence; by default
            those of the table, whose beats may be as many of each class.
    """
    return pd.DataFrame(
        [
            row
            for name, reading in readings(table).items()
            for row in _rows(name, outcomes(table, *reading), frequencies)
        ]
    )


def _rows(name: str, result: pd.DataFrame, frequencies: np.ndarray | None) -> list[dict[str, Any]]:
    first = result[result["eps"] == result["eps"].min()]
    clean = first.assign(pred=first["clean"], pred_alone=first["clean"], mended=False)
    levels = [(0.0, clean), *result.groupby("eps")]
    return [
        {
            "attack": name,
            "eps": eps,
            "beats": len(group),
            **_measure(group, frequencies),
            "mended": int(group["mended"].sum()),
        }
        for eps, group in levels
    ]


def _measure(result: pd.DataFrame, frequencies: np.ndarray | None) -> dict[str, float]:
    y = result["y"].to_numpy()
    counts, alone = (confusion(y, result[column].to_numpy()) for column in ("pred", "pred_alone"))
    low, high = interval(accuracy(bootstrap_counts(counts)))
    numbers: dict[str, Any] = {
        "acc": accuracy(counts),
        "acc_low": low,
        "acc_high": high,
        "prec": precision(counts),
        "acc_alone": accuracy(alone),
        "prec_alone": precision(alone),
        "acc_natural": natural_accuracy(at_frequencies(counts, frequencies)),
        "prec_natural": natural_precision(at_frequencies(counts, frequencies)),
    } | {f"recall_{label}": share for label, share in zip(CLASSES, recall(counts), strict=True)}
    return {key: round(float(value), 5) for key, value in numbers.items()}
