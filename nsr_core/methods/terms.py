"""The terms that losses are made of. Each takes whole batches; none loops over samples or classes."""

import torch
from torch import Tensor
from torch.nn import functional

from nsr_core.models.vjp import PullBack


def squared_error(logits: Tensor, y: Tensor) -> Tensor:
    """(batch,) squared distance of the logits to the one-hot label, summed over classes (eq. 5, first two terms)."""
    return (logits - functional.one_hot(y, logits.shape[1])).square().sum(1)


def true_logit(logits: Tensor, y: Tensor) -> Tensor:
    """(batch,) the label's logit, z_y."""
    return logits.gather(1, y[:, None])[:, 0]


def correctly_classified(logits: Tensor, y: Tensor) -> Tensor:
    """(batch,) 1.0 where the largest logit is the label's, else 0.0."""
    return (logits.detach().argmax(1) == y).to(logits.dtype)


def margin_loss(logits: Tensor, y: Tensor, correct: Tensor) -> Tensor:
    """The mean of h = 1 - z_y + z_i over the pairs (correct sample, other class i) with h > 0; 0 where there is none.

    Eq. 5 sums the pairs of a sample; the authors' code averages over the batch's pairs with h > 0, which is followed here.

    Args:
        logits: (batch, classes).
        y: (batch,).
        correct: (batch,) 1.0 on the samples that count.
    """
    gaps = 1 - true_logit(logits, y)[:, None] + logits
    counts = (1.0 - functional.one_hot(y, logits.shape[1])) * correct[:, None]
    active = (gaps * counts).clamp_min(0)
    return active.sum() / (active > 0).sum().clamp_min(1)


def true_logit_gradient(pull_back: PullBack, logits: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """(batch, 187) w_y of eq. 2, the gradient of each sample's z_y by its own x, times its ``weight``.

    One pull-back serves the whole batch, because no sample's logits depend on another's x.

    Args:
        pull_back: of ``input_vjp``, differentiable where the result goes into a loss.
        logits: (batch, classes).
        y: (batch,).
        weight: (batch,).
    """
    return pull_back(torch.zeros_like(logits).scatter_(1, y[:, None], weight[:, None]))


def mean_over(values: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean of (batch,) values; 0 where no weight is left, never NaN."""
    return (values * weight).sum() / weight.sum().clamp_min(1)
