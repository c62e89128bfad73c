"""What an attack maximises: pure functions, logits and labels in, one number a beat out."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from nsr_core.attacks.per_beat import PerBeat

Objective = Callable[[Tensor, Tensor], Tensor]
#: The same towards a target: (batch,) classes besides.
TargetedObjective = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass
class Targeted(PerBeat):
    """A targeted objective with each beat's own target."""

    objective: TargetedObjective
    target: Tensor

    def __call__(self, logits: Tensor, y: Tensor) -> Tensor:
        return self.objective(logits, y, self.target)


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


def rivals(logits: Tensor, y: Tensor) -> Tensor:
    """(batch, classes - 1) the other classes, the one with the largest logit first."""
    others = logits.scatter(1, y[:, None], -torch.inf)
    return others.argsort(dim=1, descending=True, stable=True)[:, :-1]


def targeted_margin(logits: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """(batch,) the target's logit minus the label's (Gowal et al. 2019): positive where the target has overtaken it."""
    own, wanted = logits.gather(1, torch.stack((y, target), 1)).unbind(1)
    return wanted - own


def targeted_dlr(logits: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """(batch,) the targeted difference-of-logits ratio (Croce & Hein 2020), which rescaled logits leave as it is.

    The targeted margin over z_1st - (z_3rd + z_4th) / 2, with the logits sorted from the largest: hence four classes.

    Raises:
        ValueError: fewer than four classes.
    """
    if logits.shape[1] < 4:
        raise ValueError(f"There are {logits.shape[1]} classes; the targeted DLR loss needs 4 or more.")
    first, _, third, fourth = logits.topk(4, dim=1).values.unbind(1)
    return targeted_margin(logits, y, target) / (first - (third + fourth) / 2 + 1e-12)


def slope(objective: Objective, logits: Tensor, y: Tensor) -> Tensor:
    """(batch, classes) gradient of each beat's objective with respect to its logits."""
    if objective is cross_entropy:
        return logits.softmax(1).scatter_add_(1, y[:, None], logits.new_full((len(y), 1), -1))
    leaf = logits.detach().requires_grad_()
    with torch.enable_grad():
        total = objective(leaf, y).sum()
    return torch.autograd.grad(total, leaf)[0]
