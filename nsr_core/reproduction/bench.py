"""What all tasks of a plan share: the beats, the device, and the folder that keeps what is finished."""

from dataclasses import dataclass
from pathlib import Path

import torch

from nsr_core.data import Beats, Split, load_beats, make_split, usual_split
from nsr_core.data.splits import SPLIT_SEED, with_fewer_to_train
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress

CHECKPOINTS_FOLDER = "checkpoints"
SHARDS_FOLDER = "shards"
TABLES_FOLDER = "tables"


@dataclass(frozen=True)
class Bench:
    """The same for all tasks.

    Attributes:
        work: folder for all that is computed; a cluster's workers must see it under the same path.
        source, root: where the beats come from, as for ``load_beats``.
        train_per_class: train on no more beats of each class than that; None for all.
        device: ``"cpu"`` or ``"cuda"``.
    """

    work: str
    source: str = "mitbih"
    root: str | None = None
    train_per_class: int | None = None
    device: str = "cpu"

    @property
    def split_name(self) -> str:
        return usual_split(self.source)

    @property
    def split_seed(self) -> int:
        return SPLIT_SEED

    @property
    def checkpoints(self) -> Path:
        return Path(self.work) / CHECKPOINTS_FOLDER

    @property
    def tables(self) -> Path:
        return Path(self.work) / TABLES_FOLDER

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.device)

    def load(self, progress: Progress = no_progress) -> tuple[Beats, Split]:
        """The beats and their split, read once in a process.

        Raises:
            UserError: the records are missing or damaged.
        """
        if self not in _loaded:
            _loaded[self] = _read(self, progress)
        return _loaded[self]

    def check(self) -> None:
        """Raise UserError where this machine does not see the work folder."""
        if not Path(self.work).is_dir():
            raise UserError(
                f"The work folder {self.work} is not there on this machine. The workers of a cluster need it under the same "
                "path as the command: give a folder that all of them share with --out."
            )


_loaded: dict[Bench, tuple[Beats, Split]] = {}


def _read(bench: Bench, progress: Progress) -> tuple[Beats, Split]:
    beats = load_beats(bench.source, bench.root, progress)
    split = make_split(beats, bench.split_name, bench.split_seed)
    if bench.train_per_class is not None:
        split = with_fewer_to_train(beats, split, bench.train_per_class)
    return beats, split
