"""A network of the plan: trained in the work folder, or included with the program and used as it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_EPS
from nsr_core.evaluation.summary import reported_as
from nsr_core.reproduction.bench import Bench
from nsr_core.training.card import BEATS_FILE, CARD_FILE, read_card
from nsr_core.training.config import TrainConfig


@dataclass(frozen=True)
class Model:
    """A network to train, or an included one.

    Attributes:
        config: the settings of its training.
        included: folder of a checkpoint that was trained so; None where it is to be trained here.
        digest: the first 12 hex characters of an included one's weights.
    """

    config: TrainConfig
    included: str | None = None
    digest: str = ""

    @property
    def name(self) -> str:
        """Of its folder in the work folder; it tells apart all that a plan can ask for."""
        if self.included:
            return f"{Path(self.included).name}-{self.digest}"
        return f"{self.config.network}-{self.config.method}-{self.config.epochs}-epochs-seed-{self.config.seed}"

    def own(self, bench: Bench) -> Path:
        """Its folder in the work folder."""
        return bench.checkpoints / self.name

    def folder(self, bench: Bench) -> Path:
        """Where its checkpoint is, or will be: an included one's own folder until results are to be added to a copy."""
        own = self.own(bench)
        return Path(self.included) if self.included and not (own / CARD_FILE).exists() else own

    def is_trained(self, bench: Bench) -> bool:
        """Whether the work folder has its checkpoint."""
        if not (self.own(bench) / CARD_FILE).exists():
            return False
        return self.included is not None or is_of(read_card(self.own(bench)), self.config, bench.load()[1].fingerprint)

    def has_results(self, attack: str) -> bool:
        """Whether an included one has results of the attack at the paper's noise levels."""
        if not self.included or not (Path(self.included) / BEATS_FILE).exists():
            return False
        return are_whole(read_card(Path(self.included)), attack, PAPER_EPS)


def are_whole(card: dict[str, Any], attack: str, eps_grid: Sequence[float]) -> bool:
    """Whether a card tells of an attack that was carried out at all these noise levels and summed up."""
    results = card["results"]
    levels = [0.0, *eps_grid]
    return "seconds" in results.get("attacks", {}).get(attack, {}) and all(
        results.get("robust", {}).get(name, {}).get("eps") == levels for name in reported_as(attack)
    )


def is_of(card: dict[str, Any], config: TrainConfig, fingerprint: str) -> bool:
    """Whether a card is of a training with these settings on this split."""
    # Through TrainConfig: a card from before a setting existed has its default.
    return TrainConfig.from_json(card["config"]) == config and card["split"]["fingerprint"] == fingerprint


def find_included(folders: Iterable[Path], config: TrainConfig, fingerprint: str, any_epochs: bool) -> Model | None:
    """The first checkpoint among ``folders`` that was trained with these settings on this split.

    Args:
        any_epochs: whether one that was trained for another number of epochs will do.
    """
    for folder in folders:
        try:
            card = read_card(folder)
            found = TrainConfig.from_json(card["config"])
            wanted = replace(config, epochs=found.epochs) if any_epochs else config
            if is_of(card, wanted.rounded_as(found), fingerprint):
                return Model(found, str(folder.absolute()), card["weights_sha256"][:12])
        except (UserError, KeyError):
            continue  # a damaged checkpoint is none of the plan's; list names it
    return None
