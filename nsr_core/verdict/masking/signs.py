"""The signs of gradient masking, one function each, and their table. A new one is a function and a line in ``SIGNS``.

Where a sign is looked at in several noise levels, the level that tells most decides. Sources: Athalye et al. (2018),
"Obfuscated gradients"; Carlini et al. (2019), "On evaluating adversarial robustness"; Croce & Hein (2020); Tramèr et al.
(2020), "On adaptive attacks"; Pintor et al. (2022), "Indicators of attack failure".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nsr_core.verdict.masking import indicators
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.sign import CHANCE, Judgement, light_of, light_of_beats, of_beats, percent
from nsr_core.verdict.masking.variants import PUBLISHED, RESCALED, STARTS, STEP_SIZES, VARIANTS

BLACK_BOX = ["noise, 100 draws", "square", "spsa"]
#: How much the loss still rises in the last tenth of the steps: amber, red.
RISING = (0.05, 0.2)
#: A mean over fewer beats says nothing.
FEWEST_SURVIVORS = 3
#: Noise levels at which no network can hold most beats, and any.
LARGE, WHOLE = 0.5, 1.0


class Test(NamedTuple):
    """A line of the table: what a ``Sign`` says beforehand, and the function that finds the rest."""

    title: str
    reason: str
    judge: Callable[[Evidence], Judgement]


def black_box(seen: Evidence) -> Judgement:
    groups = {run: [run] for run in BLACK_BOX}
    return _left_standing(
        seen, groups, "attacks without gradients broke {more} that 100-PGD as published left standing"
    )


def targeted(seen: Evidence) -> Judgement:
    return _compared(
        seen, "apgd-t", "apgd", "Auto-PGD towards each class in turn broke {more} than Auto-PGD in as many steps"
    )


def other_loss(seen: Evidence) -> Judgement:
    return _compared(
        seen,
        "margin",
        "cross-entropy",
        "PGD on the margin broke {more} than PGD on the cross-entropy in the same steps",
    )


def harder(seen: Evidence) -> Judgement:
    groups = {"1000 steps": ["1000 steps"], "5 starts": STARTS, "other step sizes": STEP_SIZES}
    return _left_standing(
        seen, groups, "more steps, more starts and other step sizes broke {more} that 100-PGD left standing"
    )


def large_noise(seen: Evidence) -> Judgement:
    y = seen.y.numpy()
    at_large = seen.flat_line != y
    at_whole = at_large | (len(np.unique(y)) > 1)
    missed = {eps: seen.left(eps) & can for eps, can in ((LARGE, at_large), (WHOLE, at_whole))}
    eps, count = _most(missed)
    result = of_beats(count, len(seen))
    return Judgement(
        light_of_beats(count, len(seen)),
        _by_level(missed) | {f"left at {eps:g}": _share(seen.left(eps)) for eps in missed},
        f"At noise {eps:g}, 100-PGD left {result} standing that are known to be breakable there.",
    )


def vanishing(seen: Evidence) -> Judgement:
    found = seen.gradients
    count = int(found.useless.sum())
    result = of_beats(count, len(seen))
    return Judgement(
        light_of_beats(count, len(seen)),
        {
            "useless": count / len(seen),
            "zero": _share(found.zero),
            "not finite": _share(found.not_finite),
            "turned": _share(found.turned),
            "samples without gradient": found.vanished,
            "size relative to the margin's": found.relative_size,
        },
        f"In single precision the gradient of the cross-entropy is zero, not finite or turned at {result}.",
    )


def rescaling(seen: Evidence) -> Judgement:
    gains = {eps: {run: _gain(seen, run, PUBLISHED, eps) for run in RESCALED} for eps in seen.levels}
    numbers = {f"{run} at {eps:g}": gain / len(seen) for eps, of in gains.items() for run, gain in of.items()}
    eps = max(gains, key=lambda eps: max(gains[eps].values()))
    run = max(gains[eps], key=lambda run: gains[eps][run])
    gain = gains[eps][run]
    return Judgement(
        light_of_beats(gain, len(seen)),
        {"most": gain / len(seen)} | numbers,
        f"At noise {eps:g}, the same 100-PGD with {run} broke {_more(gain, len(seen))} than with the logits as they are.",
    )


def lost_again(seen: Evidence) -> Judgement:
    found = {eps: seen.trail(eps).lost_again for eps in seen.levels}
    eps, count = _most(found)
    result = of_beats(count, len(seen))
    return Judgement(
        light_of_beats(count, len(seen)),
        _by_level(found),
        f"At noise {eps:g}, {result} were broken on the way of a 100-PGD that goes on, and read correctly at its end.",
    )


def still_rising(seen: Evidence) -> Judgement:
    rises = {eps: seen.trail(eps).rise for eps in seen.levels}
    means = {eps: float(rise.mean()) if len(rise) >= FEWEST_SURVIVORS else 0.0 for eps, rise in rises.items()}
    eps = max(means, key=lambda eps: means[eps])
    numbers = {f"survivors at {eps:g}": float(len(rise)) for eps, rise in rises.items()}
    return Judgement(
        light_of(means[eps], *RISING),
        {f"rise at {eps:g}": mean for eps, mean in means.items()} | numbers,
        f"At noise {eps:g}, the loss of the {len(rises[eps])} beats that 100-PGD never broke grew by "
        f"{percent(means[eps])} on average in its last ten steps.",
    )


def out_of_order(seen: Evidence) -> Judgement:
    pairs = {"FGSM over 100-PGD": ("fgsm", PUBLISHED), "random noise over FGSM": ("noise", "fgsm")}
    gains = {
        (name, eps): _gain(seen, weak, strong, eps) for eps in seen.levels for name, (weak, strong) in pairs.items()
    }
    name, eps = max(gains, key=lambda key: gains[key])
    gain = gains[name, eps]
    weak, strong = name.split(" over ")
    return Judgement(
        light_of_beats(gain, len(seen)),
        {f"{name} at {eps:g}": gain / len(seen) for (name, eps), gain in gains.items()},
        f"At noise {eps:g}, {weak} broke {_more(gain, len(seen))} than {strong}, which should break at least as many.",
    )


def together(seen: Evidence) -> Judgement:
    found = {eps: _all_together(seen, eps) for eps in seen.levels}
    eps, count = _most(found)
    left = {
        f"left by {name} at {eps:g}": _share(mask)
        for eps in seen.levels
        for name, mask in (("100-PGD", seen.left(eps)), ("all", seen.left(eps) & ~found[eps]))
    }
    before, after = (percent(_share(mask)) for mask in (seen.left(eps), seen.left(eps) & ~found[eps]))
    return Judgement(
        light_of_beats(count, len(seen)),
        _by_level(found) | left,
        f"At noise {eps:g}, 100-PGD as published left {before} of the beats standing and all attacks here together "
        f"{after}.",
    )


SIGNS: dict[str, Test] = {
    "black-box": Test(
        "Without gradients",
        "An attack that sees the gradient should find what one that does not finds. " + CHANCE,
        black_box,
    ),
    "targeted": Test(
        "Towards each class",
        "Where the climb away from the right class leads nowhere, a climb towards a wrong one may not. " + CHANCE,
        targeted,
    ),
    "other-loss": Test(
        "On another loss",
        "Two losses with one maximum; where one is flat or saturated, the other is not. " + CHANCE,
        other_loss,
    ),
    "harder": Test(
        "More steps, starts and step sizes",
        "An attack that has found all it can finds no more with more effort; a few beats fall to so many tries by chance. "
        + CHANCE,
        harder,
    ),
    "large-noise": Test(
        "Where nothing can stand",
        "At noise 0.5 every beat can be turned into a flat line, at noise 1 into a beat of another class. " + CHANCE,
        large_noise,
    ),
    "vanishing": Test(
        "Gradient in single precision",
        "The attacks follow the signs of this gradient. Turned: more than a quarter of the signs are not those in double "
        "precision. " + CHANCE,
        vanishing,
    ),
    "rescaling": Test(
        "Rescaled logits",
        "Multiplied logits change no decision and no robustness, only the gradient of the softmax. " + CHANCE,
        rescaling,
    ),
    "lost-again": Test(
        "Broken and mended",
        "A climb that passes over a flip and loses it climbs a loss that is rugged or of another shape than the decision. "
        + CHANCE,
        lost_again,
    ),
    "still-rising": Test(
        "Still climbing at the end",
        "Amber from 5 % in the last tenth of the steps, which as many steps again would make 60 %; red from 20 %, which "
        f"they would make six times the loss. A mean of fewer than {FEWEST_SURVIVORS} beats counts as 0.",
        still_rising,
    ),
    "out-of-order": Test(
        "The weaker, the fewer",
        "One gradient step should beat noise, and a hundred one. A tie is no sign: on a linear network one step is the "
        "best there is. " + CHANCE,
        out_of_order,
    ),
    "planted": Test(
        "A planted example",
        "An attack that misses an adversarial example known to be there proves nothing where it finds none. " + CHANCE,
        indicators.planted,
    ),
    "unstable": Test(
        "Unstable outputs",
        "Where noise that nobody would notice changes the loss, its gradient leads nowhere. " + CHANCE,
        indicators.unstable,
    ),
    "silent-success": Test(
        "Broken with less noise only",
        "Noise that is enough at one level is within the budget of every larger one. " + CHANCE,
        indicators.silent_success,
    ),
    "transfer": Test(
        "Broken elsewhere only",
        "The network whose gradient is followed must be the one that predicts. " + CHANCE,
        indicators.transfer_failure,
    ),
    "randomised": Test(
        "Randomised outputs",
        "Red from the first beat: an attack must average over the network's chance, and 100-PGD does not.",
        indicators.randomised,
    ),
    "probabilities": Test(
        "Probabilities for logits",
        "Red if all outputs are 0 or more and sum to 1: the loss would take the softmax of a softmax.",
        indicators.probabilities,
    ),
    "optimises": Test(
        "Optimisation at inference",
        "Red from the first gradient: where a prediction is itself a search, a plain gradient is not that of the prediction.",
        indicators.optimises,
    ),
    "together": Test(
        "All attacks together",
        "By so much the published number is too high at least. " + CHANCE,
        together,
    ),
}


def _compared(seen: Evidence, strong: str, usual: str, sentence: str) -> Judgement:
    """Two attacks of equal cost: how many more the first breaks."""
    gains = {eps: _gain(seen, strong, usual, eps) for eps in seen.levels}
    eps = max(gains, key=lambda eps: gains[eps])
    shares = {f"{run} at {eps:g}": _share(seen.broken(run, eps)) for eps in seen.levels for run in (strong, usual)}
    return Judgement(
        light_of_beats(gains[eps], len(seen)),
        {f"more at {eps:g}": gain / len(seen) for eps, gain in gains.items()} | shares,
        f"At noise {eps:g}, {sentence.format(more=_more(gains[eps], len(seen)))}.",
    )


def _left_standing(seen: Evidence, groups: Mapping[str, Sequence[str]], sentence: str) -> Judgement:
    """Runs in named groups: how many beats any of them breaks that the published attack leaves."""
    runs = [run for group in groups.values() for run in group]
    found = {eps: seen.beyond_any(runs, eps) for eps in seen.levels}
    shares = {
        f"{name} at {eps:g}": _share(seen.beyond_any(group, eps))
        for eps in seen.levels
        for name, group in groups.items()
    }
    eps, count = _most(found)
    return Judgement(
        light_of_beats(count, len(seen)),
        _by_level(found) | shares,
        f"At noise {eps:g}, {sentence.format(more=of_beats(count, len(seen)))}.",
    )


def _all_together(seen: Evidence, eps: float) -> np.ndarray:
    """(beats,) what any run breaks that the published attack leaves, each only on what is left."""
    return seen.beyond_any([run for run in VARIANTS if run != PUBLISHED], eps)


def _gain(seen: Evidence, strong: str, usual: str, eps: float) -> int:
    """How many more beats one run breaks than another; below 0 where it breaks fewer."""
    return int(seen.broken(strong, eps).sum()) - int(seen.broken(usual, eps).sum())


def _more(gain: int, beats: int) -> str:
    if gain == 0:
        return f"no more ({percent(0)})"
    return of_beats(abs(gain), beats) + (" more" if gain > 0 else " fewer")


def _most(found: dict[float, np.ndarray]) -> tuple[float, int]:
    """The noise level at which most beats are marked, the smallest such, and how many."""
    eps = max(found, key=lambda eps: int(found[eps].sum()))
    return eps, int(found[eps].sum())


def _by_level(found: dict[float, np.ndarray]) -> dict[str, float]:
    return {f"share at {eps:g}": _share(mask) for eps, mask in found.items()}


def _share(mask: np.ndarray) -> float:
    return float(mask.mean())
