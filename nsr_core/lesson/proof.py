"""Step 7: how many beats attacks leave that go ever further. What is known of one beat, ``nsr_core.beat.bracket`` says."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nsr_core.attacks import PGD, SPSA
from nsr_core.errors import UserError
from nsr_core.evaluation.table import outcomes

#: Steps after which the published PGD is read.
READ_AFTER = (1, 5, 20, 100)


@dataclass(frozen=True)
class Survivors:
    """How many of the same beats are still read correctly under each of several attacks, at one noise level.

    Attributes:
        attacks: their names: ``pgd1``, ... for PGD read after that number of steps, ``spsa``, ``all`` where none may succeed.
        left: (attacks,) how many beats are read correctly.
        beats: how many were tried.
    """

    attacks: tuple[str, ...]
    left: np.ndarray
    beats: int


def survivors(table: pd.DataFrame, eps: float) -> Survivors:
    """PGD and SPSA on the beats that both attacked; a beat broken at a smaller noise level stays broken.

    Args:
        table: a checkpoint's per-beat table.

    Raises:
        UserError: it lacks one of the attacks, or the noise level.
    """
    names = ["record", "sample"]
    tried = table.loc[table["attack"] == SPSA.name, names].drop_duplicates()
    mine = table.merge(tried, on=names)
    readings = {f"pgd{steps}": outcomes(mine, PGD.name, steps) for steps in READ_AFTER} | {
        SPSA.name: outcomes(mine, SPSA.name)
    }
    broken = {}
    for name, result in readings.items():
        level = result[result["eps"] == eps]
        if level.empty:
            raise UserError(
                f"There are no results at noise level {eps:g}; there are at {sorted(result['eps'].unique())}."
            )
        broken[name] = level.sort_values(names)["broken"].to_numpy()
    last = f"pgd{READ_AFTER[-1]}"
    broken["all"] = broken[last] | broken[SPSA.name]
    return Survivors(tuple(broken), np.array([int((~value).sum()) for value in broken.values()]), len(tried))
