"""Everything that decides what a training run computes, in one value that a card can carry."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from nsr_core.data import SOURCES, usual_split
from nsr_core.data.splits import SPLIT_SEED, SPLITS
from nsr_core.errors import UserError
from nsr_core.methods import METHODS, Method, get_method
from nsr_core.models import NETWORKS
from nsr_core.settings import Settings, described_fields, setting, update
from nsr_core.training.optimisers import OPTIMISERS
from nsr_core.training.schedule import SCHEDULES


@dataclass(frozen=True)
class TrainConfig(Settings):
    """The settings of one training run. Use ``paper_config`` for the paper's.

    ``method_settings`` holds the method's own settings, all of them, also those left at their default.
    """

    network: str = setting("mlp", "Which network learns.", choices=NETWORKS)
    method: str = setting("ce", "How it is trained.", choices=METHODS)
    epochs: int = setting(50, "How often every training beat is seen.", 1, 10_000)
    batch_size: int = setting(128, "Beats per step.", 1, 65_536)
    learning_rate: float = setting(0.001, "Step size of the optimiser.", 1e-8, 10.0)
    schedule: str = setting("constant", "The step size over time: constant, or down to 0.", choices=SCHEDULES)
    optimiser: str = setting("adamax", "How steps follow from gradients.", choices=OPTIMISERS)
    gradient_clip: float = setting(0.0, "Largest norm of the gradient; 0 for no limit.", 0.0, 1e6)
    seed: int = setting(0, "Where all chance of the run comes from.", 0, 2**31 - 1)
    normalise_kernels: bool = setting(True, "Scale kernels to unit norm before each step.")
    weight_decay: float = setting(0.0, "Strength of the elastic weight decay.", 0.0, 1.0)
    bias: bool = setting(True, "Whether the network has bias terms.")
    restart_dead_kernels: bool = setting(True, "Restart kernels that had no gradient in a whole epoch.")
    threads: int = setting(1, "CPU threads; part of what makes a run bit-identical.", 1, 1024)
    source: str = setting("mitbih", "Where the beats come from.", choices=SOURCES)
    split: str = setting("beat", "Which beats train, validate and test.", choices=SPLITS)
    split_seed: int = setting(SPLIT_SEED, "Where the chance of the split comes from.", 0, 2**31 - 1)
    method_settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "method_settings", _all_settings(self.make_method()))

    def make_method(self) -> Method:
        """The method with its settings."""
        return update(get_method(self.method, self.network), self.method_settings)

    @property
    def title(self) -> str:
        """Method and network in words, the method's short name beside it: ``Cross-entropy (ce), MLP``."""
        return f"{METHODS[self.method].title} ({self.method}), {NETWORKS[self.network].title}"

    @property
    def protocol(self) -> str:
        """``"paper"`` where all that the paper fixes is as in the paper, else ``"custom"``.

        A method that the paper does not have is never by its protocol. The paper does not fix the seeds, the threads and
        the split's draw; the records and the published CSV hold the same beats.
        """
        if not self.make_method().in_paper:
            return "custom"
        free = {name: getattr(self, name) for name in ("seed", "threads", "split_seed")}
        if self.split == usual_split(self.source) and SOURCES[self.source].real:
            free |= {"source": self.source, "split": self.split}
        return "paper" if self == replace(paper_config(self.network, self.method), **free) else "custom"

    @property
    def can_be_lengthened(self) -> bool:
        """Whether a training of more epochs begins just as this one: nothing in it depends on how many there will be."""
        method = self.make_method()
        return self.schedule == "constant" and method.scheduled(0.0) == method

    def rounded_as(self, other: "TrainConfig") -> "TrainConfig":
        """This one with what decides no more than rounding as in another: the threads, the precision of an attack."""
        shared = {"precision"} & set(self.method_settings) & set(other.method_settings)
        own = self.method_settings | {name: other.method_settings[name] for name in shared}
        return replace(self, threads=other.threads, method_settings=own)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a card."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """The config that ``to_json`` wrote.

        Raises:
            UserError: an unknown name or a value out of range.
        """
        unknown = set(values) - {declared.name for declared in fields(cls)}
        if unknown:
            raise UserError(f"Unknown setting(s) in a training configuration: {', '.join(sorted(unknown))}.")
        return cls(**values)


def paper_config(network: str, method: str, **changes: Any) -> TrainConfig:
    """The paper protocol for a network and a method, with ``changes``.

    Args:
        changes: settings of the run or of the method, by name.

    Raises:
        UserError: an unknown network, method or setting, or a value out of range.
    """
    recipe = get_method(method, network).recipe(network)
    own = {name: changes.pop(name) for name in list(changes) if name not in described_fields(TrainConfig)}
    base = TrainConfig(network=network, method=method, method_settings=own, **asdict(recipe))
    return replace(base, **changes)


def _all_settings(method: Method) -> dict[str, Any]:
    return {name: getattr(method, name) for name in described_fields(method)}
