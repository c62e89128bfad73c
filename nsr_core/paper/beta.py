"""A finished search over β: what it found, as a table, in words and on paper."""

from pathlib import Path
from typing import Any

import pandas as pd

from nsr_core.errors import UserError
from nsr_core.files import read_json
from nsr_core.writing import markdown

#: In the folder of a search, and among the checkpoints that come along.
BETA_FILE = "beta.json"
KEYS = ("protocol", "sweeps")


def read_search(path: Path) -> dict[str, Any] | None:
    """What ``write_search`` wrote; None where there is no such file.

    Raises:
        UserError: the file cannot be read as one.
    """
    if not path.exists():
        return None
    try:
        value: dict[str, Any] = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}). Restore it, or run: reproduce beta") from None
    missing = [key for key in KEYS if key not in value] if isinstance(value, dict) else list(KEYS)
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}. Restore it, or run: reproduce beta")
    return value


def trials_of(search: dict[str, Any]) -> pd.DataFrame:
    """A row for each trial, β ascending within a method: ``network, method, beta, is_paper, is_best, at_edge, epochs,
    beats, clean, area, score`` and the ACC at each noise level, in a column that the level names.

    ``at_edge`` is whether the method's best is the smallest or the largest β tried, ``area`` the mean ACC over the noise
    levels up to the largest, ``score`` √(clean x area).
    """
    rows = []
    for one in search["sweeps"]:
        for trial in one["trials"]:
            levels = {f"{eps:g}": acc for eps, acc in zip(trial["eps"], trial["acc"], strict=True)}
            rows.append(
                {
                    "network": one["network"],
                    "method": one["method"],
                    "beta": trial["beta"],
                    "is_paper": trial["beta"] == one["paper_beta"],
                    "is_best": trial["beta"] == one["chosen_beta"],
                    "at_edge": one["at_edge"],
                    **{name: trial[name] for name in ("epochs", "beats")},
                    "clean": trial["clean_acc"],
                    **{name: trial[name] for name in ("area", "score")},
                    **levels,
                }
            )
    return pd.DataFrame(rows)


def search_protocol(search: dict[str, Any]) -> str:
    """Under which rules a search's numbers came about."""
    result, trials = search["protocol"], trials_of(search)
    epochs, beats = (" and ".join(f"{value:,}" for value in trials[name].unique()) for name in ("epochs", "beats"))
    return (
        f"{epochs} epochs each; {result['attack']['steps']}-PGD as published on {beats} validation beats ({result['beats']}), more "
        f"noise never helps a beat; split by {result['split']['name']} `{result['split']['fingerprint']}`, attack seed "
        f"{result['seed']}, training seed {' and '.join(map(str, result['training_seeds']))}."
    )


def search_markdown(search: dict[str, Any]) -> str:
    """The table of the documentation: a row for each trial, the best of a method in bold."""
    trials = trials_of(search)
    columns = trials.columns.tolist()
    levels = [name for name in columns[columns.index("score") + 1 :] if float(name) > 0]
    rows = []
    for row in trials.to_dict("records"):
        beta = f"{row['beta']:g}" + (" (paper)" if row["is_paper"] else "")
        score = f"{row['score']:.3f}"
        cells = [
            f"**{beta}**" if row["is_best"] else beta,
            *(f"{row[name]:.2f}" for name in ("clean", *levels)),
            f"{row['area']:.3f}",
            f"**{score}**" if row["is_best"] else score,
        ]
        rows.append((f"{row['network']}-{row['method']}", *cells))
    return markdown(("training", "β", "no noise", *levels, "area", "score"), rows)
