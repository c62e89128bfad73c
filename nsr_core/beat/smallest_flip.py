"""For many beats at once: the smallest noise found that changes what a network reads, whatever it reads."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import numpy as np
import torch
from torch import Tensor

from nsr_core.attacks import Attack, BeatRandomness
from nsr_core.attacks.apgd import WideAPGD
from nsr_core.data import Beats
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.robustness import batch_size, predict
from nsr_core.evaluation.rows import as_tensors
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress

#: Of the attacks of one price the one that comes closest to all of them together, also on networks whose gradient
#: misleads: on 200 test beats of four MLPs what it finds is in the median 2 to 10 % above what the plan "standard" finds at
#: twenty times its cost (docs/recordings.md).
SEARCH_ATTACK: Attack = WideAPGD(steps=40, random_start=False)
#: Levels looked at: the first; none above the largest; the search ends below the smallest.
FIRST, LARGEST, SMALLEST = 0.03, 0.3, 0.0005
#: It also ends where the level that flips is at most so much above one that did not.
TOLERANCE = 0.1
WORKERS = 2
#: Seconds between two reports, each of which may stop the search.
REPORT_EVERY = 0.5
LOOKING = "looking for the smallest noise that changes the reading"


def smallest_flips(
    network: Network,
    beats: Beats,
    *,
    attack: Attack = SEARCH_ATTACK,
    numbers: np.ndarray | None = None,
    seed: int = 0,
    signal_only: bool = True,
    workers: int = WORKERS,
    progress: Progress = no_progress,
) -> np.ndarray:
    """The largest absolute noise of the mildest attack found that changes the reading of each beat.

    It is an upper bound: less noise may be enough. The beat stays within [0, 1].

    Args:
        network: in eval mode.
        beats: their classes do not matter; what the network reads without noise is to be changed.
        attack: tried at one level after another, each beat at its own.
        numbers: (n,) of the beats, on which their chance depends; by default their rows.
        signal_only: whether noise leaves the padding alone.
        workers: batches searched at a time, in threads.
        progress: called with the number of beats; raising from it stops the search.

    Returns:
        (n,) float64 in units of each beat's range; NaN where no noise up to 0.3 was found.
    """
    y = torch.from_numpy(predict(network, beats.x))
    x, _, length = as_tensors(beats, np.arange(len(beats)))
    numbers = np.arange(len(beats)) if numbers is None else numbers
    batches = torch.arange(len(beats)).split(batch_size(network.name))

    stopped = Event()

    def heed(done: int, total: int, what: str) -> None:
        if stopped.is_set():
            raise _Stopped

    def search(rows: Tensor) -> np.ndarray:
        signal = length[rows] if signal_only else None
        return _search(network, attack, x[rows], y[rows], signal, numbers[rows.numpy()], seed, heed)

    found: list[np.ndarray] = []
    with ThreadPoolExecutor(workers) as pool:
        searches = [pool.submit(search, rows) for rows in batches]
        try:
            for each in searches:
                while not wait([each], REPORT_EVERY).done:
                    progress(sum(map(len, found)), len(beats), LOOKING)
                found.append(each.result())
                progress(sum(map(len, found)), len(beats), LOOKING)
        except BaseException:
            stopped.set()  # those that run stop at their next step
            pool.shutdown(cancel_futures=True)
            raise
    return np.concatenate(found)


class _Stopped(Exception):
    """Ends a search that nobody waits for."""


def _search(
    network: Network,
    attack: Attack,
    x: Tensor,
    y: Tensor,
    length: Tensor | None,
    numbers: np.ndarray,
    seed: int,
    progress: Progress,
) -> np.ndarray:
    held, flipped, eps = (x.new_full((len(x),), level) for level in (0.0, torch.inf, FIRST))
    open_rows = torch.arange(len(x))
    while len(open_rows):
        rows, level = open_rows, eps[open_rows]
        chance = BeatRandomness(seed, numbers[rows.numpy()])
        signal = None if length is None else length[rows]
        proposed = attack(network, x[rows], y[rows], level, length=signal, randomness=chance, progress=progress)
        judged = judge(network, x[rows], y[rows], level, signal, proposed.x_adv)
        won, used = judged.broken, (judged.x_adv - x[rows]).abs().amax(1)
        flipped[rows[won]] = torch.minimum(flipped[rows[won]], used[won])
        held[rows[~won]] = level[~won]
        eps[rows] = _next_level(held[rows], flipped[rows])
        open_rows = rows[~_settled(held[rows], flipped[rows])]
    return np.where(np.isfinite(flipped.numpy()), flipped.numpy().astype(np.float64), np.nan)


def _next_level(held: Tensor, flipped: Tensor) -> Tensor:
    """Three times as far while nothing flipped, a third while everything did, then the geometric mean."""
    between = torch.where(held > 0, (held * flipped).sqrt(), flipped / 3)
    return torch.where(flipped.isinf(), (3 * held).clamp_max(LARGEST), between)


def _settled(held: Tensor, flipped: Tensor) -> Tensor:
    near = (flipped - held <= TOLERANCE * flipped) & flipped.isfinite()
    return near | (flipped <= SMALLEST) | (flipped.isinf() & (held >= LARGEST))
