"""The card of a checkpoint: ``card.json``, which says what lies beside it. Reading one needs no torch."""

import csv
import difflib
import json
from pathlib import Path
from typing import Any

from nsr_core.errors import Damaged, UserError
from nsr_core.files import checkpoints_dir, file_digest, read_json, runs_dir, write_atomically

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
    write_atomically(folder / CARD_FILE, lambda path: path.write_text(text, encoding="utf-8"))


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
        with path.open(newline="", encoding="utf-8") as file:
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


def find_checkpoint(given: str | Path) -> Path:
    """The folder of a checkpoint, from that folder or from a name: ``mlp-ce``, ``checkpoints/mlp-ce`` or ``runs/mine``.

    A folder comes before an included checkpoint, and that before one of the reader's own runs.

    Raises:
        UserError: there is none; the nearest names are offered.
    """
    given = Path(given)
    name, own = given.as_posix(), runs_dir()
    places = [given]
    if name not in ("", "."):
        places += [checkpoints_dir() / name.removeprefix("checkpoints/"), own / name.removeprefix("runs/")]
    for folder in places:
        if (folder / CARD_FILE).is_file():
            return folder
    if given.is_dir():
        return given  # whoever reads it says what is missing there
    names = [folder.name for folder in (*list_checkpoints(checkpoints_dir()), *list_checkpoints(own))]
    near = difflib.get_close_matches(given.name, names)
    offered = (
        f"Did you mean {' or '.join(near)}?" if near else "Give the folder of one, or the name of an included one."
    )
    raise UserError(
        f"{given} holds no checkpoint: {CARD_FILE} is missing, and none has that name. {offered}",
        command_line="" if near else 'The command "list" prints the names.',
    )
