"""What is known of each beat from both sides: proved up to here, broken from there, and undecided in between."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nsr_core.data import CLASSES
from nsr_core.errors import UserError


def bracket(certificates: pd.DataFrame, *outcomes: pd.DataFrame) -> pd.DataFrame:
    """The certified beats that were attacked too, each with its bracket.

    Args:
        certificates: see ``nsr_core.certificates.table``.
        outcomes: of each attack, one row per beat and noise level with ``record, sample, eps, broken``, such as
            ``nsr_core.evaluation.table.outcomes`` gives; of the same network, with noise on the same samples.

    Returns:
        The certificates' columns and ``broken``: the smallest level at which an attack broke the beat, 0 where it is
        misread without noise, NaN where none did.

    Raises:
        UserError: a beat was broken within its certificate, so the tables do not belong together.
    """
    beat = ["record", "sample"]
    attacked = pd.concat([rows[[*beat, "eps", "broken"]] for rows in outcomes], ignore_index=True)
    smallest = attacked["eps"].where(attacked["broken"]).groupby([attacked[name] for name in beat]).min()
    joined = certificates.merge(smallest.rename("broken").reset_index(), on=beat)
    joined["broken"] = joined["broken"].where(joined["clean"] == joined["y"], 0.0)
    contradicted = (joined["certified"] > 0) & (joined["certified"] >= joined["broken"])
    if contradicted.any():
        raise UserError(
            f"{int(contradicted.sum())} beats were broken at a level at which they are certified: the two tables are of "
            "different weights, or noise was allowed on different samples. Certify and attack the same checkpoint alike."
        )
    return joined


def band(brackets: pd.DataFrame, levels: Sequence[float], *, natural: bool = False) -> pd.DataFrame:
    """Over the beats, at each level: what is proved, what is broken, and the undecided band between the two curves.

    A level between two that were attacked takes the smaller one's attacks.

    Args:
        brackets: see ``bracket``.
        levels: noise levels; at 0, ``proved`` is what is read correctly without noise.
        natural: classes as frequent as among the beats, instead of equally frequent.

    Returns:
        Rows ``eps, proved, undecided, broken``, shares that add up to 1. Accuracy under the strongest noise of that level
        lies between ``proved`` and ``1 - broken``.
    """
    y = brackets["y"].to_numpy()
    counts = np.bincount(y, minlength=len(CLASSES))
    weight = np.full(len(y), 1 / len(y)) if natural else 1 / (counts[y] * np.count_nonzero(counts))
    right = (brackets["clean"] == brackets["y"]).to_numpy()
    certified, broken = brackets["certified"].to_numpy(float), brackets["broken"].to_numpy(float)
    rows = []
    for eps in levels:
        proved = float(weight[right & (certified >= eps)].sum())
        lost = float(weight[broken <= eps].sum())  # NaN is not
        rows.append({"eps": float(eps), "proved": proved, "undecided": 1 - proved - lost, "broken": lost})
    return pd.DataFrame(rows)
