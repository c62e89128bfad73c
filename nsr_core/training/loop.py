"""The training loop. It knows no method by name."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from nsr_core import DISCLAIMER, __version__
from nsr_core.compute import configure, describe_machine, describe_versions
from nsr_core.data import CLASSES, Beats, Split
from nsr_core.data.beats import CITATION
from nsr_core.data.frequencies import ON_CARD, class_counts
from nsr_core.errors import Damaged, UserError
from nsr_core.files import file_digest, remove_lock, write_atomically, writing
from nsr_core.models import Network, make_network
from nsr_core.models.kernels import DeadKernels, initialise, kernel_layers, normalise_kernels
from nsr_core.progress import Progress, no_progress
from nsr_core.training.batches import balanced_order, steps_of
from nsr_core.training.captured import CapturedStep, one_by_one
from nsr_core.training.card import CARD_FILE, HISTORY_DIGEST, HISTORY_FILE, check_history, read_card
from nsr_core.training.checkpoint import load_checkpoint, save_checkpoint
from nsr_core.training.config import TrainConfig
from nsr_core.training.decay import decay_weights
from nsr_core.training.optimisers import OPTIMISERS
from nsr_core.training.pace import make_pace
from nsr_core.training.state import STATE_FILE, RunIdentity, load_state, save_state, stored_history
from nsr_core.training.validate import Validator

#: Steps between two looks at the loss and two reports of progress.
REPORT_EVERY = 50


def train(
    config: TrainConfig,
    beats: Beats,
    split: Split,
    folder: str | Path,
    *,
    device: torch.device | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Train a network into a checkpoint folder, or go on with a run that was interrupted there.

    >>> from tempfile import TemporaryDirectory
    >>> from nsr_core.data import load_beats, make_split
    >>> from nsr_core.training.config import paper_config
    >>> beats = load_beats("demo")
    >>> config = paper_config("mlp", "ce", source="demo", epochs=1, batch_size=128)
    >>> with TemporaryDirectory() as runs:
    ...     folder = train(config, beats, make_split(beats, "beat"), Path(runs) / "mlp-ce")
    ...     sorted(path.name for path in folder.iterdir())
    ['card.json', 'history.csv', 'model.safetensors', 'state.safetensors']

    After every epoch the state is on disk; killed at any moment and called again, the run ends, on a CPU, with the
    same weights to the bit as if it had not been killed. A finished run is left as it is, a damaged checkpoint of the same
    settings is trained again; with more epochs than it had, it is
    gone on with, to the same weights as if it had been that long from the start, where its learning rate and its method stay
    as they are throughout.

    Args:
        config: what to train.
        beats: all beats; the split says which of them train and validate.
        split: must be the one that ``config`` names.
        folder: gets ``model.safetensors``, ``card.json`` and ``history.csv``; ``state.safetensors`` while it runs, and
            afterwards where it can be lengthened.
        device: CPU by default.
        progress: called with the number of training steps; raising from it stops the run, which can be resumed.

    Returns:
        The folder.

    Raises:
        UserError: the folder holds a run with other settings, or a shorter one with results, or another process writes
            there, or the loss stopped being a number.
    """
    if (beats.source, split.name, split.seed) != (config.source, config.split, config.split_seed):
        raise ValueError(f"The beats or the split are not those of the configuration: {config.source}, {config.split}.")
    folder, device = Path(folder), device or torch.device("cpu")
    configure(config.threads)
    identity = RunIdentity(config.to_json(), split.fingerprint)
    if _is_finished(folder, config, identity):
        remove_lock(folder)  # of one that was killed just as it had finished
        return folder  # without a lock: such a folder may be read-only
    with writing(folder, f"training {config.title}"):
        if not _is_finished(folder, config, identity):
            _train(config, beats, split, folder, identity, device, progress)
    return folder


def _train(
    config: TrainConfig,
    beats: Beats,
    split: Split,
    folder: Path,
    identity: RunIdentity,
    device: torch.device,
    progress: Progress,
) -> None:
    with one_by_one:
        run = TrainingRun(config, beats, split, device)
        history = load_state(folder, run.network, run.optimiser, identity)
        validator = Validator(beats, split.validation, device)
    total = config.epochs * run.steps_per_epoch
    for epoch in range(len(history), config.epochs):
        started = time.perf_counter()
        measured = run.epoch(epoch, lambda step, what: progress(step, total, what))
        with one_by_one:
            row = {"epoch": epoch + 1, **measured, **validator.score(run.network)}
            history.append(row | {"seconds": round(time.perf_counter() - started, 3)})
            save_state(folder, run.network, run.optimiser, history, identity)
        _write_history(folder, history)
    progress(total, total, "trained")
    _write_history(folder, history)  # again: the run may have been killed between its last state and this file
    (folder / CARD_FILE).unlink(missing_ok=True)  # of a shorter training: it must not stand beside these weights
    card = _card(config, beats, split, history, device)
    card["training"][HISTORY_DIGEST] = file_digest(folder / HISTORY_FILE)
    save_checkpoint(folder, run.network, card)
    _keep_state_where_of_use(folder, config)


class TrainingRun:
    """A network, its optimiser and its data, between two epochs."""

    def __init__(self, config: TrainConfig, beats: Beats, split: Split, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.network = fresh_network(config).to(device).train()
        self.parameters: list[Tensor] = list(self.network.parameters())
        self.pace = make_pace(config, device)
        self.optimiser = OPTIMISERS[config.optimiser](
            self.parameters, lr=self.pace.learning_rate, capturable=device.type == "cuda"
        )
        self.normalised = self.network.normalised_layers() if config.normalise_kernels else []
        self.dead_kernels = DeadKernels(kernel_layers(self.network))
        self.x = torch.from_numpy(beats.x[split.train]).to(device)
        self.y = torch.from_numpy(beats.y[split.train]).to(device)
        counts = np.bincount(beats.y[split.train], minlength=len(CLASSES))
        self.steps_per_epoch = steps_of(counts, config.batch_size)
        self.generator = torch.Generator(device)
        self._take: Callable[[Tensor], Tensor] = self._step_on
        if device.type == "cuda":
            self._take = CapturedStep(self._step_on, config.batch_size, self.generator)

    def epoch(self, epoch: int, report: Any) -> dict[str, float]:
        """One pass over the balanced training beats; returns the mean loss and the number of restarted kernels."""
        self.generator.manual_seed(_seed(self.config.seed, 2 * epoch + 1))
        loss_sum, steps = torch.zeros((), dtype=torch.float64, device=self.device), 0
        before, total = epoch * self.steps_per_epoch, self.config.epochs * self.steps_per_epoch
        for rows in self._batches(epoch):
            self.pace.set((before + steps) / total)
            for group in self.optimiser.param_groups:
                group["lr"] = self.pace.learning_rate
            loss_sum += self._take(rows)
            steps += 1
            if steps % REPORT_EVERY == 0 or steps == self.steps_per_epoch:
                mean = float(loss_sum) / steps
                if not np.isfinite(mean):
                    self._diverged(epoch, steps)
                report(before + steps, f"epoch {epoch + 1}/{self.config.epochs}, loss {mean:.4f}")
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters):
            self._diverged(epoch, steps)  # the last step's gradient, which no later loss would show
        restarted = 0
        if self.config.restart_dead_kernels:
            cpu_generator = torch.Generator().manual_seed(_seed(self.config.seed, 2 * epoch + 2))
            with one_by_one:
                restarted = self.dead_kernels.restart(cpu_generator)
        return {"loss": float(loss_sum) / steps, "restarted_kernels": restarted}

    def step(self, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """One optimiser step on a batch; returns its loss, detached."""
        normalise_kernels(self.normalised)
        loss = self.pace.method.loss(self.network, x, y, generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.config.restart_dead_kernels:
            self.dead_kernels.observe()
        if self.config.gradient_clip:
            clip_grad_norm_(self.parameters, self.config.gradient_clip)
        if self.config.weight_decay:
            decay_weights(self.parameters, self.pace.learning_rate * self.config.weight_decay)
        self.optimiser.step()
        return loss.detach()

    def _step_on(self, rows: Tensor) -> Tensor:
        return self.step(self.x[rows], self.y[rows], self.generator)

    def _batches(self, epoch: int) -> Iterator[Tensor]:
        rng = np.random.default_rng([self.config.seed, epoch])
        order = torch.from_numpy(balanced_order(self.y.cpu().numpy(), len(CLASSES), rng)).to(self.device)
        yield from order.split(self.config.batch_size)

    def _diverged(self, epoch: int, step: int) -> None:
        raise UserError(
            f"The loss or a weight of {self.config.network}-{self.config.method} is no longer finite (epoch {epoch + 1}, "
            f"within the {REPORT_EVERY} steps before step {step}). The state after epoch {epoch} is kept. Lower the "
            f"learning rate (now {self.config.learning_rate:g}) or the weight of the method's own term, in a new folder."
        )


def fresh_network(config: TrainConfig) -> Network:
    """The network that a training with these settings begins with, in training mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_seed(config.seed, 0))
        network = make_network(config.network, config.bias)
    initialise(network)
    return network


def _seed(seed: int, purpose: int) -> int:
    """Independent streams from one seed: a word that depends on both numbers."""
    return int(np.random.SeedSequence([seed, purpose]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _is_finished(folder: Path, config: TrainConfig, identity: RunIdentity) -> bool:
    """Whether a folder's training is over, not only a shorter one that can be gone on with, nor damaged.

    Raises:
        UserError: it is another training, or a shorter one that has results or whose state is gone, or its history is
            damaged and nothing tells it again.
    """
    if not (folder / CARD_FILE).exists():
        return False
    try:
        card = read_card(folder)
        found, fingerprint = TrainConfig.from_json(card["config"]), card["split"]["fingerprint"]
    except (Damaged, KeyError, TypeError):
        return False  # nobody knows what it was: it is trained again
    same_split, epochs = fingerprint == identity.split, found.epochs
    if same_split and found == config:
        try:
            load_checkpoint(folder)
        except Damaged:
            return False
        _keep_history(folder, card)
        _keep_state_where_of_use(folder, config)  # the run may have been killed between its last two acts
        return True
    shorter = same_split and epochs < config.epochs and replace(found, epochs=config.epochs) == config
    if not (shorter and config.can_be_lengthened):
        raise UserError(
            f"{folder} holds a finished checkpoint with other settings. Choose another folder, or move it away."
        )
    if not (folder / STATE_FILE).exists():
        raise UserError(
            f"{folder} holds a training of {epochs} epochs without its {STATE_FILE}, so it cannot go on to "
            f"{config.epochs}. Train in another folder, from the beginning."
        )
    if card["results"]:
        raise UserError(
            f"{folder} has results of its {epochs} epochs, which would not be those of {config.epochs}. Copy its "
            f"{STATE_FILE} into a new folder and train there: it goes on from these epochs."
        )
    return False


def _keep_history(folder: Path, card: dict[str, Any]) -> None:
    """Write a finished run's damaged history again where its state still tells it.

    Raises:
        Damaged: it does not.
    """
    try:
        check_history(folder, card)
    except Damaged:
        history = stored_history(folder)
        if history is None or len(history) != card["training"]["epochs"]:
            raise
        _write_history(folder, history)


def _keep_state_where_of_use(folder: Path, config: TrainConfig) -> None:
    if not config.can_be_lengthened:
        (folder / STATE_FILE).unlink(missing_ok=True)


def _write_history(folder: Path, history: list[dict[str, float]]) -> None:
    table = pd.DataFrame(history).round({"loss": 6, "val_acc": 5, "val_pgd_acc": 5})
    write_atomically(folder / HISTORY_FILE, lambda path: table.to_csv(path, index=False))


def _card(
    config: TrainConfig, beats: Beats, split: Split, history: list[dict[str, float]], device: torch.device
) -> dict[str, Any]:
    return {
        "network": config.network,
        "method": config.method,
        "protocol": config.protocol,
        "config": config.to_json(),
        "data": {"source": beats.source, "beats": len(beats), "citation": CITATION},
        "split": {
            "name": split.name,
            "seed": split.seed,
            "fingerprint": split.fingerprint,
            "train": len(split.train),
            "validation": len(split.validation),
            "test": len(split.test),
            ON_CARD: class_counts(beats, split).tolist(),
        },
        "training": {
            "epochs": len(history),
            "seconds": round(sum(row["seconds"] for row in history), 3),
            "last_epoch": {name: value for name, value in history[-1].items() if name != "seconds"},
            "machine": describe_machine(device),
            "versions": describe_versions() | {"nsr_core": __version__},
        },
        "results": {},
        "use": DISCLAIMER,
    }
