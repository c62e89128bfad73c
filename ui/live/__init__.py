"""What moves in the browser without asking the server: a dial, and beats on ECG paper that follow it.

A component of our own and not Plotly's frames: for four networks these redraw 2 to 15 times a second in headless Chromium,
a few lines of SVG 60 times; and Plotly's slider tells Python nothing, so the exact level could not follow.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nsr_core import DISCLAIMER
from nsr_core.beat.attack import BeatAttack
from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ
from ui import ecg
from ui.theme import Ink, ink


def _component(name: str) -> Callable[..., Any]:
    html, css, js = (Path(__file__).with_name(f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"beat_lab_{name}", html=html, css=css, js=js)


_DIAL, _PAPER, _WAIT = (_component(name) for name in ("dial", "paper", "wait"))
#: Between two questions of a page that waits.
ASK_EVERY_MS = 500


@dataclass(frozen=True)
class Frame:
    """What a picture shows at one place of its dial.

    Attributes:
        place: of the dial.
        x_adv: (187,) the beat with noise, in [0, 1].
        probabilities: (5,) of the classes on it.
        icon, verdict, reading: what is said of it: a Material symbol's name and two short texts.
        note: what else must be known, such as that the exact level was not computed yet.
    """

    place: float
    x_adv: np.ndarray
    probabilities: np.ndarray
    icon: str
    verdict: str
    reading: str
    note: str = ""


@dataclass(frozen=True)
class Track:
    """A small line over all places of the dial, such as the loss.

    Attributes:
        name: above it.
        values: one for each frame.
        span: the values at its foot and its top.
        colour: of the line.
    """

    name: str
    values: np.ndarray
    span: tuple[float, float]
    colour: str


def dial(
    *,
    key: str,
    channel: str,
    label: str,
    play: str,
    places: np.ndarray,
    at: float,
    words: Sequence[str],
    colours: Ink,
    on_rest: Callable[[], None] | None = None,
) -> None:
    """A slider with a play button.

    Args:
        key: of the component; ``st.session_state[key]["value"]`` is where it came to rest, in ``on_rest``.
        channel: the pictures of the same channel follow it.
        label, play: of the slider and of the button, for those who cannot see them.
        places: where it may stand, evenly far apart.
        at: where it stands.
        words: what each place means.
        on_rest: called on the server when the hand lets go; without it the server hears nothing.
    """
    step = float(np.round(places[1] - places[0], 6))
    ends = {"min": float(places[0]), "max": float(places[-1]), "step": int(step) if step.is_integer() else step}
    data = ends | {"channel": channel, "label": label, "play": play, "value": at, "words": list(words)}
    data |= {"commits": on_rest is not None, "quiet": colours.muted}
    _DIAL(key=key, data=data, **({"on_value_change": on_rest} if on_rest else {}))


def wait(key: str) -> None:
    """Run the fragment around this again and again, until a run no longer has it.

    A fragment's own ``run_every`` goes on until the whole page runs again.
    """
    _WAIT(key=key, data={"every_ms": ASK_EVERY_MS}, on_asked_change=lambda: None)


def sticky(key: str) -> DeltaGenerator:
    """A container for a dial, which stays in sight while the pictures below it are scrolled."""
    # Of the container's wrapper, which is as high as the container itself: within that nothing could stick.
    where = f"[data-testid=stLayoutWrapper]:has(> .st-key-{key})"
    look = f"position: sticky; top: 3.75rem; z-index: 9; padding: 0.5rem 0; background: {ink().page}"
    st.html(f"<style>{where} {{{look}}}</style>")
    return st.container(key=key, gap="xxsmall")


def picture(
    result: BeatAttack,
    frames: Sequence[Frame],
    at: float,
    colours: Ink,
    *,
    key: str,
    channel: str,
    alt: str,
    y_range: tuple[float, float],
    speed: int = ecg.SPEED,
    tracks: Sequence[Track] = (),
) -> None:
    """A beat on ECG paper with what is read of it, following a dial; calipers measure on it.

    Args:
        result: the beat, without noise and with it.
        frames: one for each place that can be shown, in their order; between two, the nearer one shows.
        at: where the dial stands while it rests.
        key: of the component; a saved picture has its name.
        alt: what it shows at rest, for a screen reader.
        y_range: of the traces, so that several pictures compare by eye.
        speed: of the paper in mm/s.
    """
    _PAPER(key=key, data=_data(result, frames, colours, y_range, speed, tracks) | _names(key, channel, alt, at))


def _names(key: str, channel: str, alt: str, at: float) -> dict[str, Any]:
    file_type = st.session_state.get("picture_format", "svg")
    return {"name": key, "channel": channel, "alt": alt, "at": at, "format": file_type, "disclaimer": DISCLAIMER}


def _data(
    result: BeatAttack,
    frames: Sequence[Frame],
    colours: Ink,
    y_range: tuple[float, float],
    speed: int,
    tracks: Sequence[Track],
) -> dict[str, Any]:
    offset, scale, unit = ecg.scale_of(result)
    known, shown, ms_per_mm = unit == "mV", slice(0, result.length), 1000 / speed
    return {
        "length": result.length,
        "ms_per_sample": 1000 / FS_HZ,
        "ms_per_mm": ms_per_mm,
        "offset": offset,
        "scale": scale,
        "in_mv": known,
        "range": [float(end) for end in y_range],
        "range_ms": ecg.time_range_ms(result.length, known, speed),
        "pulse": ecg.pulse_of(y_range, speed),
        "scale_words": f"ms after the R peak{ecg.result_scale(known, speed)}",
        "clean": _packed(result.x[None, shown]),
        "frames": _packed(np.stack([frame.x_adv[shown] for frame in frames])),
        "places": [frame.place for frame in frames],
        "before": _rounded(result.before),
        "probabilities": [_rounded(frame.probabilities) for frame in frames],
        "words": [[frame.icon, frame.verdict, frame.reading] for frame in frames],
        "notes": [frame.note for frame in frames],
        "bars": [_bars_in_words(result.before, frame.probabilities) for frame in frames],
        "classes": [CLASS_NAMES[label].removesuffix(" beat") for label in CLASSES],
        "tracks": [_track(track) for track in tracks],
        "ink": asdict(colours),
    }


def _packed(values: np.ndarray) -> str:
    """Values in [0, 1] as base64 of 16-bit integers: a quarter of their text, and finer than a pixel."""
    return base64.b64encode(np.round(values * 65535).astype("<u2").tobytes()).decode()


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]


def _bars_in_words(before: np.ndarray, after: np.ndarray) -> str:
    return "; ".join(
        f"{CLASS_NAMES[label]} {without:.0%} without noise and {noisy:.0%} with"
        for label, without, noisy in zip(CLASSES, before, after, strict=True)
    )


def _track(track: Track) -> dict[str, Any]:
    low, high = (float(end) for end in track.span)
    return {"name": track.name, "values": _rounded(track.values), "low": low, "high": high, "colour": track.colour}
