"""Signs that an attack could not have worked, whatever it found.

Sources: Zimmermann et al. (2022), "Increasing confidence in adversarial robustness evaluations" (a planted example); Pintor et
al. (2022), "Indicators of attack failure" (unstable predictions, silent success, transfer failure); Croce & Hein (2020), the
flags of AutoAttack (randomised outputs, probabilities for logits, optimisation at inference).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from nsr_core.attacks.objectives import cross_entropy
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.planted import look_for_planted
from nsr_core.verdict.masking.sign import Judgement, light_of_beats, of_beats, percent
from nsr_core.verdict.masking.variants import PUBLISHED

#: Unstable is a beat whose loss such noise changes by more than this share of itself, on average over ``DRAWS``.
TINY_NOISE, UNSTABLE, DRAWS = 1e-4, 0.1, 10
#: How far a sum of probabilities may be from 1.
ROUNDING = 1e-4


def planted(seen: Evidence) -> Judgement:
    found = {eps: look_for_planted(seen.network, seen.x, eps) for eps in seen.levels}
    eps = max(found, key=lambda eps: found[eps].missed)
    result = found[eps]
    numbers = {
        f"{name} at {eps:g}": share
        for eps, one in found.items()
        for name, share in (("missed", one.missed / max(one.tested, 1)), ("found by chance", one.by_chance))
    }
    what = of_beats(result.missed, result.tested) if result.tested else "0 of 0 beats"
    return Judgement(
        light_of_beats(result.missed, max(result.tested, 1)),
        numbers | {"beats with one planted": float(result.tested)},
        f"At noise {eps:g}, 100-PGD did not find an adversarial example that was planted: {what}.",
    )


def unstable(seen: Evidence) -> Judgement:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        loss = _loss(seen.network, seen.x, seen.y)
        changes = []
        for _ in range(DRAWS):
            noise = TINY_NOISE * (2 * torch.rand(seen.x.shape, generator=generator) - 1)
            near = _loss(seen.network, (seen.x + noise).clamp(0, 1), seen.y)
            changes.append(((near - loss).abs() / loss.clamp_min(torch.finfo(loss.dtype).tiny)).clamp_max(1))
    change = torch.nan_to_num(torch.stack(changes), nan=1.0).mean(0)
    count = int((change > UNSTABLE).sum())
    return Judgement(
        light_of_beats(count, len(seen)),
        {"unstable": count / len(seen), "mean change of the loss": float(change.mean())},
        f"Noise of {TINY_NOISE:g} changes the loss by more than {percent(UNSTABLE)} at {of_beats(count, len(seen))}.",
    )


def silent_success(seen: Evidence) -> Judgement:
    missed = {
        eps: np.any([seen.broken(PUBLISHED, smaller) for smaller in seen.levels[:number]], axis=0) & seen.left(eps)
        for number, eps in enumerate(seen.levels)
        if number
    }
    counts = {eps: int(mask.sum()) for eps, mask in missed.items()}
    count = max(counts.values(), default=0)
    at = f"At noise {max(counts, key=lambda eps: counts[eps]):g}, " if counts else ""
    return Judgement(
        light_of_beats(count, len(seen)),
        {f"share at {eps:g}": value / len(seen) for eps, value in counts.items()},
        f"{at}100-PGD left {of_beats(count, len(seen))} standing that it breaks with less noise.",
    )


def transfer_failure(seen: Evidence) -> Judgement:
    found = {eps: seen.claimed(PUBLISHED, eps) & ~seen.broken(PUBLISHED, eps) for eps in seen.levels}
    eps = max(found, key=lambda eps: int(found[eps].sum()))
    count = int(found[eps].sum())
    return Judgement(
        light_of_beats(count, len(seen)),
        {f"share at {eps:g}": float(mask.mean()) for eps, mask in found.items()},
        f"At noise {eps:g}, {of_beats(count, len(seen))} fell where gradients are computed and not where the network "
        "predicts.",
    )


def randomised(seen: Evidence) -> Judgement:
    with torch.no_grad():
        first, second = (seen.network(seen.x) for _ in range(2))
    count = int((first != second).any(1).sum())
    return _flag(
        count > 0,
        count / len(seen),
        f"The same beat twice gave other outputs at {of_beats(count, len(seen))}.",
    )


def probabilities(seen: Evidence) -> Judgement:
    with torch.no_grad():
        outputs = seen.network(seen.x)
    like = bool(((outputs >= 0).all(1) & ((outputs.sum(1) - 1).abs() < ROUNDING)).all())
    result = "probabilities: their softmax has hardly a gradient" if like else "no probabilities"
    return _flag(like, float(like), f"The network's outputs are {result}.")


def optimises(seen: Evidence) -> Judgement:
    with _gradients_counted() as calls:
        seen.network(seen.x[:1])
    result = f"{len(calls)} gradients, which" if calls else "no gradient, which"
    return _flag(bool(calls), float(len(calls)), f"A prediction computes {result} an attack would have to go through.")


def _flag(raised: bool, number: float, sentence: str) -> Judgement:
    return Judgement("red" if raised else "green", {"flag": number}, sentence)


def _loss(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(network(x).double(), y)


@contextmanager
def _gradients_counted() -> Iterator[list[str]]:
    """Collects the calls of autograd while it lasts."""
    calls: list[str] = []
    grad, backward = torch.autograd.grad, torch.autograd.backward

    def counted_grad(*given, **named):  # type: ignore[no-untyped-def]
        calls.append("grad")
        return grad(*given, **named)

    def counted_backward(*given, **named):  # type: ignore[no-untyped-def]
        calls.append("backward")
        return backward(*given, **named)

    with patch("torch.autograd.grad", counted_grad), patch("torch.autograd.backward", counted_backward):
        yield calls
