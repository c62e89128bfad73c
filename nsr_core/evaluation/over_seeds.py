"""The same training from several seeds: where such checkpoints lie, and the mean and spread of what they give."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from nsr_core.evaluation.replica import Replica
from nsr_core.evaluation.replication import own_values
from nsr_core.training.checkpoint import list_checkpoints

#: Below a folder of checkpoints: those that differ from one of them in the seed alone.
SEEDS_FOLDER = "seeds"
#: What makes a published value.
VALUE = ["network", "method", "attack", "metric", "eps"]


def list_with_seeds(root: str | Path) -> list[Path]:
    """The checkpoints in a folder, then those in its folder ``seeds``: the same trainings from other seeds."""
    return [*list_checkpoints(root), *list_checkpoints(Path(root) / SEEDS_FOLDER)]


def over_seeds(replicas: Iterable[Replica]) -> pd.DataFrame:
    """Mean and spread over the training seeds of each value that the paper publishes, each noise level alone.

    Only checkpoints whose settings differ in the seed and nowhere else, and which were trained on the same split, are
    taken together.

    Returns:
        ``network, method, attack, metric, eps, split`` (its fingerprint), ``mean, spread`` (the sample standard deviation;
        NaN for a single seed), ``low, high`` (the smallest and the largest), ``seeds`` (such as ``"0, 1, 2"``). Sorted by
        these, and by the settings where there are several.
    """
    evaluated = [replica for replica in replicas if replica.summary is not None]
    found = [
        row | {"settings": str(replace(replica.config, seed=0)), "value": row["ours"]}
        for replica in sorted(evaluated, key=lambda replica: replica.config.seed)
        for row in own_values(replica)
    ]
    table = pd.DataFrame(found, columns=[*VALUE, "split", "settings", "value", "seed"]).astype({"eps": float})
    grouped = table.groupby([*VALUE, "split", "settings"], as_index=False)
    told = grouped.agg(
        mean=("value", "mean"),
        spread=("value", "std"),
        low=("value", "min"),
        high=("value", "max"),
        seeds=("seed", _in_words),
    )
    return told.drop(columns="settings")


def _in_words(seeds: pd.Series) -> str:
    return ", ".join(str(int(seed)) for seed in seeds)
