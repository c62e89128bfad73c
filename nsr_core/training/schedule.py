"""How the optimiser's step size goes over a training."""

from collections.abc import Callable
from math import cos, pi

#: By name: what the learning rate is multiplied by where a share, from 0 to below 1, of all steps lies behind.
#: ``constant`` is the paper's; ``cosine`` falls to 0 (Loshchilov & Hutter 2017, eq. 5, one period).
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: (1 + cos(pi * done)) / 2,
}
