"""Results that are kept beside a checkpoint's weights: files, and entries of the card that say how they came about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nsr_core.errors import UserError
from nsr_core.files import writing
from nsr_core.training.card import read_card, write_card
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint


@contextmanager
def open_results(folder: str | Path, what: str) -> Iterator[Checkpoint]:
    """A checkpoint whose results are written within: its card is read once, and no other process writes there meanwhile.

    Args:
        what: is done, for those who come meanwhile, such as ``certifying``.

    Raises:
        UserError: not a checkpoint, or another process writes there.
    """
    folder = Path(folder)
    read_card(folder)  # before a lock is left where there is no checkpoint
    with writing(folder, what):
        yield load_checkpoint(folder)


def known_entry(
    checkpoint: Checkpoint, *names: str, settings: dict[str, Any], replace_results: bool
) -> dict[str, Any] | None:
    """What the card says of results with these settings; None where there are none.

    Results with other settings are taken off the card, so that nothing passes for theirs; the rows are for the caller to
    remove.

    Args:
        names: of the entry, under ``results``.
        settings: all that decides the results.
        replace_results: whether results with other settings may be replaced.

    Raises:
        UserError: there are some, and they may not.
    """
    entries = _entries(checkpoint, names)
    known = entries.get(names[-1], {})
    differing = [name for name, value in settings.items() if known and known.get(name) != value]
    if not differing:
        return known or None
    if not replace_results:
        raise UserError(
            f'{checkpoint.folder} has results of "{names[-1]}" with other settings ({", ".join(differing)}). Take a copy '
            "of the folder, or replace them.",
            command_line="The option --replace does so.",
        )
    del entries[names[-1]]
    write_card(checkpoint.folder, checkpoint.card)
    return None


def write_entry(checkpoint: Checkpoint, *names: str, value: dict[str, Any]) -> None:
    """Write an entry of the card, under ``results``."""
    _entries(checkpoint, names)[names[-1]] = value
    write_card(checkpoint.folder, checkpoint.card)


def _entries(checkpoint: Checkpoint, names: tuple[str, ...]) -> dict[str, Any]:
    """The part of the card that holds the entry of these names."""
    part: dict[str, Any] = checkpoint.card["results"]
    for name in names[:-1]:
        part = part.setdefault(name, {})
    return part
