"""A trained network on disk: ``model.safetensors`` and ``card.json``. Loading reads numbers, never runs code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from nsr_core.data import Split
from nsr_core.errors import Damaged, UserError
from nsr_core.files import file_digest, write_atomically
from nsr_core.models import Network, make_network
from nsr_core.training.card import CARD_FILE, FORMAT, MODEL_FILE, find_checkpoint, read_card, write_card
from nsr_core.training.config import TrainConfig


@dataclass(frozen=True)
class Checkpoint:
    """A network in eval mode and what its card says.

    Attributes:
        folder: where it was loaded from.
        network: on the CPU, in eval mode.
        config: the settings of its training.
        card: the whole card.
        digest: 12 hex characters of the SHA-256 of its weights file.
    """

    folder: Path
    network: Network
    config: TrainConfig
    card: dict[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """The folder's name, such as ``mlp-loss2``."""
        return self.folder.name


def save_checkpoint(folder: Path, network: Network, card: dict[str, Any]) -> None:
    """Write the weights, then the card with their SHA-256; a folder without a card is not a checkpoint yet."""
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    content = save(weights, {"format": FORMAT})  # not save_file: it has a temporary file and an error of its own
    write_atomically(folder / MODEL_FILE, lambda path: path.write_bytes(content))
    write_card(folder, {"format": FORMAT, "weights_sha256": file_digest(folder / MODEL_FILE), **card})


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """The network in a checkpoint's folder, checked against its card.

    >>> checkpoint = load_checkpoint("checkpoints/mlp-loss2")
    >>> checkpoint.config.method, checkpoint.config.epochs
    ('loss2', 50)

    Args:
        folder: or its name: see ``find_checkpoint``.

    Raises:
        Damaged: a file is missing or damaged.
        UserError: there is no checkpoint, or one of another program, or the weights do not fit the network that the card names.
    """
    folder = find_checkpoint(folder)
    card = read_card(folder)
    path = folder / MODEL_FILE
    try:
        config = TrainConfig.from_json(card["config"])
        expected = card["weights_sha256"]
    except (KeyError, TypeError) as error:
        raise Damaged(f"{folder / CARD_FILE} lacks {error}. Restore it, or train the checkpoint again.") from None
    if wrong := [name for name in ("split", "training", "results") if not isinstance(card.get(name), dict)]:
        raise Damaged(f"{folder / CARD_FILE} lacks {', '.join(wrong)}. Restore it, or train the checkpoint again.")
    if not path.is_file():
        raise Damaged(f"{path} is missing. Restore it, or train the checkpoint again.")
    digest = file_digest(path)
    if digest != expected:
        raise Damaged(
            f"{path} is damaged or belongs to another card: its SHA-256 begins {digest[:12]}, the card says "
            f"{str(expected)[:12]}. Restore both files, or train the checkpoint again."
        )
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise Damaged(f"{path} is not a readable safetensors file ({error}). Restore it, or train again.") from None
    network = make_network(config.network, config.bias)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} does not fit the network {config.network} that its card names: {reason}") from None
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise Damaged(f"{path} holds weights that are not finite numbers. Restore it, or train the checkpoint again.")
    return Checkpoint(folder, network.eval().requires_grad_(False), config, card, digest[:12])


def check_split(checkpoint: Checkpoint, split: Split) -> None:
    """Raise UserError where these are not the beats and the split that a checkpoint was trained on."""
    trained = checkpoint.card["split"]["fingerprint"]
    if trained != split.fingerprint:
        raise UserError(
            f"{checkpoint.name} was trained on the split {trained}, these beats are split as {split.fingerprint}: test "
            "beats could have trained. Use the beats and the split that its card names."
        )
