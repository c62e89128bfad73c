"""What an attack makes larger: pure functions, logits and labels in, one number a beat out."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Objective = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """(batch,) cross-entropy of (batch, classes) logits and (batch,) labels."""
    return functional.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """(batch,) largest other logit minus the label's: positive where the beat is misclassified.

    The negative of the loss that SPSA lowers in Uesato et al. (2018).
    """
    own = logits.gather(1, y[:, None])[:, 0]
    others = logits.scatter(1, y[:, None], -torch.inf)
    return others.amax(1) - own


def slope(objective: Objective, logits: Tensor, y: Tensor) -> Tensor:
    """(batch, classes) gradient of each beat's objective by its logits."""
    if objective is cross_entropy:
        return logits.softmax(1).sub_(functional.one_hot(y, logits.shape[1]))
    leaf = logits.detach().requires_grad_()
    with torch.enable_grad():
        total = objective(leaf, y).sum()
    return torch.autograd.grad(total, leaf)[0]
