"""Results of one's own beside the included ones: what came with the program is copied before it is evaluated anew."""

import itertools
import shutil
from pathlib import Path

from nsr_core.errors import UserError
from nsr_core.files import LOCK_FILE, partial_of, remove_leftovers, runs_dir
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.state import STATE_FILE


def own_copy(folder: Path, root: Path | None = None) -> Path:
    """A checkpoint's folder that may be written to.

    Args:
        folder: of a checkpoint.
        root: where runs lie.

    Returns:
        The folder itself where it lies in ``root``; else a copy there, results and all, called ``<name>-own``. A copy of
        the same weights is used again.

    Raises:
        UserError: not a checkpoint, or the copy cannot be written.
    """
    root = runs_dir() if root is None else root
    if folder.resolve().parent == root.resolve():
        return folder
    digest = load_checkpoint(folder).digest
    for number in itertools.count(1):
        target = root / (f"{folder.name}-own" if number == 1 else f"{folder.name}-own-{number}")
        if not target.exists():
            break
        if _digest(target) == digest:
            return target
    try:
        copy_checkpoint(folder, target)
    except OSError as error:
        raise UserError(
            f"{folder.name} cannot be copied to {root} ({_reason(error)}). Free some space.",
            command_line="Or name another folder for runs in NSR_RUNS_DIR.",
        ) from None
    return target


def copy_checkpoint(folder: Path, target: Path) -> None:
    """Copy a checkpoint's folder, results and all, to ``target``, which is never half there.

    The optimiser's state stays behind: a copy is for results.

    Raises:
        OSError: it cannot be written.
    """
    partial = partial_of(target)  # of its own: two may copy at the same time
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        # Contents without modes: what came with the program may be read-only.
        shutil.copytree(
            folder, partial, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns(STATE_FILE, LOCK_FILE)
        )
        partial.chmod(0o755)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _reason(error: OSError) -> str:
    """Why a copy failed; ``copytree`` gathers what it met, a tuple for each file, of which the first says enough."""
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        return str(error.args[0][0][2])
    return error.strerror or str(error)


def _digest(folder: Path) -> str | None:
    try:
        return load_checkpoint(folder).digest
    except UserError:
        return None
