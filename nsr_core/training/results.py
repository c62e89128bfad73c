"""Results that are kept beside a checkpoint's weights: a file, and an entry of the card that says how it came about."""

from pathlib import Path
from typing import Any

from nsr_core.errors import UserError
from nsr_core.training.checkpoint import read_card, write_card


def begin_results(
    folder: Path, entry: str, file: str, settings: dict[str, Any], replace_results: bool
) -> dict[str, Any] | None:
    """The card's entry where the file holds results with the same settings; else None, and nothing is left of others.

    Args:
        entry: its name on the card, under ``results``.
        settings: all that decides the results.
        replace_results: whether results with other settings may be replaced.

    Raises:
        UserError: there are some, and they may not.
    """
    path = folder / file
    known = read_card(folder)["results"].get(entry, {})
    differing = [name for name, value in settings.items() if known and known.get(name) != value]
    if differing and not replace_results:
        raise UserError(
            f"{folder} has results ({entry}) with other settings ({', '.join(differing)}). Take a copy of the folder, or "
            "replace them with --replace."
        )
    if known and not differing and path.exists():
        return known
    # Rows of other settings, or that the card does not know, must be gone before it names these settings.
    path.unlink(missing_ok=True)
    return None


def note_results(folder: Path, entry: str, value: dict[str, Any]) -> None:
    """Write an entry of the card, under ``results``."""
    card = read_card(folder)
    card["results"][entry] = value
    write_card(folder, card)
