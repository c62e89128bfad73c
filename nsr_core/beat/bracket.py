"""What is known of one beat: proved up to here, broken from there, and by which attack."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from nsr_core.attacks import BeatRandomness, WorstCase
from nsr_core.attacks.worst_case import broken_by
from nsr_core.beat.smallest_flip import SEARCH_ATTACK, smallest_flips
from nsr_core.beat.sweep import REFINEMENT, SWEEP_EPS
from nsr_core.certificates import can_be_certified, certified_eps
from nsr_core.data import Beats
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.rows import as_tensors, is_read_correctly
from nsr_core.models import Network
from nsr_core.progress import Progress, TimeIsUp, no_progress


@dataclass(frozen=True)
class BeatBracket:
    """A beat between proof and break, in units of its range.

    Attributes:
        certified: no noise up to this level flips it, proved; 0 where it is misread without noise, NaN where there is no
            certificate for the network.
        broken: the smallest level at which an attack flipped it; 0 where it is misread without noise, NaN where none did.
        by: which attack that was; empty where none.
        most: the largest level that was tried.
    """

    certified: float
    broken: float
    by: str
    most: float

    @property
    def misread(self) -> bool:
        """Whether the beat is misread before any noise."""
        return self.broken == 0

    def with_break(self, level: float, by: str) -> "BeatBracket":
        """The bracket once an attack is known to flip the beat at a level (NaN: it does not); a smaller break stays."""
        if np.isnan(level) or self.broken <= level:
            return self
        return replace(self, broken=float(level), by=by if level > 0 else "")

    def with_proof(self, certified: float) -> "BeatBracket":
        """The bracket once a level is proved as well (NaN: none is); a larger proof stays."""
        return replace(self, certified=float(np.fmax(self.certified, certified)))


NOTHING_KNOWN = BeatBracket(np.nan, np.nan, "", SWEEP_EPS[-1])


MISREAD = BeatBracket(0.0, 0.0, "", SWEEP_EPS[-1])


def certified_bracket(network: Network, beats: Beats, row: int, *, signal_only: bool = False) -> BeatBracket:
    """What a proof alone says of a beat, before any attack."""
    if not is_read_correctly(network, beats, row):
        return MISREAD
    return NOTHING_KNOWN.with_proof(_certified(network, beats, row, signal_only, no_progress))


def quick_bracket(
    network: Network,
    beats: Beats,
    row: int,
    *,
    seed: int = 0,
    signal_only: bool = False,
    progress: Progress = no_progress,
) -> BeatBracket:
    """Certify one beat and look for its smallest break with one attack, as in ``smallest_flips``.

    In the median its break is 2 to 10 % above that of ``bracket_beat``, at a tenth of the cost: on one core 0.3 s for an MLP
    and 1 s for a CNN, whose proof takes another 2 or 3.

    Args:
        progress: called at least twice a second during the search and at every level that it tries to prove; raising from it
            stops the work, and ``TimeIsUp`` keeps what was found.
    """
    if not is_read_correctly(network, beats, row):
        return MISREAD
    found = NOTHING_KNOWN
    with suppress(TimeIsUp):
        alone = beats[np.array([row])]
        (level,) = smallest_flips(network, alone, seed=seed, signal_only=signal_only, progress=progress)
        found = found.with_break(float(level), SEARCH_ATTACK.name)
        found = found.with_proof(_certified(network, beats, row, signal_only, progress))
    return found


def stored_bracket(
    beats: Beats,
    row: int,
    table: pd.DataFrame,
    attacks: Mapping[str, Mapping[str, Any]],
    certificates: pd.DataFrame | None,
    *,
    signal_only: bool = False,
) -> BeatBracket:
    """What a checkpoint's stored results say of a beat; ``NOTHING_KNOWN`` of one that they do not hold.

    Noise on the signal only is noise on all samples too, not the other way round: a break of either kind counts where all
    samples may change, one on the signal only where only these may.

    Args:
        table: of all attacks, beat by beat (see ``nsr_core.evaluation.table``).
        attacks: by the table's names, what the card says of each: ``signal_only`` and ``attack``, its settings.
        certificates: of noise on every sample, which hold for noise on the signal too; None where there are none.
    """
    counted = [name for name, ran in attacks.items() if ran["signal_only"] or not signal_only]
    mine = _of_beat(table[table["attack"].isin(counted)], beats, row)
    found = NOTHING_KNOWN
    for attack, eps, step in mine.loc[mine["step"] >= 0, ["attack", "eps", "step"]].itertuples(index=False):
        strength = attacks[attack]["attack"].get("strength")
        found = found.with_break(float(eps), broken_by(strength, int(step)) if strength else str(attack))
    if len(mine) and (mine["clean"] != mine["y"]).iloc[0]:
        return MISREAD
    proved = [] if certificates is None else _of_beat(certificates, beats, row)["certified"].tolist()
    return found.with_proof(proved[0]) if proved else found


def _of_beat(table: pd.DataFrame, beats: Beats, row: int) -> pd.DataFrame:
    own: pd.DataFrame = table[(table["sample"] == beats.sample[row]) & (table["record"] == beats.record[row])]
    return own


def bracket_beat(
    network: Network,
    beats: Beats,
    row: int,
    *,
    strength: str = "standard",
    seed: int = 0,
    signal_only: bool = False,
    progress: Progress = no_progress,
) -> BeatBracket:
    """Certify one beat and attack it with all attacks in turn, at 31 levels from 0 to 0.3 and more finely around its flip.

    Args:
        strength: a plan of ``nsr_core.attacks.STRENGTHS``.
        progress: called at every step; raising from it stops the work.
    """
    grid = np.asarray(SWEEP_EPS)
    if not is_read_correctly(network, beats, row):
        return MISREAD
    certified = _certified(network, beats, row, signal_only, progress)
    first, by = _smallest(network, beats, row, grid[1:], strength, seed, signal_only, progress)
    if np.isfinite(first):
        below = grid[grid < first][-1]
        between = np.linspace(below, first, REFINEMENT + 2)[1:-1]
        finer, finer_by = _smallest(network, beats, row, between, strength, seed, signal_only, progress)
        first, by = (finer, finer_by) if np.isfinite(finer) else (first, by)
    return BeatBracket(certified, first, by, float(grid[-1]))


def _certified(network: Network, beats: Beats, row: int, signal_only: bool, progress: Progress) -> float:
    x, y, length = as_tensors(beats, np.array([row]))
    if not can_be_certified(network):
        return np.nan
    return float(certified_eps(network, x, y, length=length if signal_only else None, progress=progress))


def _smallest(
    network: Network,
    beats: Beats,
    row: int,
    levels: np.ndarray,
    strength: str,
    seed: int,
    signal_only: bool,
    progress: Progress,
) -> tuple[float, str]:
    """The smallest of the levels at which an attack flips the beat, all of them in one batch, and which attack."""
    rows = np.full(len(levels), row)
    x, y, length = as_tensors(beats, rows)
    eps = torch.from_numpy(levels)
    shown = length if signal_only else None
    randomness = BeatRandomness(seed, rows)
    result = WorstCase(strength)(network, x, y, eps, length=shown, randomness=randomness, progress=progress)
    flipped = judge(network, x, y, eps, shown, result.x_adv).broken
    if not bool(flipped.any()):
        return np.nan, ""
    at = int(flipped.int().argmax())
    return float(levels[at]), broken_by(strength, int(result.step[at]))
