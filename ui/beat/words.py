"""How the Beat lab says its answers."""

import numpy as np

from nsr_core.beat.attack import BeatAttack, NoiseLevel
from nsr_core.data import CLASS_NAMES
from nsr_core.recordings.beats import SOURCE
from ui.beat.answers import Answer

#: What a percentage means and what it does not.
PERCENTAGES = (
    "Softmax of the five outputs. Networks trained on squared error (mse, mseMargin, loss1, loss2) give outputs near 0 and 1, "
    "which softmax turns into 40 % at most: compare readings between networks, not percentages."
)


def verdict(told: BeatAttack) -> str:
    """One line: what became of the reading."""
    if told.class_before != told.true_class:
        return f":material/help: {'reads it otherwise' if told.source == SOURCE else 'misread'} before any noise"
    if told.flipped:
        return f":material/warning: flipped after {told.step} {'step' if told.step == 1 else 'steps'}"
    return ":material/check_circle: held"


def readings(told: BeatAttack) -> str:
    """What the network reads before and after, in plain words."""
    before = f"{CLASS_NAMES[told.class_before]} ({told.before.max():.0%})"
    after = f"{CLASS_NAMES[told.class_after]} ({told.after.max():.0%})"
    known = "Taken as" if told.source == SOURCE else "In truth"
    truth = f" {known}: {CLASS_NAMES[told.true_class]}." if told.class_before != told.true_class else ""
    if told.class_before == told.class_after:
        return f"Read as **{before}**, with noise {told.after.max():.0%}.{truth}"
    return f"Read as {before}, with noise as **{after}**.{truth}"


def in_units(level: NoiseLevel) -> str:
    """A noise level in the units that people think in."""
    if level.eps == 0:
        return "no noise"
    parts = [f"±{level.eps:g} of the beat's range"]
    if np.isfinite(level.mv):
        parts += [f"±{level.mv:.3f} mV", f"±{level.mm:.1f} mm on paper"]
    return " · ".join([*parts, f"at least {level.least_snr_db:.0f} dB SNR"])


def smallest(answer: Answer) -> str:
    """The smallest level at which the sweep's attack flipped the beat, in words."""
    level = answer.sweep.smallest
    if np.isnan(level):
        return f"not up to {answer.sweep.eps.max():g}"
    if level == 0:
        return "0 (misread)"
    mv = level * answer.told.mv_range
    return f"{level:.3f}" + (f" (±{mv:.2f} mV)" if np.isfinite(mv) else "")


def protocol(told: BeatAttack) -> str:
    """Under which rules this was found; the paper's name only where all is as published."""
    where = "the signal samples only" if told.signal_only else "all 187 samples, padding included"
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.settings.items())
    return (
        f"Protocol: {'paper' if told.protocol == 'paper' else 'custom, after the paper'} "
        f"({told.attack}{': ' if settings else ''}{settings}; noise on {where}). Beat {told.beat}, seed {told.seed}. "
        "That an attack fails does not prove that none succeeds."
    )
