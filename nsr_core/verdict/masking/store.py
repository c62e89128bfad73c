"""An alarm beside the weights that it is about."""

import json
from pathlib import Path

from nsr_core.errors import UserError
from nsr_core.files import write_atomically
from nsr_core.verdict.masking.alarm import Alarm
from nsr_core.verdict.masking.signs import Sign

ALARM_FILE = "alarm.json"


def save_alarm(alarm: Alarm, folder: Path) -> Path:
    """Write ``alarm.json`` into a checkpoint's folder, in the place of an earlier one."""
    path = folder / ALARM_FILE
    write_atomically(path, lambda partial: partial.write_text(json.dumps(alarm.to_json(), indent=2) + "\n"))
    return path


def load_alarm(folder: Path) -> Alarm | None:
    """What ``save_alarm`` wrote, or None where there is nothing.

    Raises:
        UserError: the file cannot be read.
    """
    path = folder / ALARM_FILE
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text())
        signs = tuple(Sign(**sign) for sign in told.pop("signs"))
        lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
        return Alarm(**(told | lists | {"signs": signs}))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} cannot be read ({error}). Delete it and run honesty with --keep again.") from None
