"""Checkpoints as they stand beside the paper: how each departs from its protocol, and every published value beside ours."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from nsr_core.evaluation.assignment import PAPER_PLAN
from nsr_core.evaluation.summary import READINGS
from nsr_core.paper.published import paper_tables
from nsr_core.paper.report import ATTACK_TITLES
from nsr_core.training.checkpoint import Checkpoint
from nsr_core.training.config import TrainConfig, paper_config

#: What the reproduction aimed at: the mean distance to these tables, by method.
AIM_TABLES = (1, 5)
_KEYS = ["network", "method", "attack", "metric", "eps"]


def run_of(attack: str) -> str:
    """The attack that was run for a reported one: 20-PGD and 100-PGD are read from the same run."""
    return READINGS[attack].attack if attack in READINGS else attack


@dataclass(frozen=True)
class Replication:
    """A checkpoint as it stands beside the paper.

    Attributes:
        name: of its folder.
        digest: of its weights.
        config: the settings of its training.
        card: the whole card.
        summary: of ``summarise``; None where it was not evaluated.
    """

    name: str
    digest: str
    config: TrainConfig
    card: dict[str, Any]
    summary: pd.DataFrame | None

    @classmethod
    def of(cls, checkpoint: Checkpoint, summary: pd.DataFrame | None) -> "Replication":
        return cls(checkpoint.name, checkpoint.digest, checkpoint.config, checkpoint.card, summary)

    @property
    def epochs(self) -> int:
        """How many epochs it was really trained for."""
        return int(self.card["training"].get("epochs", self.config.epochs))

    @property
    def training(self) -> str:
        """All settings of its training but the seed: equal where only the seed differs."""
        return f"{replace(self.config, seed=0)}, split {self.card['split']['fingerprint']}"

    @property
    def note(self) -> str:
        """What its card says in words."""
        return " ".join(self.card.get("notes", []))

    @cached_property
    def training_departures(self) -> tuple[str, ...]:
        """How its training departs from the paper protocol, in words; empty where it does not."""
        if self.config.protocol == "paper" and self.epochs == self.config.epochs:
            return ()
        ours = self.config.to_json() | {"epochs": self.epochs}
        theirs = paper_config(self.config.network, self.config.method).to_json()
        own, published = ours.pop("method_settings"), theirs.pop("method_settings")
        free = {"seed", "threads", "split_seed"}
        pairs = [(ours, theirs, set(ours) - free), (own, published, set(own))]
        return tuple(
            f"{name.replace('_', ' ')} {mine[name]} instead of {paper[name]}"
            for mine, paper, names in pairs
            for name in mine
            if name in names and mine[name] != paper.get(name)
        )

    def attack_departures(self, attack: str) -> tuple[str, ...]:
        """How its evaluation under ``pgd20``, ``pgd100`` or ``spsa`` departs from the paper protocol, in words."""
        run = run_of(attack)
        entry = self.card["results"].get("attacks", {}).get(run, {})
        planned = PAPER_PLAN[run].describe()
        found = []
        if (beats := entry.get("beats", planned["beats"])) != planned["beats"]:
            found.append(f"{beats} instead of the {planned['beats'].removeprefix('the ')}")
        found += self.setting_departures(attack)
        if entry.get("signal_only", False) != planned["signal_only"]:
            found.append("noise on the signal samples only")
        if entry.get("carry", planned["carry"]) != planned["carry"]:
            found.append("broken beats attacked again" if planned["carry"] else "broken beats not attacked again")
        if missing := sorted(set(planned["eps"]) - set(entry.get("eps", planned["eps"]))):
            found.append(f"not attacked at {', '.join(f'{eps:g}' for eps in missing)}")
        return tuple(found)

    def setting_departures(self, attack: str) -> tuple[str, ...]:
        """How the settings of ``pgd20``, ``pgd100`` or ``spsa`` itself depart from the paper's, in words."""
        run = run_of(attack)
        planned = PAPER_PLAN[run].describe()["attack"]
        settings = planned | self.card["results"].get("attacks", {}).get(run, {}).get("attack", {})
        return tuple(
            f"{name.replace('_', ' ')} {value} instead of {planned.get(name)}"
            for name, value in settings.items()
            if value != planned.get(name)
        )

    def protocol(self, attack: str) -> str:
        """``"paper"`` where training and evaluation are both by the paper protocol, else ``"custom"``."""
        evaluated = self.card["results"].get("robust", {}).get(attack, {}).get("protocol")
        by_paper = self.config.protocol == "paper" and self.epochs == self.config.epochs and evaluated == "paper"
        return "paper" if by_paper else "custom"


def aim(method: str) -> float:
    """The largest mean distance to Tables 1 and 5 that the reproduction aimed at."""
    return 0.06 if method == "loss2" else 0.08


def table_number(network: str, attack: str, metric: str) -> int:
    """The number of the paper's table for a network, an attack (``pgd20``, ``pgd100``, ``spsa``) and a metric."""
    published = paper_tables()
    chosen = (published["network"] == network) & (published["attack"] == attack) & (published["metric"] == metric)
    return int(published.loc[chosen, "table"].iloc[0])


def published_and_ours(replications: Iterable[Replication]) -> pd.DataFrame:
    """All 756 published values, each beside ours where there is one: each noise level alone, as the paper reports.

    Where two checkpoints are of the same network and method, one by the paper protocol goes before, then by name.

    Returns:
        Rows in the paper's order: ``table, metric, network, attack, method, eps, paper, ours, difference`` (ours minus
        paper), ``low, high`` (95 % bootstrap interval of ours over the beats; only for ACC and only where no beat was
        mended, since it is taken of the numbers that mend), ``beats, mended, protocol, departures, epochs, training, split,
        seed, attack_seed, checkpoint, digest, note``, and ``missing``: why ours is not there, else "".
    """
    published = paper_tables().rename(columns={"value": "paper"})
    chosen: dict[tuple[str, str], Replication] = {}
    for replication in sorted(replications, key=lambda one: (one.config.protocol != "paper", one.name)):
        chosen.setdefault((replication.config.network, replication.config.method), replication)
    found = [
        row for replication in chosen.values() if replication.summary is not None for row in own_values(replication)
    ]
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


def own_values(replication: Replication) -> list[dict[str, Any]]:
    """What an evaluated checkpoint gives under each attack of the paper at each noise level alone, by each metric.

    Returns:
        The values as ``ours``, each with its circumstances, under the names of ``published_and_ours``.
    """
    of_all = {
        "network": replication.config.network,
        "method": replication.config.method,
        "epochs": replication.epochs,
        "training": replication.training,
        "split": replication.card["split"]["fingerprint"],
        "seed": replication.config.seed,
        "checkpoint": replication.name,
        "digest": replication.digest,
        "note": replication.note,
    }
    runs = replication.card["results"].get("attacks", {})
    of_attack = {
        attack: of_all
        | {
            "attack": attack,
            "protocol": replication.protocol(attack),
            "departures": "; ".join(replication.training_departures + replication.attack_departures(attack)),
            "attack_seed": runs.get(run_of(attack), {}).get("seed"),
        }
        for attack in ATTACK_TITLES
    }
    assert replication.summary is not None
    columns = ["attack", "eps", "beats", "mended", "acc_alone", "prec_alone", "acc_low", "acc_high"]
    found: list[dict[str, Any]] = []
    for attack, eps, beats, mended, acc, prec, *interval in replication.summary[columns].to_numpy(object).tolist():
        if attack in of_attack:
            of_row = of_attack[attack] | {"eps": eps, "beats": beats, "mended": mended}
            low, high = (np.nan, np.nan) if mended else interval
            found.append(of_row | {"metric": "acc", "ours": acc, "low": low, "high": high})
            found.append(of_row | {"metric": "prec", "ours": prec, "low": np.nan, "high": np.nan})
    return found


def _why_missing(replication: Replication | None, attack: str) -> str:
    if replication is None:
        return "no checkpoint yet"
    if replication.summary is None:
        return f"{replication.name} is not evaluated yet"
    if attack not in set(replication.summary["attack"]):
        return f"{replication.name} is not evaluated under {attack} yet"
    return f"{replication.name} is not evaluated at this noise level"


def table_distances(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean absolute difference to each table, by method.

    Args:
        rows: of ``published_and_ours``.

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
    """Where our values in ``rows`` of ``published_and_ours`` come from: each fact with all values that it takes, in order.

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
