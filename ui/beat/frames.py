"""What the Beat lab's pictures show at each place of their dials: over the noise levels, and over an attack's steps."""

from dataclasses import replace

import numpy as np

from nsr_core.attacks import Attack
from nsr_core.beat.attack import BeatAttack
from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.settings import described_fields
from ui.beat import words
from ui.beat.answers import Answer
from ui.live import Frame, Track
from ui.theme import Ink


def of_levels(answer: Answer, attack: Attack) -> list[Frame]:
    """A frame for each level of the sweep, and the page's own level as the chosen attack left it.

    Args:
        attack: that of the sweep.
    """
    result, sweep = answer.result, answer.sweep
    settings = {name: getattr(attack, name) for name in described_fields(attack)}
    swept = replace(result, attack=attack.name, settings=settings, step=-1)
    frames = {
        eps: _frame(
            eps, replace(swept, x_adv=x_adv, after=after), f"Here ε is {eps:.3f}; the exact level follows at rest."
        )
        for eps, x_adv, after in zip(sweep.eps.tolist(), sweep.x_adv, sweep.probabilities, strict=True)
    }
    frames[result.eps] = _frame(result.eps, result)
    return [frames[eps] for eps in sorted(frames)]


def of_steps(result: BeatAttack) -> list[Frame]:
    """A frame for each step of the attack."""
    path, last = result.path, len(result.path.loss) - 1
    return [
        Frame(
            float(step),
            x_adv,
            after,
            "footprint",
            f"step {step} of {last}",
            f"{CLASS_NAMES[CLASSES[int(after.argmax())]]} ({after.max():.0%})",
        )
        for step, (x_adv, after) in enumerate(zip(path.x_adv, path.probabilities, strict=True))
    ]


def _frame(place: float, result: BeatAttack, note: str = "") -> Frame:
    reading = words.readings(result).replace("**", "")
    return Frame(place, result.x_adv, result.after, *words.outcome(result), reading, note)


def true_reading(frames: list[Frame], result: BeatAttack, ink: Ink) -> Track:
    """The probability of the right reading over all frames."""
    true = CLASSES.index(result.true_class)
    return Track("right reading", np.array([frame.probabilities[true] for frame in frames]), (0, 1), ink.trace)


def loss(result: BeatAttack, ink: Ink) -> Track:
    """What the attack climbs, over its steps."""
    values = result.path.loss
    return Track("loss", values, (values.min(), values.max()), ink.attacked)
