"""Every value of the paper's tables beside what the checkpoints here give, whatever protocol those followed."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from nsr_core.paper.published import paper_tables
from nsr_core.paper.replica import Replica, run_of
from nsr_core.paper.report import ATTACK_TITLES

#: What the reproduction aimed at: the mean distance to these tables, by method.
AIM_TABLES = (1, 5)
_KEYS = ["network", "method", "attack", "metric", "eps"]


def aim(method: str) -> float:
    """The largest mean distance to Tables 1 and 5 that the reproduction aimed at."""
    return 0.06 if method == "loss2" else 0.08


def table_number(network: str, attack: str, metric: str) -> int:
    """The number of the paper's table for a network, an attack (``pgd20``, ``pgd100``, ``spsa``) and a metric."""
    published = paper_tables()
    chosen = (published["network"] == network) & (published["attack"] == attack) & (published["metric"] == metric)
    return int(published.loc[chosen, "table"].iloc[0])


def replication(replicas: Iterable[Replica]) -> pd.DataFrame:
    """All 756 published values, each beside ours where there is one: each noise level alone, as the paper reports.

    Where two checkpoints are of the same network and method, one by the paper protocol goes before, then by name.

    Returns:
        Rows in the paper's order: ``table, metric, network, attack, method, eps, paper, ours, difference`` (ours minus
        paper), ``low, high`` (95 % bootstrap interval of ours over the beats; only for ACC and only where no beat was
        mended, since it is taken of the numbers that mend), ``beats, mended, protocol, departures, epochs, training, split,
        seed, attack_seed, checkpoint, digest, note``, and ``missing``: why ours is not there, else "".
    """
    published = paper_tables().rename(columns={"value": "paper"})
    chosen: dict[tuple[str, str], Replica] = {}
    for replica in sorted(replicas, key=lambda one: (one.config.protocol != "paper", one.name)):
        chosen.setdefault((replica.config.network, replica.config.method), replica)
    found = [row for replica in chosen.values() if replica.summary is not None for row in own_values(replica)]
    ours = pd.DataFrame(found, columns=[*_KEYS, *_OURS])
    joined = published.merge(ours.astype({"eps": float}), on=_KEYS, how="left")
    for name in ("ours", "low", "high"):
        joined[name] = joined[name].astype(float)
    joined["difference"] = joined["ours"] - joined["paper"]
    cells = zip(joined["ours"], joined["network"], joined["method"], joined["attack"], strict=True)
    joined["missing"] = [
        "" if np.isfinite(ours) else _why_missing(chosen.get((network, method)), attack)
        for ours, network, method, attack in cells
    ]
    words = ["protocol", "departures", "training", "split", "checkpoint", "digest", "note"]
    joined[words] = joined[words].fillna("")
    return joined


_OURS = [
    "ours",
    "low",
    "high",
    "beats",
    "mended",
    "protocol",
    "departures",
    "epochs",
    "training",
    "split",
    "seed",
    "attack_seed",
    "checkpoint",
    "digest",
    "note",
]


def own_values(replica: Replica) -> list[dict[str, Any]]:
    """What an evaluated checkpoint gives under each attack of the paper at each noise level alone, by each metric.

    Returns:
        The values as ``ours``, each with its circumstances, under the names of ``replication``.
    """
    of_all = {
        "network": replica.config.network,
        "method": replica.config.method,
        "epochs": replica.epochs,
        "training": replica.training,
        "split": replica.card["split"]["fingerprint"],
        "seed": replica.config.seed,
        "checkpoint": replica.name,
        "digest": replica.digest,
        "note": replica.note,
    }
    runs = replica.card["results"].get("attacks", {})
    of_attack = {
        attack: of_all
        | {
            "attack": attack,
            "protocol": replica.protocol(attack),
            "departures": "; ".join(replica.training_departures + replica.attack_departures(attack)),
            "attack_seed": runs.get(run_of(attack), {}).get("seed"),
        }
        for attack in ATTACK_TITLES
    }
    assert replica.summary is not None
    columns = ["attack", "eps", "beats", "mended", "acc_alone", "prec_alone", "acc_low", "acc_high"]
    found: list[dict[str, Any]] = []
    for attack, eps, beats, mended, acc, prec, *interval in replica.summary[columns].to_numpy(object).tolist():
        if attack in of_attack:
            of_row = of_attack[attack] | {"eps": eps, "beats": beats, "mended": mended}
            low, high = (np.nan, np.nan) if mended else interval
            found.append(of_row | {"metric": "acc", "ours": acc, "low": low, "high": high})
            found.append(of_row | {"metric": "prec", "ours": prec, "low": np.nan, "high": np.nan})
    return found


def _why_missing(replica: Replica | None, attack: str) -> str:
    if replica is None:
        return "no checkpoint yet"
    if replica.summary is None:
        return f"{replica.name} is not evaluated yet"
    if attack not in set(replica.summary["attack"]):
        return f"{replica.name} is not evaluated under {attack} yet"
    return f"{replica.name} is not evaluated at this noise level"


def table_distances(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean absolute difference to each table, by method.

    Args:
        rows: of ``replication``.

    Returns:
        Rows ``table, metric, network, attack, method, distance`` (NaN where ours is missing), ``levels`` (how many noise
        levels it is over), ``mended`` (their sum), ``protocol``; in the paper's order.
    """
    grouped = rows.assign(distance=rows["difference"].abs()).groupby(["table", "method"], sort=False)
    return grouped.agg(
        metric=("metric", "first"),
        network=("network", "first"),
        attack=("attack", "first"),
        distance=("distance", "mean"),
        levels=("distance", "count"),
        mended=("mended", "sum"),
        protocol=("protocol", "first"),
    ).reset_index()


def outside_aim(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``table_distances`` that lie further from Tables 1 and 5 than the reproduction aimed at."""
    found = table_distances(rows)
    aimed = found["method"].map(aim)
    return found[found["table"].isin(AIM_TABLES) & (found["distance"].round(4) > aimed)]


def provenance(rows: pd.DataFrame) -> dict[str, Any]:
    """Where our values in ``rows`` of ``replication`` come from: each fact with all values that it takes, in order.

    Returns:
        ``methods, protocol, split, seed, attack_seed, epochs, beats`` and ``checkpoints``, weight digests by name.
    """
    there = rows[rows["missing"] == ""]
    facts: dict[str, Any] = {"methods": list(dict.fromkeys(there["method"])), "protocol": _distinct(there["protocol"])}
    facts["split"] = _distinct(there["split"])
    for name in ("seed", "attack_seed", "epochs", "beats"):
        facts[name] = [int(value) for value in _distinct(there[name].dropna())]
    return facts | {"checkpoints": dict(zip(there["checkpoint"], there["digest"], strict=True))}


def _distinct(column: pd.Series) -> list[Any]:
    return sorted(set(column))
