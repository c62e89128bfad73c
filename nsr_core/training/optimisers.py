"""The optimisers by name."""

import inspect
from collections.abc import Callable
from functools import partial

import torch
from torch.optim import Adam, Adamax, Optimizer


def _without_compiler(optimiser: type[Optimizer]) -> Callable[..., Optimizer]:
    """The same steps without torch's compiler, which the methods below load only to tell it to leave them alone.

    Nothing here is compiled, and loading it takes as long as loading torch itself, in every process that trains.
    """
    methods = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    plain = {name: inspect.unwrap(getattr(optimiser, name)) for name in methods}
    step = torch.no_grad()(inspect.unwrap(optimiser.step))
    return type(optimiser.__name__, (optimiser,), {**plain, "step": step})


#: From parameters and a learning rate (``lr``). Adamax is the paper's; Adam suits interval bounds, whose gradients change more.
OPTIMISERS: dict[str, Callable[..., Optimizer]] = {
    "adamax": partial(_without_compiler(Adamax), foreach=True),
    "adam": partial(_without_compiler(Adam), foreach=True),
}
