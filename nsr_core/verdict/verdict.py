"""What is known of a checkpoint, on the same beats: the published number, the worst case, what is proved, and what is open."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nsr_core.attacks import WORST_CASE
from nsr_core.certificates import CERTIFICATES_FILE, bracket, load_certificates
from nsr_core.data import CLASSES
from nsr_core.evaluation.metrics import accuracy, bootstrap_counts, confusion, interval
from nsr_core.evaluation.table import load_table, outcomes
from nsr_core.training.card import BEATS_FILE, read_card
from nsr_core.verdict.worst_case import BY, with_names

#: Rows of the table: all attacks in turn with noise on every sample, as published, and on the signal's samples only.
WHOLE, SIGNAL = WORST_CASE.name, f"{WORST_CASE.name}-signal"
TITLES = {WHOLE: "worst case", SIGNAL: "worst case, signal only"}
#: The paper's white-box attack, read at each level alone, as its tables do.
PUBLISHED = "pgd"
BEAT = ["record", "sample"]


@dataclass(frozen=True)
class Verdict:
    """What is known of one checkpoint.

    Attributes:
        levels: rows by noise level, 0 first, of accuracy at equal priors on the worst case's beats: ``eps``;
            ``published``, 100-PGD as the paper runs and reads it; ``worst``, after the strongest of all attacks that were
            run, with ``low`` and ``high``, the central 95 % of 1,000 bootstrap resamples of the beats; ``proved``, certified
            at that level. True accuracy under the strongest noise that exists lies between ``proved`` and ``worst``.
            ``signal``, the worst case with the padding untouched, may be of ``signal_beats`` of these beats only; beside it,
            of just those, ``signal_worst``, with noise on every sample. NaN where there is none.
        beats: a row for each beat: ``record, sample, y, clean``; ``certified``; ``broken``, the smallest level at which an
            attack broke it, 0 where it is misread without noise, NaN where none did; ``by``, which attack that was.
    """

    levels: pd.DataFrame
    beats: pd.DataFrame


def read_verdict(folder: Path) -> Verdict | None:
    """The verdict on a checkpoint from its stored results; None where its worst case was not evaluated.

    >>> found = read_verdict(Path("checkpoints/mlp-loss2"))
    >>> found.levels.set_index("eps").loc[0.1, ["published", "worst", "proved"]].round(2).to_dict()
    {'published': 0.74, 'worst': 0.0, 'proved': 0.0}

    Raises:
        UserError: results are missing or damaged, or contradict each other (see ``verdict``).
    """
    ran = read_card(folder)["results"].get("attacks", {}).get(WHOLE)
    if ran is None or not (folder / BEATS_FILE).exists():
        return None
    certificates = folder / CERTIFICATES_FILE
    # Certificates of noise on the signal only say nothing of noise on all samples.
    whole = not read_card(folder)["results"].get("certificates", {}).get("signal_only", False)
    known = load_certificates(certificates) if whole and certificates.exists() else None
    return verdict(load_table(folder / BEATS_FILE), ran["attack"]["strength"], known)


def verdict(table: pd.DataFrame, strength: str, certificates: pd.DataFrame | None = None) -> Verdict:
    """The verdict from the per-beat table, which holds ``WHOLE``, and perhaps other attacks.

    Args:
        table: see ``nsr_core.evaluation.table``. Every attack in it counts, as all its noise is within the level.
        strength: of the worst case.
        certificates: of noise on every sample (see ``nsr_core.certificates.table``).

    Raises:
        UserError: an attack broke a beat at a level at which it is certified.
    """
    table = _of_the_same_beats(table)
    beats = _smallest_breaks(table, strength)
    results = {attack: outcomes(table, attack) for attack in table["attack"].unique()}
    if certificates is not None:
        bracket(certificates, *results.values())  # raises where they contradict each other
        beats = beats.merge(certificates[[*BEAT, "certified"]], how="left", on=BEAT)
    else:
        beats["certified"] = np.nan
    eps = np.sort(table.loc[table["attack"] == WHOLE, "eps"].unique())
    signal = results.get(SIGNAL, table.iloc[:0])
    with_signal = beats.merge(signal[BEAT].drop_duplicates(), on=BEAT)
    return Verdict(pd.DataFrame([_level(results, beats, with_signal, level) for level in (0.0, *eps)]), beats)


def _of_the_same_beats(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the beats that have a worst case: the whole test split, or a part of it."""
    wanted = pd.MultiIndex.from_frame(table.loc[table["attack"] == WHOLE, BEAT].drop_duplicates())
    return table[pd.MultiIndex.from_frame(table[BEAT]).isin(wanted)]


def _smallest_breaks(table: pd.DataFrame, strength: str) -> pd.DataFrame:
    whole = with_names(table[table["attack"] == WHOLE], strength)
    first = whole[whole["eps"] == whole["eps"].min()]
    succeeded = pd.concat([whole, table[table["attack"] != WHOLE]])
    succeeded = succeeded[succeeded["step"] >= 0]
    # Of attacks that broke a beat at the same level the worst case's own is named; it comes first.
    smallest = succeeded.sort_values("eps", kind="stable").drop_duplicates(BEAT)
    named = smallest.assign(broken=smallest["eps"], by=smallest[BY].fillna(smallest["attack"]))
    beats: pd.DataFrame = first[[*BEAT, "y", "clean"]].merge(named[[*BEAT, "broken", "by"]], how="left", on=BEAT)
    misread = beats["clean"] != beats["y"]
    return beats.assign(broken=beats["broken"].mask(misread, 0.0), by=beats["by"].mask(misread, "").fillna(""))


def _level(
    results: dict[str, pd.DataFrame], beats: pd.DataFrame, with_signal: pd.DataFrame, eps: float
) -> dict[str, float]:
    # NaN, never broken, is left.
    left, signal_left = (~(some["broken"] <= eps).to_numpy() for some in (beats, with_signal))
    low, high = interval(accuracy(bootstrap_counts(_counts(beats, left))))
    certified = beats["certified"].to_numpy()
    proved = (beats["clean"] == beats["y"]).to_numpy() if eps == 0 else certified >= eps
    return {
        "eps": float(eps),
        "beats": len(beats),
        "published": _attacked(results.get(PUBLISHED), beats, eps, "pred_alone"),
        "worst": _mean_recall(beats, left),
        "low": low,
        "high": high,
        "signal": _attacked(results.get(SIGNAL), with_signal, eps, "pred"),
        "signal_worst": _mean_recall(with_signal, signal_left) if len(with_signal) else np.nan,
        "signal_beats": len(with_signal),
        "proved": np.nan if np.isnan(certified).all() else _mean_recall(beats, proved),
    }


def _attacked(result: pd.DataFrame | None, beats: pd.DataFrame, eps: float, column: str) -> float:
    """Accuracy on those beats under one attack at that level; NaN where it has no such result."""
    if result is None:
        return np.nan
    at = result[result["eps"] == (eps or result["eps"].min())]
    if len(at) != len(beats):
        return np.nan
    return _mean_recall(at, (at["clean" if eps == 0 else column] == at["y"]).to_numpy())


def _mean_recall(beats: pd.DataFrame, right: np.ndarray) -> float:
    return float(accuracy(_counts(beats, right)))


def _counts(beats: pd.DataFrame, right: np.ndarray) -> np.ndarray:
    """(5, 5) counts in which a beat that is not right is read as the class after its own: accuracy only asks whether."""
    y = beats["y"].to_numpy().astype(np.int64)
    return confusion(y, np.where(right, y, (y + 1) % len(CLASSES)))


def breaks(verdict: Verdict) -> pd.DataFrame:
    """How many beats each attack was the first to break: rows noise levels, columns attacks, the most successful first."""
    broken = verdict.beats[verdict.beats["by"] != ""]
    counts = pd.crosstab(broken["broken"].rename("eps"), broken["by"])
    levels = verdict.levels.loc[verdict.levels["eps"] > 0, "eps"]
    return counts[counts.sum().sort_values(ascending=False).index].reindex(levels.to_numpy(), fill_value=0)
