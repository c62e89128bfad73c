"""A masking check beside the weights that it is about."""

import json
from pathlib import Path

from nsr_core.errors import UserError
from nsr_core.files import read_json, write_atomically
from nsr_core.verdict.masking.check import MaskingCheck
from nsr_core.verdict.masking.sign import Sign

#: Its name, and the one that it had in earlier versions.
MASKING_FILES = MASKING_FILE, OLD_FILE = "masking.json", "alarm.json"


def save_masking(check: MaskingCheck, folder: Path) -> Path:
    """Write ``masking.json`` into a checkpoint's folder, in the place of an earlier one."""
    path = folder / MASKING_FILE
    write_atomically(
        path, lambda partial: partial.write_text(json.dumps(check.to_json(), indent=2) + "\n", encoding="utf-8")
    )
    (folder / OLD_FILE).unlink(missing_ok=True)
    return path


def load_masking(folder: Path) -> MaskingCheck | None:
    """What ``save_masking`` wrote, or None where there is nothing.

    Raises:
        UserError: the file cannot be read.
    """
    path = next((folder / name for name in MASKING_FILES if (folder / name).exists()), None)
    if path is None:
        return None
    try:
        values = read_json(path)
        signs = tuple(Sign(**sign) for sign in values.pop("signs"))
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return MaskingCheck(**(values | lists | {"signs": signs}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be read ({error}). Delete it and check again.", command_line="Run masking with --keep."
        ) from None
