"""The most that any classifier whatever can keep on given beats: a limit that the beats set, not the network.

Two beats of different classes that noise can turn into the same signal cannot both be kept: whatever a classifier says of
that signal, it is wrong for one of them. Such pairs are edges, kept beats are free of edges, so that what must be given up is
a vertex cover (Bhagoji et al. 2019, Lower bounds on adversarial robustness from optimal transport). Its linear relaxation,
in which beats may be given up by halves, is a maximum flow; it never gives up more than a cover must, so what is left is a
ceiling, for classifiers that draw lots too. More beats can only lower it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nsr_core.data import CLASSES, Beats
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress

Numbers = NDArray[np.float64]
#: Where the included one lies, in the folder of the checkpoints.
CEILING_FILE = "ceiling.json"
#: What all weights together are as whole numbers, as the flow takes them; rounded down, so that the limit is none too low.
WHOLE = 2**30
#: Beats compared at once with all others.
BLOCK = 512


@dataclass(frozen=True)
class Conflicts:
    """Pairs of beats of different classes that noise can make alike.

    Attributes:
        y: (beats,) classes.
        one, other: (pairs,) beats by their number.
        level: (pairs,) float32 noise from which they are.
    """

    y: NDArray[np.integer]
    one: NDArray[np.int32]
    other: NDArray[np.int32]
    level: NDArray[np.float32]


def find_conflicts(
    beats: Beats, rows: np.ndarray, most: float, *, signal_only: bool = False, progress: Progress = no_progress
) -> Conflicts:
    """The pairs that conflict up to the noise level ``most``.

    Each of two beats may be moved by the level, so they meet, within [0, 1], from half their largest distance on. With noise
    on the signal only, a beat's padding stays: where one has signal and the other padding, it must come all the way.

    Args:
        beats, rows: which beats.
        signal_only: whether noise leaves the padding untouched.
        progress: called with the number of beats.
    """
    x, y = beats.x[rows].astype(np.float64), beats.y[rows]
    length, tails = np.asarray(beats.length[rows], np.int64), _largest_from(x)
    found: list[tuple[np.ndarray, ...]] = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    done = 0
    for label in np.unique(y):
        rest = np.flatnonzero(y > label)
        for some in np.split(np.flatnonzero(y == label), np.arange(BLOCK, np.count_nonzero(y == label), BLOCK)):
            level = _apart(x[some], x[rest]) / 2
            if signal_only:
                ends, rest_ends = length[some][:, None], length[rest][None]
                # From where the shorter ends the longer one must come to its padding alone.
                level = np.maximum(level, np.where(ends > rest_ends, tails[some[:, None], rest_ends], 0))
                level = np.maximum(level, np.where(rest_ends > ends, tails[rest[None], ends], 0))
            at = np.nonzero(level <= most)
            found.append((some[at[0]], rest[at[1]], level[at]))
            done += len(some)
            progress(done, len(x), "beats compared")
    one, other, levels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Conflicts(y, one.astype(np.int32), other.astype(np.int32), levels.astype(np.float32))


def _apart(some: Numbers, others: Numbers) -> Numbers:
    """(some, others) the largest difference of a sample between any two beats."""
    # Only here: who reads a stored ceiling, as every page does, need not wait for scipy.
    from scipy.spatial.distance import cdist

    distances: Numbers = cdist(some, others, "chebyshev")
    return distances


def _largest_from(x: Numbers) -> Numbers:
    """(beats, samples + 1) the largest sample from each place on."""
    backwards = np.maximum.accumulate(x[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([backwards, np.zeros((len(x), 1))], axis=1)


def most_kept(conflicts: Conflicts, eps: float, weight: Numbers | None = None) -> float:
    """The largest share that any classifier can keep at a noise level.

    Args:
        eps: up to the ``most`` that the conflicts were looked for.
        weight: (beats,) of each beat; by default all classes are equally frequent.
    """
    from scipy.sparse import csr_array  # as in _apart
    from scipy.sparse.csgraph import maximum_flow

    weight = equal_priors(conflicts.y) if weight is None else weight / weight.sum()
    near = conflicts.level <= eps
    one, other = conflicts.one[near], conflicts.other[near]
    if not len(one):
        return 1.0
    # Only the beats that conflict; each stands once on either side of the flow, and gives up half on each.
    beats, place = np.unique(np.concatenate([one, other]), return_inverse=True)
    one, other = np.split(place.astype(np.int32), 2)
    count, whole = len(beats), np.floor(weight[beats] * WHOLE).astype(np.int32)
    source, sink, own = 2 * count, 2 * count + 1, np.arange(count)
    begin = np.concatenate([one, other, np.full(count, source), own + count])
    end = np.concatenate([other + count, one + count, own, np.full(count, sink)])
    unlimited = np.minimum(whole[one], whole[other])  # no more can flow between two beats
    capacity = np.concatenate([unlimited, unlimited, whole, whole]).astype(np.int32)
    graph = csr_array((capacity, (begin, end)), shape=(2 * count + 2, 2 * count + 2))
    return float(1 - maximum_flow(graph, source, sink).flow_value / 2 / WHOLE)


def equal_priors(y: np.ndarray) -> Numbers:
    """(beats,) weights that add up to 1 and give each class the same."""
    counts = np.bincount(y, minlength=len(CLASSES))
    weights: Numbers = 1 / (counts[y] * np.count_nonzero(counts))
    return weights


@dataclass(frozen=True)
class Nearest:
    """The nearest-neighbour classifier on some beats, which proves its own robustness.

    Attributes:
        own, other: (beats,) the nearest known beat of the beat's class, and of all others, by their rows.
        certified: (beats,) no noise up to this level makes another class's beat the nearest; 0 where one is without noise.
    """

    own: NDArray[np.int64]
    other: NDArray[np.int64]
    certified: Numbers


def nearest(beats: Beats, known: np.ndarray, rows: np.ndarray, *, progress: Progress = no_progress) -> Nearest:
    """Classify beats by the nearest of the known ones, by the largest difference of a sample.

    Noise of size e brings no beat nearer by more than e, and takes none further away by more; so the reading holds up to half
    of what the nearest beat of another class is further away than that of its own.

    Args:
        known: rows of the beats that are compared with.
        rows: rows of the beats that are read.
        progress: called with the number of beats.
    """
    against, y = beats.x[known].astype(np.float64), beats.y[known]
    own, other = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    certified = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        some = slice(start, start + BLOCK)
        distance = _apart(beats.x[rows[some]].astype(np.float64), against)
        same = beats.y[rows[some]][:, None] == y[None]
        at_own = np.where(same, distance, np.inf).argmin(1)
        at_other = np.where(same, np.inf, distance).argmin(1)
        line = np.arange(len(distance))
        own[some], other[some] = known[at_own], known[at_other]
        certified[some] = ((distance[line, at_other] - distance[line, at_own]) / 2).clip(0)
        progress(min(start + BLOCK, len(rows)), len(rows), "beats read by their neighbours")
    return Nearest(own, other, certified)


def ceiling(
    beats: Beats, rows: np.ndarray, levels: Sequence[float], *, progress: Progress = no_progress
) -> pd.DataFrame:
    """At each noise level what any classifier can keep at most, classes equally frequent.

    Returns:
        Rows ``eps, kept, kept_signal_only``.
    """
    table = pd.DataFrame({"eps": [float(eps) for eps in levels]})
    for name, signal_only in (("kept", False), ("kept_signal_only", True)):
        found = find_conflicts(beats, rows, max(levels), signal_only=signal_only, progress=progress)
        table[name] = [most_kept(found, eps) for eps in levels]
    return table


def nearest_kept(
    beats: Beats, known: np.ndarray, rows: np.ndarray, levels: Sequence[float], *, progress: Progress = no_progress
) -> list[float]:
    """At each noise level what the nearest neighbour is proved to keep, classes equally frequent."""
    weight, certified = equal_priors(beats.y[rows]), nearest(beats, known, rows, progress=progress).certified
    return [float(weight[(certified > 0) & (certified >= eps)].sum()) for eps in levels]


@dataclass(frozen=True)
class Ceiling:
    """What the command ``ceiling`` has kept in a file.

    Attributes:
        source, split: whose test beats; ``split`` is the fingerprint.
        count: how many beats.
        levels: of ``ceiling``, by rising noise level.
    """

    source: str
    split: str
    count: int
    levels: pd.DataFrame

    def at(self, eps: float) -> float:
        """What any classifier keeps at most: that of the largest level not above ``eps``, since more noise only takes more."""
        below = self.levels.loc[self.levels["eps"] <= eps * (1 + 1e-9), "kept"]
        return float(below.iloc[-1]) if len(below) else 1.0


def read_ceiling(path: Path) -> Ceiling | None:
    """A kept result, or None where there is no such file.

    Raises:
        UserError: the file is none that the command ``ceiling`` writes.
    """
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        levels = pd.DataFrame(value["levels"]).astype(float).sort_values("eps", ignore_index=True)
        kept = Ceiling(value["source"], value["split"]["fingerprint"], int(value["count"]), levels)
        if not levels["kept"].between(0, 1).all():
            raise ValueError("a share lies outside 0 to 1")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path.name} is not a result of the ceiling ({error}). Make it anew.",
            command_line=f"python -m nsr_core ceiling --keep {path}",
        ) from error
    return kept
