"""Robustness against the strongest that is at hand: several attacks in turn on the survivors, level after level."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from nsr_core.attacks import WorstCase
from nsr_core.attacks.worst_case import broken_by
from nsr_core.data import Beats
from nsr_core.evaluation.robustness import PAPER_EPS, attack_beats
from nsr_core.evaluation.table import CARRIED, COLUMN_TYPES
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress

#: The column that says which attack broke a beat; empty where none did.
BY = "by"


def worst_case(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    eps_grid: Sequence[float] = PAPER_EPS,
    strength: str = "standard",
    *,
    seed: int = 0,
    signal_only: bool = False,
    device: torch.device | None = None,
    progress: Progress = no_progress,
    done: pd.DataFrame | None = None,
    on_level: Callable[[pd.DataFrame], object] = lambda table: None,
) -> pd.DataFrame:
    """Attack beats at several noise levels with all attacks of a plan, and say which attack broke which beat.

    A beat that was broken at a smaller level counts as broken at every larger one and is not attacked there again.

    Args:
        network, beats, rows, seed, signal_only, device, progress: see ``attack_beats``.
        eps_grid: noise levels.
        strength: a plan of ``STRENGTHS``, from "fgsm" to "full". A stronger one breaks every beat that a weaker one breaks.
        done: the table as ``on_level`` last had it: its noise levels are not attacked again.
        on_level: given the table so far after every noise level.

    Returns:
        The per-beat table (see ``nsr_core.evaluation.table``) with the attack "worst-case". Its steps count through the
        whole plan. The column ``by`` names the attack that broke the beat, here or, where it was carried, before.
    """
    table = attack_beats(
        network,
        beats,
        rows,
        WorstCase(strength),
        WorstCase.name,
        eps_grid,
        seed=seed,
        carry=True,
        signal_only=signal_only,
        device=device,
        progress=progress,
        done=None if done is None else done[list(COLUMN_TYPES)],
        on_level=lambda so_far: on_level(with_names(so_far, strength)),
    )
    return with_names(table, strength)


def with_names(table: pd.DataFrame, strength: str) -> pd.DataFrame:
    """The table of ``WorstCase`` runs with the column ``by``.

    Args:
        table: one plan's rows at ascending levels; where beats were carried, those before must be there.
        strength: the plan.
    """
    by = table["step"].map(lambda step: broken_by(strength, step)).astype("string").where(table["step"] != CARRIED)
    ordered = table.assign(**{BY: by}).sort_values("eps", kind="stable")
    return table.assign(**{BY: ordered.groupby(["record", "sample"], sort=False)[BY].ffill()})


def broken_counts(table: pd.DataFrame) -> pd.DataFrame:
    """How many beats each attack broke at each level, carried ones not counted again: rows levels, columns attacks.

    Args:
        table: what ``worst_case`` gives.
    """
    fresh = table[table["step"] >= 0]
    counts = pd.crosstab(fresh["eps"], fresh[BY])
    return counts.reindex(np.sort(table["eps"].unique()), fill_value=0)
