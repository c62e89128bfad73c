"""What a sign of masking says, and when its light changes."""

from dataclasses import dataclass
from typing import NamedTuple

#: From harmless to bad.
LIGHTS = ("green", "amber", "red")
#: Share of the beats, and least number of them, from which a light is amber and from which it is red.
AMBER, AMBER_BEATS = 0.05, 3
RED, RED_BEATS = 0.15, 5
#: Why these: what every sign that counts beats gives as its reason.
CHANCE = (
    "Amber from 5 % of the beats and 3 of them, red from 15 % and 5. Where two equally strong attacks each break 3 of 100 "
    "beats that the other misses, by their random starts, the difference has a standard deviation of 2.4: 5 is two of "
    "them, 15 is six."
)


@dataclass(frozen=True)
class Sign:
    """One sign of gradient masking.

    Attributes:
        name: the same in every result.
        title: for people.
        light: one of ``LIGHTS``.
        numbers: by what they are; finite.
        sentence: what came out, with its number.
        reason: why the light changes where it does.
    """

    name: str
    title: str
    light: str
    numbers: dict[str, float]
    sentence: str
    reason: str


class Judgement(NamedTuple):
    """What a sign's function finds: ``light``, ``numbers`` and ``sentence`` of a ``Sign``."""

    light: str
    numbers: dict[str, float]
    sentence: str


def light_of(value: float, amber: float, red: float) -> str:
    """The light of a number that is the worse the larger it is."""
    return LIGHTS[(value >= amber) + (value >= red)]


def light_of_beats(count: int, beats: int) -> str:
    """The light where ``count`` of the ``beats`` tell of masking."""
    share = count / beats
    return LIGHTS[(share >= AMBER and count >= AMBER_BEATS) + (share >= RED and count >= RED_BEATS)]


def worst(lights: list[str]) -> str:
    """The worst of some lights; green of none."""
    return max(lights, key=LIGHTS.index, default=LIGHTS[0])


def percent(share: float) -> str:
    """``0.123`` to ``12 %``."""
    return f"{100 * share:.0f} %"


def of_beats(count: int, beats: int) -> str:
    """``3 of 100 beats (3 %)``."""
    return f"{count} of {beats} beats ({percent(count / beats)})"
