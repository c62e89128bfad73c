"""Beats on ECG paper, 10 mm/mV, at 25 or 50 mm/s: a fine line every millimetre and a bold one every five."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from nsr_core.beat.attack import BeatAttack
from nsr_core.data import FS_HZ
from ui.theme import Ink, axis_title, layout

MV_PER_MM = 0.1
#: Paper speeds in mm/s; at 50 a beat of half a second is wide enough to see small noise on it.
SPEEDS = (25, 50)
SPEED = 50
#: Blank paper above and below the traces, as a share of their range.
MARGIN = 0.08
#: The calibration pulse before a beat, and the blank paper on either side of it.
PULSE_MV, PULSE_MS, GAP_MM = 1.0, 200.0, 2


def scale_of(result: BeatAttack) -> tuple[float, float, str]:
    """How a beat's samples become what is drawn: ``offset + scale * x``, and the unit; mV where they are known."""
    if np.isfinite(result.mv_range):
        return result.mv_min, result.mv_range, "mV"
    return 0.0, 1.0, "relative amplitude"


def common_range(attacks: Sequence[BeatAttack]) -> tuple[float, float]:
    """The range that holds every trace of the same beat and, in mV, the calibration pulse: panels compare by eye."""
    offset, scale, unit = scale_of(attacks[0])
    values = np.concatenate([result.x_adv[: result.length] for result in attacks] + [attacks[0].x[: attacks[0].length]])
    low, high = offset + scale * float(values.min()), offset + scale * float(values.max())
    if unit == "mV":
        high = max(high, low + PULSE_MV)
    room = MARGIN * (high - low)
    return low - room, high + room


def attacked_beat(
    result: BeatAttack,
    ink: Ink,
    *,
    y_range: tuple[float, float] | None = None,
    x_adv: np.ndarray | None = None,
    height: int = 520,
    speed: int = SPEED,
) -> go.Figure:
    """The clean trace over the attacked one, and below them the noise alone, enlarged.

    In mV where the beat's range is known, after a calibration pulse, else in relative amplitude. Padding is not drawn: no
    electrode saw it. The paper ends where the beat does: a panel that is wider stays blank on both sides.

    Args:
        y_range: of the traces; by default what holds them.
        x_adv: (187,) another attacked beat than the final one, such as one on the attack's way.
        height: of the figure in pixels.
        speed: of the paper in mm/s.
    """
    offset, scale, unit = scale_of(result)
    shown = slice(0, result.length)
    time_ms = np.arange(result.length) * (1000 / FS_HZ)
    clean, attacked = (
        offset + scale * signal[shown] for signal in (result.x, result.x_adv if x_adv is None else x_adv)
    )
    names = ("with noise", "without noise", "noise alone")
    values = (attacked, clean, attacked - clean)
    colours = (ink.attacked, ink.trace, ink.noise)
    data = [
        line(time_ms, signal, name, colour, unit)
        | ({"yaxis": "y2", "showlegend": False} if name == "noise alone" else {})
        for name, signal, colour in zip(names, values, colours, strict=True)
    ]
    known = unit == "mV"
    x, y = paper_axes(ink, known, speed)
    noise = 1.1 * max(result.eps, 0.005) * scale
    low, high = y_range or common_range([result])
    axes = {
        "xaxis": x
        | {"range": time_range_ms(result.length, known, speed), "anchor": "y2", "tick0": 0}
        | ({"constrain": "domain", "constraintoward": "center"} if known else {})
        | {"title": axis_title(ink, f"time after the R peak, ms{result_scale(known, speed)}")},
        "yaxis": y
        | {"domain": [0.3, 1], "range": (low, high)}
        | {"title": axis_title(ink, unit if known else "amplitude")},
        "yaxis2": {**y, "minor": None, "dtick": None, "nticks": 4, "scaleanchor": None, "constrain": None}
        | {"domain": [0, 0.25], "range": [-noise, noise], "title": axis_title(ink, "noise")},
    }
    pulse = {"shapes": [_pulse((low, high), speed, ink)]} if known else {}
    return go.Figure({"data": data, "layout": paper_layout(ink, height) | axes | pulse})


def time_range_ms(length: int, known: bool, speed: int) -> list[float]:
    """From where to where the paper of a beat goes, whose mark is at 0: a calibration pulse has room before it."""
    first = -PULSE_MS - 2 * GAP_MM * 1000 / speed if known else 0.0
    return [first, (length - 1) * 1000 / FS_HZ + 1000 / speed]


def pulse_of(y_range: tuple[float, float], speed: int) -> dict[str, float]:
    """Where the calibration pulse of a beat's paper stands: its foot in mV, the rest in ms."""
    low, high = y_range
    gap = GAP_MM * 1000 / speed
    return {"base": low + MARGIN * (high - low), "start": -PULSE_MS - gap, "stop": -gap, "foot": gap / 2}


def _pulse(y_range: tuple[float, float], speed: int, ink: Ink) -> dict[str, Any]:
    """The calibration pulse, 1 mV high and 200 ms long, as a recorder draws it before a beat."""
    base, start, stop, foot = pulse_of(y_range, speed).values()
    path = f"M{start - foot},{base}H{start}V{base + PULSE_MV}H{stop}V{base}H{stop + foot}"
    return {"type": "path", "path": path, "line": {"color": ink.trace, "width": 1.4}}


def line(time_ms: np.ndarray, values: np.ndarray, name: str, colour: str, unit: str) -> dict[str, Any]:
    """A trace on ECG paper."""
    return {
        "type": "scatter",
        "x": time_ms,
        "y": values,
        "name": name,
        "mode": "lines",
        "line": {"color": colour, "width": 1.8},
        "hovertemplate": f"%{{x:.0f}} ms, %{{y:.3f}} {unit}<extra>{name}</extra>",
    }


def result_scale(known: bool, speed: int) -> str:
    """The paper's speed and gain as they are printed on its edge; nothing where millivolts are not known."""
    return f" · {speed} mm/s, 10 mm/mV" if known else ""


def paper_axes(ink: Ink, known: bool, speed: int = SPEED) -> tuple[dict[str, Any], dict[str, Any]]:
    """The x axis, in ms, and the y axis of ECG paper; where mV are known its millimetres are square.

    Where a panel is wider or higher than the beat, more blank paper follows.
    """
    grid = {"showgrid": True, "zeroline": False, "gridcolor": ink.bold, "gridwidth": 1}
    grid |= {"showline": True, "linecolor": ink.bold, "mirror": True, "tickfont": {"color": ink.muted}}
    fine = {"showgrid": True, "gridcolor": ink.fine, "gridwidth": 1}
    ms_per_mm = 1000 / speed
    x: dict[str, Any] = grid | {"dtick": 5 * ms_per_mm, "minor": fine | {"dtick": ms_per_mm}}
    x |= {"ticklabelstep": 2, "tickangle": 0}
    step = 5 * MV_PER_MM if known else 0.25
    y: dict[str, Any] = grid | {"dtick": step, "minor": fine | {"dtick": step / 5}}
    if known:
        x |= {"constrain": "range", "constraintoward": "left"}
        y |= {"scaleanchor": "x", "scaleratio": ms_per_mm / MV_PER_MM, "constrain": "range"}
    return x, y


def paper_layout(ink: Ink, height: int) -> dict[str, Any]:
    """The layout of a figure on ECG paper, but for its axes."""
    return layout(
        ink,
        height,
        margin={"l": 56, "r": 12, "t": 28, "b": 64},
        plot_bgcolor=ink.paper,
        hovermode="x",
        uirevision="beat",
    )
