"""How the Beat lab says its answers."""

import numpy as np

from nsr_core.attacks import ATTACKS, attack_title
from nsr_core.beat.attack import BeatAttack, NoiseLevel
from nsr_core.beat.bracket import BeatBracket
from nsr_core.data import CLASS_NAMES
from nsr_core.recordings.beats import SOURCE
from ui.beat.answers import Answer

#: What a percentage means and what it does not.
PERCENTAGES = (
    "Softmax of the five outputs. Networks trained on squared error (mse, mseMargin, loss1, loss2) give outputs near 0 and 1, "
    "which softmax turns into 40 % at most: compare readings between networks, not percentages."
)


def verdict(result: BeatAttack) -> str:
    """One line: what became of the reading."""
    icon, text = outcome(result)
    return f":material/{icon}: {text}"


def outcome(result: BeatAttack) -> tuple[str, str]:
    """What became of the reading: a Material symbol's name, and the words."""
    if result.class_before != result.true_class:
        return "help", f"{'reads it otherwise' if result.source == SOURCE else 'misread'} before any noise"
    if result.flipped and result.step < 0:
        return "warning", f"flipped by {attack_with_steps(result)}"
    if result.flipped:
        return "warning", f"flipped after {result.step} {'step' if result.step == 1 else 'steps'}"
    return "shield", f"withstood {attack_with_steps(result)}"


def attack_with_steps(result: BeatAttack) -> str:
    """Which attack ran: ``PGD (100 steps)``; that one fails says nothing of others."""
    title = ATTACKS[result.attack].title if result.attack in ATTACKS else result.attack
    steps = result.settings.get("steps")
    return f"{title} ({steps} {'step' if steps == 1 else 'steps'})" if steps else title


def known(bracket: BeatBracket, complete: bool, searching: bool = False) -> str:
    """A beat's bracket in one line.

    Args:
        complete: whether all attacks in turn have looked for a break.
        searching: whether a search for more is under way.
    """
    if bracket.misread:
        return "Misread before any noise."
    start, nothing = ("Searching…", "nothing certified yet") if searching else ("Noise level:", "not certified")
    proof = nothing if np.isnan(bracket.certified) else f"certified up to **{bracket.certified:.4f}**"
    attacks = "by any attack" if complete else "so far"
    if np.isnan(bracket.broken):
        return f"{start} {proof}; no break found {attacks} up to {bracket.most:g}."
    name = ATTACKS[bracket.by].title if bracket.by in ATTACKS else bracket.by
    return f"{start} {proof}; smallest break found {attacks} **{bracket.broken:.3f}** ({name})."


def readings(result: BeatAttack) -> str:
    """What the network reads before and after, in plain words."""
    before = f"{CLASS_NAMES[result.class_before]} ({result.before.max():.0%})"
    after = f"{CLASS_NAMES[result.class_after]} ({result.after.max():.0%})"
    known = "Taken as" if result.source == SOURCE else "In truth"
    truth = f" {known}: {CLASS_NAMES[result.true_class]}." if result.class_before != result.true_class else ""
    if result.class_before == result.class_after:
        return f"Read as **{before}**, with noise {result.after.max():.0%}.{truth}"
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
    mv = level * answer.result.mv_range
    return f"{level:.3f}" + (f" (±{mv:.2f} mV)" if np.isfinite(mv) else "")


def protocol(result: BeatAttack) -> str:
    """Under which rules this was found; the paper's name only where all is as published."""
    where = "the signal samples only" if result.signal_only else "all 187 samples, padding included"
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.settings.items())
    return (
        f"Protocol: {'paper' if result.protocol == 'paper' else 'custom, after the paper'} "
        f"({attack_title(result.attack)}{': ' if settings else ''}{settings}; noise on {where}). Beat {result.beat}, seed {result.seed}. "
        "That an attack fails does not prove that none succeeds."
    )
