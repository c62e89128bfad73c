"""What a killed run needs to go on as if nothing had happened: one safetensors file, written once an epoch."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from nsr_core.errors import UserError
from nsr_core.files import write_atomically
from nsr_core.models import Network
from nsr_core.training.config import TrainConfig

STATE_FILE = "state.safetensors"


@dataclass(frozen=True)
class RunIdentity:
    """What must agree for a run to be gone on with.

    Attributes:
        config: ``TrainConfig.to_json()``.
        split: the split's fingerprint.
    """

    config: dict[str, Any]
    split: str


def save_state(
    folder: Path,
    network: Network,
    optimiser: torch.optim.Optimizer,
    history: list[dict[str, float]],
    identity: RunIdentity,
) -> None:
    """Replace the run's state in one step, weights, optimiser and history together."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, slots in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{slot}": torch.as_tensor(value) for slot, value in slots.items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    run = {"config": identity.config, "split": identity.split, "history": history, "digest": _digest(tensors)}
    content = save(tensors, {"run": json.dumps(run)})
    write_atomically(folder / STATE_FILE, lambda path: path.write_bytes(content))


def load_state(
    folder: Path, network: Network, optimiser: torch.optim.Optimizer, identity: RunIdentity
) -> list[dict[str, float]]:
    """Put network and optimiser where the folder's run stopped.

    Returns:
        The history so far; empty where the folder holds no state.

    Raises:
        UserError: the state is damaged, or of a run with other settings or another split.
    """
    path = folder / STATE_FILE
    if not path.exists():
        return []
    try:
        with safe_open(path, framework="pt") as stored:
            run = json.loads(stored.metadata()["run"])
            # Cloned, since the optimiser keeps them: Windows replaces no file that is still mapped into memory.
            tensors = {name: stored.get_tensor(name).clone() for name in stored.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}). Delete it to start the run anew.") from None
    if run.get("digest", _digest(tensors)) != _digest(tensors):  # states from before it was written have none
        raise UserError(
            f"{path} is damaged: its numbers are not those that were written. Delete it to start the run anew."
        )
    _check_identity(path, run, identity)
    network.load_state_dict({name.removeprefix("network."): v for name, v in tensors.items() if "network." in name})
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, number, slot = name.split(".")
            slots.setdefault(int(number), {})[slot] = value
    optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})
    history: list[dict[str, float]] = run["history"]
    return history


def stored_history(folder: Path) -> list[dict[str, float]] | None:
    """The epochs that a folder's state tells of; None where it holds no state that can be read."""
    try:
        with safe_open(folder / STATE_FILE, framework="pt") as stored:
            history: list[dict[str, float]] = json.loads(stored.metadata()["run"])["history"]
            return history
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None


def _digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over all tensors' bytes, by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


def _check_identity(path: Path, run: dict[str, Any], identity: RunIdentity) -> None:
    # Through TrainConfig: a run that was begun before a setting existed has its default.
    begun, wanted = TrainConfig.from_json(run["config"]), TrainConfig.from_json(identity.config)
    if wanted.can_be_lengthened:
        begun = replace(begun, epochs=wanted.epochs)
    before, now = begun.to_json(), wanted.to_json()
    differing = [name for name in now if before[name] != now[name]]
    if run["split"] != identity.split:
        differing.append("split fingerprint")
    if differing:
        raise UserError(
            f"{path.parent} holds an unfinished run that differs in: {', '.join(differing)}. "
            "Go on with its settings, choose another folder, or delete it."
        )
    if len(run["history"]) > wanted.epochs:
        raise UserError(
            f"{path.parent} holds a run of {len(run['history'])} epochs already, more than the {wanted.epochs} asked for. "
            "Ask for as many or more, or choose another folder."
        )
