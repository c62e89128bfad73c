"""Step 7: what is proved of one beat and what attacks have shown; and how many beats attacks leave that go ever further."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nsr_core.attacks import PGD, SPSA
from nsr_core.beat.sweep import smallest_flip
from nsr_core.certificates import certified_eps
from nsr_core.data import Beats
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import as_tensors, is_read_correctly
from nsr_core.evaluation.table import outcomes
from nsr_core.models import Network

#: At which levels attacks look for a flip in the last step, and its SPSA, an eighth of the published evaluations.
FLIP_LEVELS = np.round(np.geomspace(0.01, 0.3, 11), 3)
SHORT_SPSA = SPSA(steps=30, samples=256)


@dataclass(frozen=True)
class Knowledge:
    """What is known of one network on one beat.

    Attributes:
        proved: no noise up to this level flips it; 0 where nothing is proved or the beat is misread without noise.
        pgd, spsa: the smallest level tried at which the attack flips it; NaN where it does at none.
    """

    proved: float
    pgd: float
    spsa: float

    @property
    def broken(self) -> float:
        """The smallest level at which either attack flips the beat; NaN where none does."""
        return float(np.fmin(self.pgd, self.spsa))


def knowledge(network: Network, beats: Beats, row: int) -> Knowledge:
    """Smallest successful attacks, 100-PGD and a short SPSA, on one beat, and what interval bounds prove of it.

    Intervals, because the lesson can explain them in a sentence; CROWN proves more.
    """
    if not is_read_correctly(network, beats, row):
        return Knowledge(0.0, 0.0, 0.0)
    pgd, spsa = (
        smallest_flip(network, attack, beats, row, FLIP_LEVELS, signal_only=True) for attack in (PGD(), SHORT_SPSA)
    )
    x, y, length = as_tensors(beats, np.array([row]))
    proved = certified_eps(network, x, y, length=length, method="interval")
    return Knowledge(float(proved), pgd, spsa)


#: Steps after which the published PGD is read.
READ_AFTER = (1, 5, 20, 100)


@dataclass(frozen=True)
class Survivors:
    """How many of the same beats are still read correctly under each of several attacks, at one noise level.

    Attributes:
        attacks: their names: ``pgd1``, ... for PGD read after so many steps, ``spsa``, ``all`` where none may succeed.
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
