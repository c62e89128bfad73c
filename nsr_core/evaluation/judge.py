"""Attacks propose; here it is judged, in one way everywhere: clipped to the budget and predicted again."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nsr_core.attacks import Box


@dataclass(frozen=True)
class Judgement:
    """What a network makes of attacked beats.

    Attributes:
        x_adv: (batch, 187) the attacked beats, inside the budget.
        logits: (batch, 5) of the network there.
        pred: (batch,) int64 predicted class.
        broken: (batch,) bool, whether that is another than the true one.
    """

    x_adv: Tensor
    logits: Tensor
    pred: Tensor
    broken: Tensor


def judge(
    network: nn.Module, x: Tensor, y: Tensor, eps: float | Tensor, length: Tensor | None, proposed: Tensor
) -> Judgement:
    """Clip what an attack proposes to the budget, and predict it again.

    Args:
        network: in eval mode.
        x, y: (batch, 187) beats and (batch,) int64 true classes.
        eps, length: the budget, see ``Box.around``.
        proposed: (batch, 187) attacked beats. A sample that is not finite, as a NaN gradient leaves it, stays as in ``x``:
            a beat with such a sample is not one, so there is nothing that it could be misread as.
    """
    x_adv = Box.around(x, eps, length).clip(torch.where(proposed.isfinite(), proposed, x))
    with torch.inference_mode():
        logits = network(x_adv)
    pred = logits.argmax(1)
    return Judgement(x_adv, logits, pred, pred != y)
