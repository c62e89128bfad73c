"""The per-beat table: what each attack did to each beat at each epsilon, and what follows from it.

One row per beat, attack and epsilon, with the columns

- ``record``, ``sample``: which beat (see ``Beats``);
- ``y``, ``clean``: its class and what the network says without noise (indices into ``CLASSES``);
- ``attack``, ``eps``: the attack's name and the noise budget;
- ``step``: the attack's step of first success; ``NOT_BROKEN``, ``MISCLASSIFIED`` or ``CARRIED``;
- ``pred``: what the network says in the end;
- ``queries``: evaluations of the network.
"""

import numpy as np
import pandas as pd

from nsr_core.data.beat_tables import BeatTable
from nsr_core.errors import UserError

#: The attack failed at this epsilon.
NOT_BROKEN = -1
#: The beat was misclassified without noise and so was not attacked.
MISCLASSIFIED = -2
#: The beat was broken at a smaller epsilon and so was not attacked again.
CARRIED = -3

COLUMN_TYPES = {
    "record": "string",
    "sample": "int64",
    "y": "int8",
    "clean": "int8",
    "attack": "string",
    "eps": "float64",
    "step": "int16",
    "pred": "int8",
    "queries": "int64",
}
BEATS_TABLE = BeatTable(
    COLUMN_TYPES,
    ("attack", "eps", "record", "sample"),
    "this checkpoint has no attack results yet. Run: evaluate {folder}",
    "evaluate",
    "evaluate the checkpoint again",
)
save_table, load_table = BEATS_TABLE.save, BEATS_TABLE.load


def outcomes(table: pd.DataFrame, attack: str, steps: int | None = None) -> pd.DataFrame:
    """What became of each beat at each epsilon under one attack, cumulative over epsilon.

    A beat broken within ``steps`` at one epsilon counts as broken at every larger one, with the label it had when it
    was last broken: the smaller ball lies in the larger, so this mends only what the attack missed.

    Args:
        table: the per-beat table.
        attack: which attack's rows.
        steps: read the attack as if it had stopped after this number of steps; None reads all of them.

    Returns:
        Rows (beats x epsilons, by epsilon) with ``record``, ``sample``, ``y``, ``clean``, ``eps``, ``pred``,
        ``broken`` (wrong at the end, for whatever reason), ``mended`` (broken only by that rule) and ``pred_alone``:
        the label without that rule, as if no other epsilon had been tried, which is how the paper reports. (Beats that
        were carried along were not attacked again; their label is the carried one there too.)

    Raises:
        UserError: the table has no rows of that attack.
    """
    rows = table[table["attack"] == attack].sort_values(["eps", "record", "sample"], ignore_index=True)
    if rows.empty:
        listed = ", ".join(sorted(table["attack"].unique()))
        raise UserError(f'There are no results of attack "{attack}"; there are of: {listed}.')
    if steps is not None and (rows["step"] == CARRIED).any():
        raise ValueError(f'"{attack}" carried broken beats along and cannot be read as a run of {steps} steps.')
    grid = np.sort(rows["eps"].unique())
    shape = (len(grid), len(rows) // len(grid))
    step, pred, y, clean = (rows[name].to_numpy().reshape(shape) for name in ("step", "pred", "y", "clean"))
    succeeded = (step >= 0) & (step <= (np.inf if steps is None else steps))
    final = np.where(step == MISCLASSIFIED, clean, y)
    alone = np.where(succeeded | (step == CARRIED), pred, final)
    carried = np.zeros(shape[1], bool)
    mended = np.zeros(shape, bool)
    for number in range(len(grid)):
        mended[number] = carried & ~succeeded[number] & (step[number] != CARRIED)
        previous = final[number - 1] if number else final[0]
        final[number] = np.where(succeeded[number], pred[number], np.where(carried, previous, final[number]))
        carried |= succeeded[number]
    kept = rows[["record", "sample", "y", "clean", "eps"]].copy()
    kept["pred"] = final.reshape(-1)
    kept["pred_alone"] = alone.reshape(-1)
    kept["broken"] = kept["pred"].to_numpy() != kept["y"].to_numpy()
    kept["mended"] = mended.reshape(-1)
    return kept
