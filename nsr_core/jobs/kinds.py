"""What can be submitted. A new kind is a class here and a line in ``JOBS``."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from nsr_core.compute import configure, pick_device
from nsr_core.data import load_beats, make_split
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_EPS, Assignment, plan_of
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.progress import Progress
from nsr_core.settings import Settings, setting, update
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import TrainConfig
from nsr_core.training.loop import train
from nsr_core.verdict.levels import keep_levels


@dataclass(frozen=True)
class Training:
    """A network to train into the run's own folder.

    Attributes:
        config: what to train.
        root: folder with the source's files; without it the source looks where its loader says.
        device: see ``pick_device``.
    """

    kind: ClassVar[str] = "train"

    config: TrainConfig
    root: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", _absolute(self.root))

    @property
    def name(self) -> str:
        """Such as ``mlp-loss2``."""
        return f"{self.config.network}-{self.config.method}"

    @property
    def title(self) -> str:
        """For people."""
        epochs = self.config.epochs
        return f"Train {self.config.title}, {epochs} epoch{'s' if epochs != 1 else ''}"

    def check(self) -> None:
        """Raise UserError where the device is not there; the configuration has checked itself."""
        pick_device(self.device)

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``from_json``."""
        return {"config": self.config.to_json(), "root": self.root, "device": self.device}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Training":
        """The job that ``to_json`` wrote."""
        return cls(**{**values, "config": TrainConfig.from_json(values["config"])})

    def carry_out(self, folder: Path, progress: Progress) -> None:
        """Train, or go on training, in ``folder``."""
        beats = load_beats(self.config.source, self.root, progress)
        split = make_split(beats, self.config.split, self.config.split_seed)
        train(self.config, beats, split, folder, device=pick_device(self.device), progress=progress)


@dataclass(frozen=True)
class Evaluation(Settings):
    """Attacks on a checkpoint, whose folder gets the results.

    Attributes:
        checkpoint: its folder.
        attacks: names.
        attack_settings: by the attack's name, what differs from its settings in the paper's plan.
        eps_grid: noise levels in (0, 1].
        root: folder with the source's files; without it the source looks where its loader says.
        device: see ``pick_device``.
    """

    kind: ClassVar[str] = "evaluate"

    checkpoint: str
    attacks: tuple[str, ...] = ("pgd", "spsa")
    attack_settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    eps_grid: tuple[float, ...] = PAPER_EPS
    per_class: int | None = setting(
        None,
        "Only this number of test beats of each class, the first; by default as the paper, for each attack.",
        1,
        100_000,
    )
    signal_only: bool = setting(False, "Leave the padding after the signal untouched.")
    seed: int = setting(0, "Where the attacks' chance comes from.", 0, 2**31 - 1)
    replace_results: bool = setting(False, "Replace results of the same attack with other settings.")
    threads: int = setting(1, "CPU threads. The networks are small: one is usually best.", 1, 1024)
    root: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        values = {
            "checkpoint": _absolute(self.checkpoint) or "",
            "root": _absolute(self.root),
            "attacks": tuple(dict.fromkeys(self.attacks)),
            "eps_grid": tuple(sorted({float(eps) for eps in self.eps_grid})),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        """Such as ``evaluate-mlp-loss2``."""
        return f"evaluate-{Path(self.checkpoint).name}"

    @property
    def title(self) -> str:
        """For people."""
        return f"Evaluate {Path(self.checkpoint).name}: {', '.join(self.attacks)}"

    def plan(self) -> dict[str, Assignment]:
        """What ``evaluate`` is to do.

        Raises:
            UserError: an unknown attack or setting, a value out of range, or nothing to do.
        """
        if not (self.attacks and self.eps_grid and all(0 < eps <= 1 for eps in self.eps_grid)):
            raise UserError(
                f"The evaluation names the attacks {list(self.attacks)} and the noise levels {list(self.eps_grid)}; it "
                "needs at least one of each, and each noise level in (0, 1], in units of the beat's range."
            )
        if foreign := set(self.attack_settings) - set(self.attacks):
            raise UserError(f"There are settings for {', '.join(sorted(foreign))}, which the evaluation does not use.")
        changes: dict[str, Any] = {"eps_grid": self.eps_grid, "seed": self.seed}
        changes |= {"signal_only": True} if self.signal_only else {}  # some attacks are so by themselves
        changes |= {"per_class": self.per_class} if self.per_class else {}
        return {
            name: replace(job, attack=update(job.attack, self.attack_settings.get(name, {})))
            for name, job in plan_of(self.attacks, **changes).items()
        }

    def check(self) -> None:
        """Raise UserError where there is no such checkpoint, attack, setting or device."""
        load_checkpoint(self.checkpoint)
        self.plan()
        pick_device(self.device)

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``from_json``."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Evaluation":
        """The job that ``to_json`` wrote."""
        return cls(**values)

    def carry_out(self, folder: Path, progress: Progress) -> None:
        """Evaluate, or go on evaluating; the run's own folder gets nothing."""
        configure(self.threads)
        config = load_checkpoint(self.checkpoint).config
        beats = load_beats(config.source, self.root, progress)
        split = make_split(beats, config.split, config.split_seed)
        evaluate(
            self.checkpoint,
            beats,
            split,
            self.plan(),
            replace_results=self.replace_results,
            device=pick_device(self.device),
            progress=progress,
        )
        keep_levels(Path(self.checkpoint))


JOBS: dict[str, type[Training] | type[Evaluation]] = {job.kind: job for job in (Training, Evaluation)}


def load_job(config: Mapping[str, Any]) -> Training | Evaluation:
    """The job in a run's ``config.json``.

    Raises:
        UserError: it is no job of this program, or one of its values cannot be.
    """
    values = {name: value for name, value in config.items() if name != "kind"}
    try:
        return JOBS[config["kind"]].from_json(values)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"The run's config.json is no job of this program ({error}). Submit it again.") from None


def _absolute(path: str | None) -> str | None:
    """The process that does the work may have another working directory; an empty field means no folder."""
    return os.path.abspath(os.path.expanduser(path)) if path else None
