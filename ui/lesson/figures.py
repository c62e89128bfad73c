"""The figures of the lesson: plain results of ``nsr_core.lesson`` in, a figure out."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from nsr_core.beat.alignment import Alignment
from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ
from nsr_core.lesson import (
    STEPS_PER_BUDGET,
    AgainstChance,
    Climbs,
    LeadWithin,
    Ratios,
    StraightLine,
    Survivors,
)
from ui.parts import HIDDEN_AXIS, Part, arc, arrow, faint, note, panel, stack, stretch, upright
from ui.theme import Ink, axis, layout, method_style

ATTACK_TITLES = {
    "pgd1": "PGD, 1 step",
    "pgd5": "PGD, 5 steps",
    "pgd20": "PGD, 20 steps",
    "pgd100": "PGD, 100 steps",
    "spsa": "SPSA, no gradient",
    "all": "PGD 100 and SPSA",
}


#: What is proved.
PROVED = "#009E73"


def margins(result: AgainstChance, ink: Ink) -> go.Figure:
    """How far the right class leads after each coin noise, and after the chosen noise; below 0 the reading has flipped."""
    tosses = {
        "type": "histogram",
        "x": result.coin_margin,
        "nbinsx": 24,
        "marker": {"color": ink.noise},
        "name": "coin noise",
        "hovertemplate": "lead %{x}: %{y} draws<extra>coin noise</extra>",
    }
    low = min(result.attack_margin, float(result.coin_margin.min()), 0)
    high = max(result.clean_margin, float(result.coin_margin.max()))
    room = 0.08 * (high - low)
    above = {"yref": "paper", "bgcolor": ink.page}
    words = [
        note(
            f"no noise {result.clean_margin:.1f}",
            result.clean_margin,
            1,
            font={"color": ink.trace},
            xanchor="right",
            xshift=-6,
            **above,
        ),
        note(
            f"chosen noise {result.attack_margin:.1f}",
            result.attack_margin,
            0.82,
            font={"color": ink.attacked},
            xanchor="left",
            xshift=6,
            **above,
        ),
        note("misread", 0, 0.5, yref="paper", textangle=-90, xshift=-10),
    ]
    shapes = [
        stretch(low - room, 0, ink.attacked, 0.1),
        upright(result.clean_margin, ink.trace, 3, "solid"),
        upright(result.attack_margin, ink.attacked, 3, "solid"),
    ]
    look = layout(
        ink, 300, {"t": 16}, showlegend=False, bargap=0.04, uirevision="margins", shapes=shapes, annotations=words
    )
    axes = {"xaxis": axis(ink, "lead, in logits", range=[low - room, high + room]), "yaxis": axis(ink, "of 200 draws")}
    return go.Figure({"data": [tosses], "layout": look | axes})


def losses(result: Climbs, ink: Ink, revealed: bool) -> go.Figure:
    """The loss on FGSM's straight way and, once revealed, on PGD's, at the same noise size up to the tenth step."""
    lines = [("FGSM, straight on", result.fgsm_loss, ink.noise, "square")]
    if revealed:
        lines.append(("PGD, turning at every step", result.pgd_loss, ink.attacked, "circle"))
    data = [
        _line(np.arange(len(loss)), loss, name, colour, "%{x} steps: loss %{y:.3g}")
        | {"mode": "lines+markers", "marker": {"symbol": symbol, "size": 7}}
        for name, loss, colour, symbol in lines
    ]
    place = {"yref": "paper", "yanchor": "top", "xanchor": "left", "xshift": 6}
    used_up = note("ε used up", STEPS_PER_BUDGET, 1, font={"color": ink.muted}, **place)
    line = upright(STEPS_PER_BUDGET, ink.muted)
    look = layout(ink, 380, uirevision="losses", shapes=[line], annotations=[used_up]) | {
        "xaxis": axis(ink, "steps of ε/10", range=[-0.6, len(result.pgd_loss) - 0.4]),
        "yaxis": axis(ink, "loss (cross-entropy)", rangemode="tozero"),
    }
    return go.Figure({"data": data, "layout": look})


def straight_line(result: StraightLine, eps: float, ink: Ink, revealed: bool) -> go.Figure:
    """z_y along FGSM's direction; once revealed, the straight line beside it and below the units that switched."""
    said = "ε %{x:.3f}: z_y %{y:.2f}"
    data = [_line(result.eps, result.z, "the network", ink.trace, said)]
    panels = [axis(ink, "logit z<sub>y</sub>")]
    if revealed:
        switched = _line(
            result.eps, result.switched, "units switched", ink.noise, f"ε %{{x:.3f}}: %{{y}} of {result.units}"
        )
        data += [
            _line(result.eps, result.line, "the straight line of eq. 7", ink.attacked, said, "dash"),
            switched
            | {"yaxis": "y2", "fill": "tozeroy", "showlegend": False}
            | {"line": {"color": ink.noise, "width": 1.6, "shape": "hv"}},
        ]
        panels.append(axis(ink, f"switched, of {result.units}", rangemode="tozero"))
    look = layout(ink, 460 if revealed else 320, uirevision="line", shapes=[upright(eps, ink.muted)])
    return go.Figure({"data": data, "layout": look | stack(axis(ink, "noise level ε"), panels, 0.08)})


def strengths(w: np.ndarray, ink: Ink, length: int) -> go.Figure:
    """|w_y| sample by sample: the height of all bars together is ||w_y||_1."""
    colours = np.where(np.arange(len(w)) < length, ink.noise, ink.muted)
    bars = {
        "type": "bar",
        "x": np.arange(len(w)) * 1000 / FS_HZ,
        "y": np.abs(w),
        "marker": {"color": colours, "line": {"width": 0}},
        "hovertemplate": "%{x:.0f} ms: |w| %{y:.3f}<extra></extra>",
    }
    look = layout(ink, 320, {"t": 16}, bargap=0.1, uirevision="strengths") | {
        "xaxis": axis(ink, "time, ms; grey: padding"),
        "yaxis": axis(ink, "|w<sub>y</sub>| of each sample"),
    }
    return go.Figure({"data": [bars], "layout": look})


def ratios(result: Ratios, ink: Ink) -> go.Figure:
    """From the bound of eq. 9 down to what two attacks reach."""
    rows = {
        "bound R₂ (eq. 9)": (result.bound, ink.muted),
        "most within [0, 1],<br>signal only": (result.allowed, ink.muted),
        "FGSM on the line": (result.fgsm_line, ink.noise),
        "FGSM, really": (result.fgsm_real, ink.attacked),
        "PGD, really": (result.pgd_real, ink.attacked),
    }
    values = [value for value, _ in rows.values()]
    bars = _bars(list(rows), values, ".2f", [colour for _, colour in rows.values()], "%{x:.3f}")
    along = axis(ink, "noise-to-signal ratio", range=[0, 1.15 * max(*values, 1)])
    return _bar_figure(bars, along, 320, "ratios", ink, shapes=[upright(1, ink.text)])


def directions(result: Mapping[str, Alignment], ink: Ink) -> go.Figure:
    """The directions of the beat and of each network's w_y, at their true angles (Figure 3); all drawn equally long."""
    arrows = [("the beat x", 0.0, ink.trace, "the beat x")]
    arrows += [
        (method, found.angle_deg, method_style(method).colour(ink), f"w<sub>y</sub> {method}, {found.angle_deg:.0f}°")
        for method, found in result.items()
    ]
    data, words = [], []
    for number, (name, angle, colour, label) in enumerate(arrows):
        # ce is drawn in the colour of the beat; the dash tells them apart.
        dash = "dash" if number and colour == ink.trace else "solid"
        tip = (np.cos(np.radians(angle)), np.sin(np.radians(angle)))
        data.append(arrow(tip, colour, name, label, dash))
        words.append(note(label, *tip, font={"color": colour}, yshift=16, xshift=0 if number else -24))
        if number:
            data.append(arc(angle, 0.18 + 0.12 * number, colour, f"{name}, angle"))
    left = min(-0.25, *(np.cos(np.radians(found.angle_deg)) - 0.35 for found in result.values()))
    look = layout(ink, 340, {"t": 8, "b": 28}, showlegend=False, annotations=words) | {
        "xaxis": HIDDEN_AXIS | {"range": [left, 1.2]},
        "yaxis": HIDDEN_AXIS | {"range": [-0.1, 1.25], "scaleanchor": "x", "scaleratio": 1},
    }
    return go.Figure({"data": data, "layout": look})


def over_time(x: np.ndarray, result: Mapping[str, Alignment], length: int, ink: Ink) -> go.Figure:
    """The beat above each network's w_y, over time."""
    rows = [("beat x", x, ink.trace)] + [
        (f"w<sub>y</sub> {method}", found.w, method_style(method).colour(ink)) for method, found in result.items()
    ]
    time_ms = np.arange(length) * 1000 / FS_HZ
    data = [
        _line(time_ms, values[:length], name, colour, "%{x:.0f} ms: %{y:.3f}") | {"yaxis": panel(number)}
        for number, (name, values, colour) in enumerate(rows)
    ]
    panels = [axis(ink, name, nticks=4, zeroline=True, zerolinecolor=ink.muted) for name, _, _ in rows]
    look = layout(ink, 410, {"t": 16}, showlegend=False, uirevision="over_time")
    return go.Figure({"data": data, "layout": look | stack(axis(ink, "time, ms"), panels, 0.06)})


def readings(before: np.ndarray, noises: Mapping[str, np.ndarray], ink: Ink) -> go.Figure:
    """The five class probabilities without noise and under each noise, a group of bars for each class.

    Args:
        before: (5,) without noise.
        noises: by name, (5,) with it; the reader's own first, PGD's last.
    """
    colours = (ink.trace, ink.attacked, faint(ink.muted, 0.6), ink.noise)
    classes = ["<br>".join(textwrap.wrap(CLASS_NAMES[label].removesuffix(" beat"), 22)) for label in CLASSES]
    data = [
        _bars(classes, values.tolist(), ".1%", [colour] * len(classes), "%{x:.1%}")
        | {"name": name, "marker": {"color": colour}, "textfont": {"size": 11}}
        for (name, values), colour in zip({"without noise": before, **noises}.items(), colours, strict=False)
    ]
    along = axis(ink, "probability", tickformat=".0%", range=[0, 1.15], tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure = _bar_figure(data[0], along, 130 + 5 * (14 + 16 * len(data)), "readings", ink)
    figure.add_traces(data[1:])
    return figure.update_layout(barmode="group", showlegend=True, margin={"t": 48})


def medians(result: Mapping[str, float], ink: Ink) -> go.Figure:
    """||w_y||_1 / |z_y| of the median beat, a bar for each method, on a logarithmic axis."""
    known = {method: value for method, value in result.items() if np.isfinite(value)}
    values = list(known.values())
    bars = _bars(list(known), values, ".3g", [method_style(method).colour(ink) for method in known], "%{x:.3g}")
    span = [np.floor(np.log10(min(values))) - 0.1, np.log10(max(values)) + 0.5]
    title = "‖w<sub>y</sub>‖<sub>1</sub> / |z<sub>y</sub>|, median beat"
    return _bar_figure(bars, axis(ink, title, type="log", range=span, dtick=1), 350, "medians", ink)


def accuracies(
    eps: Sequence[float], published: Mapping[str, np.ndarray], signal: Mapping[str, np.ndarray] | None, ink: Ink
) -> go.Figure:
    """ACC against the noise level: the published attack, and dotted the same attack kept off the padding."""
    data = []
    for curves, dash, where in ((published, "solid", "as published"), (signal or {}, "dot", "signal only")):
        for method, values in curves.items():
            style = method_style(method)
            name = f"{method}, {where}"
            curve = _line(np.asarray(eps), values, name, style.colour(ink), "ε %{x:g}: %{y:.0%}", dash)
            curve |= {"mode": "lines+markers", "marker": {"symbol": style.marker, "size": 9}}
            data.append(curve | {"name": name if signal else method})
    look = layout(ink, 400, uirevision="accuracies") | {
        "xaxis": axis(ink, "noise level ε", range=[-0.01, 0.31]),
        "yaxis": axis(ink, "accuracy (ACC)", tickformat=".0%", range=[-0.03, 1.03]),
    }
    return go.Figure({"data": data, "layout": look})


def survivors(result: Survivors, ink: Ink, revealed: bool) -> go.Figure:
    """Beats still read correctly under each attack; SPSA only once revealed."""
    shown = [
        (name, int(left))
        for name, left in zip(result.attacks, result.left, strict=True)
        if revealed or name[:3] == "pgd"
    ]
    shares = [left / result.beats for _, left in shown]
    colours = [ink.noise if name[:3] == "pgd" else ink.attacked for name, _ in shown]
    bars = _bars([ATTACK_TITLES[name] for name, _ in shown], shares, ".0%", colours, "%{customdata} beats, %{x:.1%}")
    bars["customdata"] = [left for _, left in shown]
    along = axis(ink, "still read correctly", tickformat=".0%", range=[0, 1.08])
    return _bar_figure(bars, along, 110 + 40 * len(shown), "survivors", ink)


def box_around(x: np.ndarray, length: int, eps: float, ink: Ink) -> go.Figure:
    """A beat's signal samples and around them the box of all noise up to a level, cut off at 0 and 1."""
    at = np.arange(length) / FS_HZ * 1000
    signal = x[:length].astype(float)
    low, high = (signal - eps).clip(0), (signal + eps).clip(max=1)
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    band = [
        _line(at, low, "low", ink.muted, "") | edge,
        _line(at, high, f"all noise up to {eps:g}", ink.muted, "")
        | edge
        | {"fill": "tonexty", "fillcolor": faint(ink.muted, 0.4), "showlegend": True},
    ]
    beat = _line(at, signal, "beat", ink.trace, "%{x:.0f} ms: %{y:.3f}")
    look = layout(ink, 240, {"t": 8}, uirevision="box") | {
        "xaxis": axis(ink, "time, ms"),
        "yaxis": axis(ink, "share of the beat's range", range=[-0.03, 1.03]),
    }
    return go.Figure({"data": [*band, beat], "layout": look})


def leads(result: LeadWithin, eps: float, ink: Ink) -> go.Figure:
    """The lowest lead within each noise level: what the attack found, and what bounds say it cannot fall below."""
    text = "ε %{x:.4f}: %{y:.2f}"
    data = [
        _line(result.eps, result.attacked, "found by the attack", ink.attacked, text),
        _line(result.eps, result.crown, "at least, by CROWN", PROVED, text),
        _line(result.eps, result.interval, "at least, by intervals", PROVED, text, "dot"),
    ]
    start = float(result.attacked[0])
    low = min(float(result.attacked.min()), -0.6 * abs(start))
    look = layout(ink, 280, {"t": 8}, uirevision="leads", shapes=[upright(eps, ink.muted, 1.5, "dot")]) | {
        "xaxis": axis(ink, "noise level ε", range=[0, float(result.eps[-1])]),
        "yaxis": axis(
            ink, "lead, in logits", range=[1.1 * low, max(1.15 * start, 0.1)], zeroline=True, zerolinecolor=ink.text
        ),
    }
    return go.Figure({"data": data, "layout": look})


def _line(x: np.ndarray, y: np.ndarray, name: str, colour: str, result: str, dash: str = "solid") -> Part:
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "name": name,
        "mode": "lines",
        "line": {"color": colour, "width": 2.2, "dash": dash},
        "hovertemplate": f"{result}<extra>{name}</extra>",
    }


def _bars(names: list[str], values: list[float], digits: str, colours: list[str], result: str) -> Part:
    """Bars from the left, each with its number behind it."""
    return {
        "type": "bar",
        "y": names,
        "x": values,
        "orientation": "h",
        "marker": {"color": colours},
        "text": [f"{value:{digits}}" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": f"%{{y}}: {result}<extra></extra>",
    }


def _bar_figure(bars: Part, along: Part, height: int, name: str, ink: Ink, **changes: object) -> go.Figure:
    """Those bars, the first on top."""
    look = layout(ink, height, {"t": 8}, showlegend=False, bargap=0.3, uirevision=name, **changes)
    down = axis(ink, autorange="reversed", showgrid=False, ticksuffix="  ")
    return go.Figure({"data": [bars], "layout": look | {"xaxis": along, "yaxis": down}})
