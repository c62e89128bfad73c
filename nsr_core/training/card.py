"""The card of a checkpoint: ``card.json``, which says what lies beside it. Reading one needs no torch."""

import hashlib
import json
from pathlib import Path
from typing import Any

from nsr_core.errors import UserError
from nsr_core.files import write_atomically

FORMAT = "nsr-ecg checkpoint 1"
MODEL_FILE = "model.safetensors"
CARD_FILE = "card.json"
HISTORY_FILE = "history.csv"
RESULTS_FILE = "robustness.csv"
BEATS_FILE = "robustness.parquet"


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Replace a checkpoint's card in one step."""
    text = json.dumps(card, indent=2) + "\n"
    write_atomically(folder / CARD_FILE, lambda path: path.write_text(text))


def read_card(folder: Path) -> dict[str, Any]:
    """A checkpoint's card.

    Raises:
        UserError: no card, not JSON, or not a card of this program.
    """
    path = folder / CARD_FILE
    try:
        card = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(
            f"{folder} holds no checkpoint: {CARD_FILE} is missing. Train one, or give another folder."
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read as a card ({error}). Restore it, or train the checkpoint again."
        ) from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else type(card).__name__
        raise UserError(f'{path} is no card of this program: its format is {found!r}, expected "{FORMAT}".')
    return card


def list_checkpoints(root: str | Path) -> list[Path]:
    """The folders below ``root`` that hold a card, by name; hidden ones are not finished yet."""
    folders = (path.parent for path in Path(root).glob(f"*/{CARD_FILE}"))
    return sorted(folder for folder in folders if not folder.name.startswith("."))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
