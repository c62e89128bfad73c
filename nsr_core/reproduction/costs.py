"""What a task takes on one core, from the times on the cards of checkpoints that were trained and evaluated before."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_PLAN, Assignment
from nsr_core.evaluation.summary import reported_as
from nsr_core.methods import METHODS, PAPER_METHODS
from nsr_core.models import NETWORKS
from nsr_core.settings import described_fields
from nsr_core.training.card import RESULTS_FILE, read_card
from nsr_core.training.config import TrainConfig

TRAINING_BEATS = 70_043
#: Writing a checkpoint's results anew.
MERGING_SECONDS = 3.0


class Costs:
    """Seconds on one core, by what was measured.

    Args:
        folders: of checkpoints whose cards tell times.
        training_beats: how many beats are trained on, whose time a card's is scaled to.
    """

    merging = MERGING_SECONDS

    def __init__(self, folders: Iterable[Path], training_beats: int = TRAINING_BEATS) -> None:
        self._beats = training_beats
        self._epoch: dict[tuple[str, str], list[float]] = {}
        self._attack: dict[tuple[str, str, str], list[float]] = {}
        for folder in folders:
            try:
                self._learn(folder, read_card(folder))
            except (UserError, KeyError, OSError, ValueError):
                continue  # a damaged card tells no time

    def training(self, config: TrainConfig) -> float:
        """Seconds to train it."""
        return config.epochs * self.per_epoch(config.network, config.method)

    def per_epoch(self, network: str, method: str) -> float:
        """Seconds per epoch: of this method; where it was never trained, of those that are as plain or adversarial."""
        alike = is_adversarial(method)
        known = self._epoch.get((network, method)) or [
            value
            for (other, of), values in self._epoch.items()
            if other == network and is_adversarial(of) == alike
            for value in values
        ]
        per_beat = median(known) if known else NETWORKS[network].seconds_per_epoch[alike] / TRAINING_BEATS
        return per_beat * self._beats

    def attacking(self, config: TrainConfig, attack: str, assignment: Assignment, beats: int) -> float:
        """Seconds for some beats at all noise levels of an assignment."""
        per_beat = self.per_beat_and_level(config.network, config.method, attack)
        effort = _effort(assignment) / _effort(PAPER_PLAN[attack])
        return per_beat * effort * beats * len(assignment.eps_grid)

    def per_beat_and_level(self, network: str, method: str, attack: str) -> float:
        """Seconds to attack one beat at one noise level as the paper does."""
        known = self._attack.get((network, method, attack)) or [
            value
            for (other, _, of), values in self._attack.items()
            if (other, of) == (network, attack)
            for value in values
        ]
        return median(known) if known else NETWORKS[network].seconds_per_beat[attack]

    def is_measured(self, network: str) -> bool:
        """Whether cards know the training times of a network by each of the paper's methods."""
        return all((network, method) in self._epoch for method in PAPER_METHODS)

    def _learn(self, folder: Path, card: dict[str, Any]) -> None:
        network, method, training = card["network"], card["method"], card["training"]
        if training["machine"]["device"] != "cpu":
            return
        per_epoch = training["seconds"] / training["epochs"]
        self._epoch.setdefault((network, method), []).append(per_epoch / card["split"]["train"])
        attacks = card["results"].get("attacks", {})
        if not attacks:
            return
        summary = pd.read_csv(folder / RESULTS_FILE)
        for attack, planned in PAPER_PLAN.items():
            entry = attacks.get(attack, {})
            rows = summary[(summary["attack"] == reported_as(attack)[0]) & (summary["eps"] > 0)]
            if "seconds" not in entry or entry["machine"]["device"] != "cpu" or rows.empty:
                continue
            effort = _described_effort(entry["attack"]) / _effort(planned)
            self._attack.setdefault((network, method, attack), []).append(
                entry["seconds"] / (rows["beats"].sum() * effort)
            )


def is_adversarial(method: str) -> bool:
    """Whether a method attacks each batch that it trains on; False for one that is not known here."""
    return method in METHODS and METHODS[method].adversarial


def _effort(assignment: Assignment) -> float:
    """What an attack's time is proportional to, besides the beats."""
    return _described_effort({name: getattr(assignment.attack, name) for name in described_fields(assignment.attack)})


def _described_effort(settings: dict[str, Any]) -> float:
    return float(settings.get("steps", 1) * settings.get("samples", 1))
