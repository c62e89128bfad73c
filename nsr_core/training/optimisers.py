"""The optimisers by name."""

from collections.abc import Callable
from functools import partial

import torch

#: From parameters and a learning rate (``lr``). Adamax is the paper's; Adam suits interval bounds, whose gradients change more.
OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamax": partial(torch.optim.Adamax, foreach=True),
    "adam": partial(torch.optim.Adam, foreach=True),
}
