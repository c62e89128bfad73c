"""Each of the paper's 756 cells beside ours, over all seeds that there are."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nsr_core.evaluation.assignment import PAPER_PLAN
from nsr_core.evaluation.metrics import accuracy, bootstrap_counts, confusion, interval, precision
from nsr_core.evaluation.summary import readings
from nsr_core.evaluation.table import load_table, outcomes
from nsr_core.paper.replication import Replication, published_and_ours, run_of
from nsr_core.paper.seeds import ALIKE, over_seeds
from nsr_core.training.card import BEATS_FILE, CARD_FILE, RESULTS_FILE
from nsr_core.training.checkpoint import load_checkpoint

PAPER_METRICS = {"acc": accuracy, "prec": precision}


def read_replications(folders: Iterable[Path]) -> list[Replication]:
    """The checkpoints that are there, each with its results where it has been evaluated."""
    there = [folder for folder in folders if (folder / CARD_FILE).exists()]
    return [Replication.of(load_checkpoint(folder), _summary(folder)) for folder in there]


def cells(folders: Sequence[Path]) -> pd.DataFrame:
    """The rows of ``published_and_ours``, with every value the mean over the training seeds.

    Each noise level stands alone, as in the paper's tables; ``mended`` is of the first seed.

    Args:
        folders: of checkpoints, one for each network, method and seed.

    Returns:
        In place of ``seed``: ``seeds`` (such as ``"0, 1, 2"``) and ``spread`` (the sample standard deviation over them,
        NaN for a single one). ``low, high`` bound 95 % of the resamples of the beats, of ACC and PREC alike, for a single
        seed; ``part`` says whether these beats are fewer than the paper's.
    """
    replications = sorted(read_replications(folders), key=lambda replication: replication.config.seed)
    first: dict[tuple[str, str], Replication] = {}
    for replication in replications:
        first.setdefault((replication.config.network, replication.config.method), replication)
    rows = published_and_ours(first.values()).drop(columns=["seed", "low", "high"])
    outcome = over_seeds(replications)[[*ALIKE, "mean", "spread", "seeds"]]
    rows = rows.merge(outcome, how="left").merge(_intervals(folders, first.values()), how="left")
    rows["ours"] = rows.pop("mean")
    rows["difference"] = rows["ours"] - rows["paper"]
    rows.loc[rows["spread"].notna(), ["low", "high"]] = np.nan  # of one seed's beats: not of the mean
    rows["seeds"] = rows["seeds"].fillna("")
    rows["part"] = rows["part"].fillna(False).astype(bool)
    return rows


def courses(folders: Sequence[Path]) -> pd.DataFrame:
    """How each training went, epoch by epoch: ``checkpoint, network, method, seed`` and the history's columns."""
    parts = []
    for replication, folder in _with_folders(folders):
        history = pd.read_csv(folder / "history.csv")
        names = {
            "checkpoint": replication.name,
            "network": replication.config.network,
            "method": replication.config.method,
        }
        parts.append(history.drop(columns="seconds").assign(**names, seed=replication.config.seed))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _with_folders(folders: Sequence[Path]) -> list[tuple[Replication, Path]]:
    there = [folder for folder in folders if (folder / CARD_FILE).exists()]
    return list(zip(read_replications(there), there, strict=True))


def _summary(folder: Path) -> pd.DataFrame | None:
    path = folder / RESULTS_FILE
    return pd.read_csv(path) if path.exists() else None


def _intervals(folders: Sequence[Path], replications: Iterable[Replication]) -> pd.DataFrame:
    """``low, high`` and ``part`` of each cell that one of the checkpoints has."""
    by_name = {folder.name: folder for folder in folders}
    found = []
    for replication in replications:
        if replication.summary is None:
            continue
        table = load_table(by_name[replication.name] / BEATS_FILE)
        attacks = replication.card["results"]["attacks"]
        for attack, reading in readings(table).items():
            run = run_of(attack)
            if run not in PAPER_PLAN:
                continue
            part = attacks[run]["beats"] != PAPER_PLAN[run].describe()["beats"]
            names = {
                "network": replication.config.network,
                "method": replication.config.method,
                "attack": attack,
                "part": part,
            }
            found += [{**names, **row} for row in _levels(outcomes(table, *reading))]
    columns = ["network", "method", "attack", "metric", "eps", "low", "high", "part"]
    return pd.DataFrame(found, columns=columns).astype({"eps": float})


def _levels(result: pd.DataFrame) -> list[dict[str, Any]]:
    """The interval of each metric at each noise level, 0 among them, each level alone."""
    clean = result[result["eps"] == result["eps"].min()].assign(eps=0.0)
    levels = [(0.0, clean["y"], clean["clean"])]
    levels += [(float(eps), group["y"], group["pred_alone"]) for eps, group in result.groupby("eps")]  # type: ignore[arg-type]
    rows = []
    for eps, y, pred in levels:
        resampled = bootstrap_counts(confusion(y.to_numpy(), pred.to_numpy()))
        for metric, measure in PAPER_METRICS.items():
            low, high = interval(measure(resampled))
            rows.append({"eps": eps, "metric": metric, "low": low, "high": high})
    return rows
