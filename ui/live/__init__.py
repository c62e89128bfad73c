"""What moves in the browser without asking the server: a dial, and beats on ECG paper that follow it.

A component of our own and not Plotly's frames: for four networks these redraw 2 to 15 times a second in headless Chromium,
a few lines of SVG 60 times; and Plotly's slider tells Python nothing, so the exact level could not follow.
"""

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nsr_core import DISCLAIMER
from nsr_core.beat.attack import BeatAttack
from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ
from ui import ecg
from ui.theme import DARK, Ink, ink


def _component(name: str, *parts: str) -> Callable[..., Any]:
    """The component of a name: its HTML, and its own styles and script after those of the parts that it is built on."""
    html = Path(__file__).with_name(f"{name}.html").read_text("utf-8")
    folder = Path(__file__).parent
    css, js = (
        "\n".join(file.read_text("utf-8") for part in (*parts, name) if (file := folder / f"{part}.{kind}").is_file())
        for kind in ("css", "js")
    )
    return st.components.v2.component(f"beat_lab_{name}", html=html, css=css, js=js)


_DIAL, _KEEP, _PLACE = (_component(name) for name in ("dial", "keep", "place"))
_WAIT, _THEME = (_component(name, "insist") for name in ("wait", "theme"))
_PAPER, _DRAW = _component("paper", "sheet"), _component("draw", "sheet")
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

    A fragment's own ``run_every`` goes on until the whole page runs again, and asks a busy server faster than it answers.
    """
    _WAIT(key=key, data={"every_ms": ASK_EVERY_MS, "turn": time.monotonic_ns()}, on_asked_change=lambda: None)


def keep(key: str, *, name: str, begins: bool, text: str, on_kept: Callable[[], None]) -> None:
    """Have the reader's tab keep a text over a reload.

    Args:
        key: of the component; ``st.session_state[key]["kept"]`` is the text that the tab had, in ``on_kept``.
        name: under which the tab keeps it.
        begins: whether the visit has nothing yet: then the tab is asked, and keeps what it has.
        text: to be kept otherwise.
        on_kept: called on the server where the tab had a text.
    """
    _KEEP(key=key, data={"name": name, "begins": begins, "text": text}, on_kept_change=on_kept)


def place(key: str) -> str | None:
    """The page's whole address, as the browser has it; None until it has said so.

    What widgets write into the address does not reach the server otherwise.
    """
    known = st.session_state.get(key, {}).get("address")
    found = _PLACE(key=key, data={"known": known}, on_address_change=lambda: None).address
    return str(found) if found else None


def follow_theme() -> None:
    """Draw the page anew when its theme changes while it is open: what was drawn holds the colours of the other one."""
    _THEME(key="theme", data={"dark": ink() is DARK}, on_changed_change=lambda: None)


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


def drawing(
    result: BeatAttack,
    box: np.ndarray,
    noise: np.ndarray,
    strokes: int,
    colours: Ink,
    *,
    key: str,
    alt: str,
    rival: np.ndarray | None = None,
    on_draw: Callable[[], None],
) -> None:
    """A beat on ECG paper, for noise on it to be drawn by hand.

    Args:
        result: the beat; its ``eps`` limits the noise.
        box: (2, 187) the lowest and the highest that each sample may become.
        noise: (length,) what is drawn so far, in units of the beat's range.
        strokes: how many there were, as the component said last.
        key: of the component; ``st.session_state[key]["drawn"]`` is a dict of ``noise`` and ``strokes``, in ``on_draw``. It
            comes from the browser: do not trust it.
        alt: what it shows, for a screen reader.
        rival: (187,) the beat with another noise, to be shown beside the drawn one.
        on_draw: called on the server when the hand lets go.
    """
    y_range = ecg.common_range([replace(result, x_adv=bound) for bound in box])
    shown = slice(0, result.length)
    data = _sheet(result, colours, y_range, ecg.SPEED) | {
        "eps": result.eps,
        "box": _packed(box[:, shown]),
        "noise": [round(float(value), 5) for value in noise],
        "strokes": strokes,
        "rival": None if rival is None else _packed(rival[None, shown]),
        "alt": alt,
    }
    _DRAW(key=key, data=data, on_drawn_change=on_draw)


def _data(
    result: BeatAttack,
    frames: Sequence[Frame],
    colours: Ink,
    y_range: tuple[float, float],
    speed: int,
    tracks: Sequence[Track],
) -> dict[str, Any]:
    shown = slice(0, result.length)
    return _sheet(result, colours, y_range, speed) | {
        "frames": _packed(np.stack([frame.x_adv[shown] for frame in frames])),
        "places": [frame.place for frame in frames],
        "before": _rounded(result.before),
        "probabilities": [_rounded(frame.probabilities) for frame in frames],
        "words": [[frame.icon, frame.verdict, frame.reading] for frame in frames],
        "notes": [frame.note for frame in frames],
        "bars": [_bars_in_words(result.before, frame.probabilities) for frame in frames],
        "classes": [CLASS_NAMES[label].removesuffix(" beat") for label in CLASSES],
        "tracks": [_track(track) for track in tracks],
    }


def _sheet(result: BeatAttack, colours: Ink, y_range: tuple[float, float], speed: int) -> dict[str, Any]:
    """What the paper itself and the beat without noise need."""
    offset, scale, unit = ecg.scale_of(result)
    known = unit == "mV"
    return {
        "length": result.length,
        "ms_per_sample": 1000 / FS_HZ,
        "ms_per_mm": 1000 / speed,
        "offset": offset,
        "scale": scale,
        "in_mv": known,
        "range": [float(end) for end in y_range],
        "range_ms": ecg.time_range_ms(result.length, known, speed),
        "pulse": ecg.pulse_of(y_range, speed),
        "scale_words": f"ms after the R peak{ecg.result_scale(known, speed)}",
        "clean": _packed(result.x[None, : result.length]),
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
