"""The same training from several seeds: where such checkpoints lie, and the mean and spread of what they give."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from nsr_core.paper.replication import Replication, own_values, published_and_ours
from nsr_core.training.card import list_checkpoints

#: Below a folder of checkpoints: those that differ from one of them in the seed alone.
SEEDS_FOLDER = "seeds"
#: What values have in common that differ in the training seed alone: what is measured, the training, and how both the
#: training and the attack depart from the paper, so that the beats are the same as well.
ALIKE = ["network", "method", "attack", "metric", "eps", "training", "departures"]


def list_with_seeds(root: str | Path) -> list[Path]:
    """The checkpoints in a folder, then those in its folder ``seeds``: the same trainings from other seeds."""
    return [*list_checkpoints(root), *list_checkpoints(Path(root) / SEEDS_FOLDER)]


def over_seeds(replications: Iterable[Replication]) -> pd.DataFrame:
    """Mean and spread over the training seeds of each value that the paper publishes, each noise level alone.

    Only checkpoints whose settings differ in the seed and nowhere else, which were trained on the same split and met the
    same attack on the same beats, are taken together.

    Returns:
        ``network, method, attack, metric, eps, training, departures`` (as in ``published_and_ours``), ``mean, spread`` (the sample
        standard deviation; NaN for a single seed), ``low, high`` (the smallest and the largest), ``seeds`` (such as
        ``"0, 1, 2"``). Sorted by these.
    """
    evaluated = [replication for replication in replications if replication.summary is not None]
    found = [
        row | {"value": row["ours"]}
        for replication in sorted(evaluated, key=lambda replication: replication.config.seed)
        for row in own_values(replication)
    ]
    table = pd.DataFrame(found, columns=[*ALIKE, "value", "seed"]).astype({"eps": float})
    return table.groupby(ALIKE, as_index=False).agg(
        mean=("value", "mean"),
        spread=("value", "std"),
        low=("value", "min"),
        high=("value", "max"),
        seeds=("seed", _in_words),
    )


def rows_by_seed(first: Sequence[Replication], others: Iterable[Replication]) -> dict[int, pd.DataFrame]:
    """The rows of ``published_and_ours`` as each other training seed gives them, by seed.

    Args:
        first: one checkpoint of each training.
        others: some of these trainings from other seeds; each takes the place of the first where it is of its seed.
    """
    by_seed: dict[int, dict[str, Replication]] = {}
    for other in others:
        by_seed.setdefault(other.config.seed, {})[other.training] = other
    return {
        seed: published_and_ours([there.get(one.training, one) for one in first])
        for seed, there in sorted(by_seed.items())
    }


def _in_words(seeds: pd.Series) -> str:
    return ", ".join(str(int(seed)) for seed in seeds)
