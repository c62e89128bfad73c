"""Which beats the smallest noise is searched for: all of some hours; of a day the likely most fragile and a fair sample.

The search takes milliseconds a beat, reading a beat takes microseconds, and a day has 100,000 beats.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nsr_core.data import Beats
from nsr_core.data.beats import signal_mask
from nsr_core.models import Network
from nsr_core.recordings.pieces import WHOLE_SECONDS

#: How many beats are searched for each network.
Search = int | Literal["all"]
#: Of a recording longer than ``WHOLE_SECONDS``, where nothing else is asked for.
OF_A_LONG_ONE = 512
#: Beats whose gradient is taken at once.
AT_ONCE = 2048


@dataclass(frozen=True)
class Chosen:
    """Rows of the usable beats, both ascending and without a common one.

    Attributes:
        fragile: (a,) those whose readings little noise is likely to change.
        evenly: (b,) spread evenly over the recording, whatever they are read as: they stand for all.
    """

    fragile: NDArray[np.int64]
    evenly: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """(a + b,) ascending."""
        return np.union1d(self.fragile, self.evenly)


def usual_search(seconds: float) -> Search:
    """What is searched of a recording that lasts so long, where nothing is asked for."""
    return "all" if seconds <= WHOLE_SECONDS else OF_A_LONG_ONE


def choose(network: Network, beats: Beats, search: Search) -> Chosen:
    """Half of ``search`` spread evenly, half the likely most fragile of the others; all, where there are no more.

    Args:
        network: in eval mode.
        beats: of a recording, in the order of time.
        search: at least 1.
    """
    count = len(beats)
    if search == "all" or search >= count:
        return Chosen(np.empty(0, np.int64), np.arange(count))
    evenly = np.linspace(0, count, search - search // 2, endpoint=False).astype(np.int64)
    by_fragility = np.argsort(likely_flips(network, beats), kind="stable")
    others = by_fragility[~np.isin(by_fragility, evenly)]
    return Chosen(np.sort(others[: search // 2]), evenly)


def likely_flips(network: Network, beats: Beats) -> NDArray[np.float32]:
    """(n,) the noise that would change each reading if the network were linear around the beat.

    The difference between the two largest logits over the sum of its gradient's absolute values on the signal samples. It
    serves to rank beats and is no bound: infinite where the gradient vanishes.
    """
    parts = [np.empty(0, np.float32)]
    for start in range(0, len(beats), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        x = torch.from_numpy(beats.x[rows]).requires_grad_()
        with torch.enable_grad():
            first, second = network(x).topk(2, dim=1).values.unbind(1)
            margin = first - second
            (gradient,) = torch.autograd.grad(margin.sum(), x)
        steepness = (gradient.abs() * torch.from_numpy(signal_mask(beats.length[rows]))).sum(1)
        parts.append((margin.detach() / steepness).nan_to_num(nan=torch.inf, posinf=torch.inf).numpy())
    return np.concatenate(parts)
