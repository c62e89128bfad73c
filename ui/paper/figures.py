"""The paper's figures drawn from our results: curves with the published ones over them, arrows, a noisy beat."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from nsr_core.beat.alignment import Alignment
from nsr_core.beat.attack import BeatAttack
from nsr_core.data import FS_HZ
from nsr_core.paper.report import METRIC_TITLES
from ui.ecg import MV_PER_MM, SPEEDS, line, paper_axes, paper_layout, scale_of
from ui.parts import HIDDEN_AXIS, Part, arc, arrow, note, stroke
from ui.theme import PAPER_DASH, Ink, axis, axis_title, layout, method_style


def curves(rows: pd.DataFrame, ink: Ink, overlay: bool) -> go.Figure:
    """A metric against the noise level by method, the published curve dotted over it.

    Args:
        rows: of ``published_and_ours``, of one table.
        overlay: whether the published curves are drawn.
    """
    data = [
        curve
        for method, of_method in rows.groupby("method", sort=False)
        for curve in _curves_of(str(method), of_method, ink, overlay)
    ]
    metric = rows["metric"].iloc[0]
    axes = {
        "xaxis": axis(ink, "noise level ε", range=[-0.008, 0.308], tickvals=[0, 0.05, 0.1, 0.2, 0.3]),
        "yaxis": axis(ink, METRIC_TITLES[metric], range=[-0.02, 1.0], tickformat=".1f"),
    }
    return go.Figure({"data": data, "layout": layout(ink, 470, {"r": 8, "t": 8}, uirevision=metric) | axes})


def _curves_of(method: str, rows: pd.DataFrame, ink: Ink, overlay: bool) -> list[Part]:
    style = method_style(method)
    known = rows[rows["missing"] == ""]
    starred = "" if set(known["protocol"]) <= {"paper"} else " *"
    shared = {"type": "scatter", "mode": "lines+markers", "legendgroup": method}
    ours = {
        "x": known["eps"].to_numpy(),
        "y": known["ours"].to_numpy(),
        "name": f"{method}{starred}",
        "line": {"color": style.colour(ink), "width": 2},
        "marker": {"symbol": style.marker, "size": 8},
        "hovertemplate": f"%{{y:.3f}} at %{{x:g}}<extra>{method}{starred}, ours</extra>",
    }
    paper = {
        "x": rows["eps"].to_numpy(),
        "y": rows["paper"].to_numpy(),
        "name": f"{method}, paper",
        "line": {"color": style.colour(ink), "width": 1.5, "dash": PAPER_DASH},
        "showlegend": not len(known),
        "marker": {"symbol": f"{style.marker}-open", "size": 6},
        "hovertemplate": f"%{{y:.2f}} at %{{x:g}}<extra>{method}, paper</extra>",
    }
    return ([shared | ours] if len(known) else []) + ([shared | paper] if overlay else [])


def directions(result: Alignment, ink: Ink) -> go.Figure:
    """x and w_y as arrows in the plane that holds both: true angle, true relative length.

    In units of the length of x / (x x), the vector that loss1 pulls w_y to: x is drawn that long.
    """
    angle = np.radians(result.angle_deg)
    tip = result.relative_length * np.array([np.cos(angle), np.sin(angle)])
    reach = max(1.0, result.relative_length)
    colour = method_style(result.method).colour(ink)
    end, radius = 1.12 * reach, 0.22 * reach
    data = [
        stroke([0, end], [0, 0], ink.muted, "direction of x", "dot"),
        stroke([tip[0], tip[0]], [tip[1], 0], ink.muted, "what of w_y lies along x", "dot"),
        arc(result.angle_deg, radius, ink.muted, "angle"),
        arrow(tip, colour, "w_y", _length_words(result.relative_length)),
        arrow((1.0, 0.0), ink.noise, "x", _length_words(1.0)),
    ]
    at_arc = 1.25 * radius * np.array([np.cos(angle / 2), np.sin(angle / 2)])
    words = [
        note("<b>x</b>", 1, 0, yshift=-16, font={"color": ink.noise, "size": 15}),
        note("<b>w<sub>y</sub></b>", *tip, yshift=16, font={"color": colour, "size": 15}),
        note(f"<b>{result.angle_deg:.0f}°</b>", *at_arc, xshift=8, yshift=4, font={"color": ink.text, "size": 15}),
    ]
    across = [min(-0.12 * reach, tip[0] - 0.1 * reach), end]
    up = [-0.14 * reach, max(0.45 * reach, tip[1] + 0.14 * reach)]
    look = layout(ink, 320, {"r": 8, "t": 16, "b": 8}, showlegend=False, annotations=words)
    axes = {"xaxis": HIDDEN_AXIS | {"range": across}, "yaxis": HIDDEN_AXIS | {"range": up, "scaleanchor": "x"}}
    return go.Figure({"data": data, "layout": look | axes})


def _length_words(length: float) -> str:
    return f"{length:.3g} times as long as x / xᵀx"


def speed_of(result: BeatAttack) -> int:
    """The paper speed for a panel, in mm/s: a long beat needs the slower one to fit."""
    slow, fast = SPEEDS
    return fast if result.length / FS_HZ < 0.9 else slow


def noisy_beat(result: BeatAttack, y_range: tuple[float, float], width: int, ink: Ink) -> go.Figure:
    """One panel of Figure 8: the noisy beat on ECG paper, the clean one faint behind it.

    In mV with square millimetres where the beat's range is known, else in relative amplitude. Padding is not drawn.

    Args:
        y_range: of all panels.
        width: of the panel in pixels, from which its height follows.
    """
    offset, scale, unit = scale_of(result)
    time_ms = np.arange(result.length) * (1000 / FS_HZ)
    clean, noisy = (offset + scale * signal[: result.length] for signal in (result.x, result.x_adv))
    colour = ink.trace if result.class_after == result.true_class else ink.attacked
    data = [line(time_ms, noisy, "with noise" if result.eps else "without noise", colour, unit)]
    if result.eps:
        data.insert(0, line(time_ms, clean, "without noise", ink.muted, unit) | {"opacity": 0.7})
    known = unit == "mV"
    x, y = paper_axes(ink, known, speed_of(result))
    end_ms = time_ms[-1] + 1000 / speed_of(result)
    margin = {"l": 44, "r": 6, "t": 6, "b": 40}
    plot = width - margin["l"] - margin["r"]
    px_per_mm = plot / (end_ms * speed_of(result) / 1000)
    tall = (y_range[1] - y_range[0]) / MV_PER_MM * px_per_mm if known else 0.6 * plot
    x |= {"range": [0, end_ms], "title": axis_title(ink, "ms after the R peak"), "fixedrange": True}
    y |= {"range": list(y_range), "title": axis_title(ink, unit if known else "amplitude"), "fixedrange": True}
    look = paper_layout(ink, int(tall) + margin["t"] + margin["b"]) | {"margin": margin, "showlegend": False}
    return go.Figure({"data": data, "layout": look | {"xaxis": x, "yaxis": y}})
