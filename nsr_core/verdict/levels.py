"""The verdicts of many checkpoints side by side, level by level, kept on disk so that they are read at once."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nsr_core.certificates import CERTIFICATES_FILE
from nsr_core.errors import UserError
from nsr_core.files import file_digest, read_json, write_atomically
from nsr_core.training.card import BEATS_FILE, read_card
from nsr_core.verdict.verdict import WHOLE, read_verdict
from nsr_core.writing import rows_of

VERDICT_FILE = "verdict.json"


def read_levels(folder: Path) -> pd.DataFrame | None:
    """``Verdict.levels`` of a checkpoint; None where its worst case was not evaluated.

    They are read from ``verdict.json`` where that was made from the very results that lie beside it, else computed.

    Raises:
        UserError: see ``read_verdict``.
    """
    made_from = _made_from(folder)
    if made_from is None:
        return None
    kept = _kept(folder / VERDICT_FILE)
    if kept is not None and kept["made_from"] == made_from:
        return pd.DataFrame(kept["levels"]).astype(float)
    found = read_verdict(folder)
    assert found is not None  # it has a worst case
    return found.levels.astype(float)


def levels_of(folders: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """By name, of the checkpoints that have a verdict.

    Raises:
        UserError: none has, or see ``read_verdict``.
    """
    found = {folder.name: levels for folder in folders if (levels := read_levels(folder)) is not None}
    if not found:
        raise UserError(
            "No checkpoint here has a worst case. Evaluate one in the worst case.",
            command_line="Run: evaluate FOLDER --attacks worst-case,worst-case-signal",
        )
    return found


def keep_levels(folder: Path) -> None:
    """Write ``verdict.json``, where there is a verdict.

    Raises:
        UserError: see ``read_verdict``.
    """
    made_from = _made_from(
        folder
    )  # before: written meanwhile by another, the results never pass for those that were read
    found = read_verdict(folder)
    if found is None:
        return
    text = json.dumps({"made_from": made_from, "levels": rows_of(found.levels.astype(float))}, indent=1)
    write_atomically(folder / VERDICT_FILE, lambda path: path.write_text(text + "\n", encoding="utf-8"))


def _made_from(folder: Path) -> dict[str, Any] | None:
    """All that ``read_verdict`` looks at, by digest; None where that finds no worst case."""
    results = read_card(folder)["results"]
    ran = results.get("attacks", {}).get(WHOLE)
    if ran is None or not (folder / BEATS_FILE).exists():
        return None
    return {
        "strength": ran["attack"]["strength"],
        "certificates_signal_only": results.get("certificates", {}).get("signal_only", False),
        **{name: file_digest(folder / name) for name in (BEATS_FILE, CERTIFICATES_FILE) if (folder / name).exists()},
    }


def _kept(path: Path) -> dict[str, Any] | None:
    """What ``keep_levels`` wrote; None where it is absent or damaged, since it is only a copy."""
    try:
        kept = read_json(path)
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and set(kept) == {"made_from", "levels"} else None


def at(levels: pd.DataFrame, eps: float) -> pd.Series:
    """The row of a noise level.

    Raises:
        UserError: there was no attack at that level.
    """
    found = levels[np.isclose(levels["eps"], eps)]
    if found.empty:
        listed = ", ".join(f"{level:g}" for level in levels["eps"])
        raise UserError(f"There is no worst case at {eps:g}; there is at {listed}.")
    return found.iloc[0]


def table_of(levels: Mapping[str, pd.DataFrame], eps: float) -> pd.DataFrame:
    """Several checkpoints at one noise level: ``checkpoint``, its name, and a row of its levels each, with ``clean``,
    the accuracy without noise; ``gap``, by how much the published number is above the worst case; and ``undecided``, what
    lies between that and the proof. Those without that level are left out.
    """
    rows = []
    for name, found in levels.items():
        if np.isclose(found["eps"], eps).any():
            row = at(found, eps)
            more = {"gap": row["published"] - row["worst"], "undecided": row["worst"] - row["proved"]}
            rows.append({"checkpoint": name, "clean": at(found, 0.0)["worst"], **row, **more})
    return pd.DataFrame(rows)
