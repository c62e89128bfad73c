"""Which attack of the worst case broke which beat."""

import pandas as pd

from nsr_core.attacks.worst_case import broken_by
from nsr_core.evaluation.table import CARRIED

#: The column that says which attack broke a beat; empty where none did.
BY = "by"


def with_names(table: pd.DataFrame, strength: str) -> pd.DataFrame:
    """The table of ``WorstCase`` runs with the column ``by``.

    Args:
        table: one plan's rows at ascending levels; where beats were carried, those before must be there.
        strength: the plan.
    """
    names = {step: broken_by(strength, step) for step in table["step"].unique()}  # few steps, many beats
    by = table["step"].map(names).astype("string").where(table["step"] != CARRIED)
    ordered = table.assign(**{BY: by}).sort_values("eps", kind="stable")
    return table.assign(**{BY: ordered.groupby(["record", "sample"], sort=False)[BY].ffill()})
