"""The same training from several seeds: where such checkpoints lie, and the mean and spread of what they give."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from nsr_core.evaluation.replica import Replica
from nsr_core.evaluation.replication import own_values, replication
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
        these, and by the training where there are several.
    """
    evaluated = [replica for replica in replicas if replica.summary is not None]
    found = [
        row | {"training": _training(replica), "value": row["ours"]}
        for replica in sorted(evaluated, key=lambda replica: replica.config.seed)
        for row in own_values(replica)
    ]
    table = pd.DataFrame(found, columns=[*VALUE, "split", "training", "value", "seed"]).astype({"eps": float})
    grouped = table.groupby([*VALUE, "split", "training"], as_index=False)
    told = grouped.agg(
        mean=("value", "mean"),
        spread=("value", "std"),
        low=("value", "min"),
        high=("value", "max"),
        seeds=("seed", _in_words),
    )
    return told.drop(columns="training")


def rows_by_seed(first: Sequence[Replica], others: Iterable[Replica]) -> dict[int, pd.DataFrame]:
    """The rows of ``replication`` as each other training seed gives them, by seed.

    Args:
        first: one checkpoint of each training.
        others: some of these trainings from other seeds; each takes the place of the first where it is of its seed.
    """
    by_seed: dict[int, dict[str, Replica]] = {}
    for other in others:
        by_seed.setdefault(other.config.seed, {})[_training(other)] = other
    return {
        seed: replication([there.get(_training(one), one) for one in first]) for seed, there in sorted(by_seed.items())
    }


def _training(replica: Replica) -> str:
    """All but the seed."""
    return f"{replace(replica.config, seed=0)}, split {replica.card['split']['fingerprint']}"


def _in_words(seeds: pd.Series) -> str:
    return ", ".join(str(int(seed)) for seed in seeds)
