"""A checkpoint as it stands beside the paper: how its training and its evaluation depart from the paper protocol."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from nsr_core.evaluation.assignment import PAPER_PLAN
from nsr_core.evaluation.summary import READINGS
from nsr_core.training.checkpoint import Checkpoint
from nsr_core.training.config import TrainConfig, paper_config


def run_of(attack: str) -> str:
    """The attack that was run for a reported one: 20-PGD and 100-PGD are read from the same run."""
    return READINGS[attack].attack if attack in READINGS else attack


@dataclass(frozen=True)
class Replica:
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
    def of(cls, checkpoint: Checkpoint, summary: pd.DataFrame | None) -> "Replica":
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
