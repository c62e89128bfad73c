"""The card of a checkpoint: ``card.json``, which says what lies beside it. Reading one needs no torch."""

import csv
import json
from pathlib import Path
from typing import Any

from nsr_core.errors import Damaged, UserError
from nsr_core.files import file_digest, read_json, write_atomically

FORMAT = "nsr-ecg checkpoint 1"
MODEL_FILE = "model.safetensors"
CARD_FILE = "card.json"
HISTORY_FILE = "history.csv"
#: On the card, under ``training``.
HISTORY_DIGEST = "history_sha256"
RESULTS_FILE = "robustness.csv"
BEATS_FILE = "robustness.parquet"


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Replace a checkpoint's card in one step."""
    text = json.dumps(card, indent=2) + "\n"
    write_atomically(folder / CARD_FILE, lambda path: path.write_text(text))


def read_card(folder: Path) -> dict[str, Any]:
    """A checkpoint's card.

    Raises:
        Damaged: not JSON.
        UserError: no card, or not a card of this program.
    """
    path = folder / CARD_FILE
    try:
        card = read_json(path)
    except FileNotFoundError:
        raise UserError(
            f"{folder} holds no checkpoint: {CARD_FILE} is missing. Train one, or give another folder."
        ) from None
    except (OSError, ValueError) as error:
        raise Damaged(
            f"{path} cannot be read as a card ({error}). Restore it, or train the checkpoint again."
        ) from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else type(card).__name__
        raise UserError(f'{path} is no card of this program: its format is {found!r}, expected "{FORMAT}".')
    return card


def check_history(folder: Path, card: dict[str, Any]) -> None:
    """See to it that ``history.csv`` is the one that belongs to a card.

    Cards that were written before they held its digest only tell how many epochs it has.

    Raises:
        Damaged: it is gone, cut, or another.
    """
    path, epochs = folder / HISTORY_FILE, card["training"]["epochs"]
    try:
        with path.open(newline="") as file:
            found = [row.get("epoch") for row in csv.DictReader(file)]
        digest = file_digest(path)
    except FileNotFoundError:
        what = "is missing"
    except (OSError, ValueError, csv.Error) as error:
        what = f"cannot be read ({error})"
    else:
        if found != [str(number + 1) for number in range(epochs)]:
            what = f"tells of {len(found)} epochs, the card of {epochs}"
        elif card["training"].get(HISTORY_DIGEST, digest) != digest:
            what = "was changed since it was written"
        else:
            return
    raise Damaged(f"{path} {what}. The network is whole. Restore the file, or train again in another folder.")


def list_checkpoints(root: str | Path) -> list[Path]:
    """The folders below ``root`` that hold a card, by name; hidden ones are not finished yet."""
    folders = (path.parent for path in Path(root).glob(f"*/{CARD_FILE}"))
    return sorted(folder for folder in folders if not folder.name.startswith("."))
