"""How the optimiser's step size goes over a training."""

from collections.abc import Callable
from math import cos, pi

#: By name: what the learning rate is multiplied by where a share, from 0 to below 1, of all steps lies behind.
#: ``constant`` is the paper's; ``cosine`` falls to 0 (Loshchilov & Hutter 2017, eq. 5, one period); ``late-cosine`` does so in
#: the second half, once the noise trained against has grown to its full size.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: (1 + cos(pi * done)) / 2,
    "late-cosine": lambda done: (1 + cos(pi * max(0.0, 2 * done - 1))) / 2,
}
