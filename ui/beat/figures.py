"""The figures of the Beat lab beside the beat itself: probabilities, the sweep, the attack's way, the sensitivity."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from nsr_core.beat.attack import BeatAttack
from nsr_core.beat.bracket import BeatBracket
from nsr_core.beat.sweep import Sweep
from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ
from nsr_core.evaluation.summary import reading_title
from ui.parts import faint, two_lines, upright
from ui.theme import Ink, axis, layout, looks


def sweep(sweeps: Mapping[str, tuple[str, str, Sweep]], eps: float, ink: Ink) -> go.Figure:
    """Probability of the true class on the attacked beat as the noise grows, a line for each network.

    Args:
        sweeps: by title: network, method and what the sweep found.
        eps: the level that the page shows, drawn as a vertical line.
    """
    data: list[dict[str, Any]] = []
    drawn = looks([(network, method) for network, method, _ in sweeps.values()], ink)
    for (title, (*_, found)), one in zip(sweeps.items(), drawn, strict=True):
        data.append(
            {
                "type": "scatter",
                "x": found.eps,
                "y": found.p_true,
                "name": title,
                "mode": "lines",
                "line": {"color": one.colour, "width": 2.2, "dash": one.dash},
                "customdata": [CLASS_NAMES[label] for label in found.label],
                "hovertemplate": f"ε %{{x:.3f}}: %{{y:.1%}}, read as %{{customdata}}<extra>{title}</extra>",
            }
        )
        if np.isfinite(found.smallest):
            at = int(np.searchsorted(found.eps, found.smallest))
            marker = {"color": one.colour, "size": 13, "symbol": one.marker, "line": {"color": ink.text, "width": 1}}
            data.append(
                {
                    "type": "scatter",
                    "x": [found.smallest],
                    "y": [found.p_true[at]],
                    "mode": "markers",
                    "marker": marker,
                    "hovertemplate": f"flips at ε {found.smallest:.3f}<extra>{title}</extra>",
                    "showlegend": False,
                }
            )
    here = {"type": "line", "x0": eps, "x1": eps, "y0": 0, "y1": 1, "yref": "paper"}
    look = layout(ink, 380, hovermode="closest", uirevision="sweep") | {
        "xaxis": axis(ink, "noise level ε", range=[-0.004, 0.304]),
        "yaxis": axis(ink, "probability of the right reading", tickformat=".0%", range=[-0.03, 1.05]),
        "shapes": [here | {"line": {"color": ink.muted, "width": 1, "dash": "dot"}}],
    }
    return go.Figure({"data": data, "layout": look})


def way(result: BeatAttack, at: int, ink: Ink) -> go.Figure:
    """The attack's loss, and the probability of the right reading, along its steps; ``at`` is marked."""
    true = CLASSES.index(result.true_class)
    steps = np.arange(len(result.path.loss))
    rows = [
        ("y", result.path.probabilities[:, true], ink.trace, "%{y:.1%}"),
        ("y2", result.path.loss, ink.attacked, "%{y:.3f}"),
    ]
    data = []
    for name, values, colour, shown in rows:
        shared = {"type": "scatter", "yaxis": name, "hovertemplate": f"step %{{x}}: {shown}<extra></extra>"}
        mode = "lines+markers" if len(steps) < 30 else "lines"
        marker = {"color": colour, "size": 12, "line": {"color": ink.text, "width": 1}}
        data.append(shared | {"x": steps, "y": values, "mode": mode, "line": {"color": colour, "width": 2}})
        data.append(shared | {"x": [at], "y": [values[at]], "mode": "markers", "marker": marker})
    look = layout(ink, 420, showlegend=False, margin={"l": 8, "r": 16, "t": 16, "b": 64}) | {
        "xaxis": axis(ink, "step of the attack", anchor="y2"),
        "yaxis": axis(ink, "right reading", tickformat=".0%", range=[-0.05, 1.05], domain=[0.56, 1]),
        "yaxis2": axis(ink, "loss", domain=[0, 0.44]),
    }
    return go.Figure({"data": data, "layout": look})


def sensitivity(attacks: Mapping[str, tuple[str, str, BeatAttack]], ink: Ink) -> go.Figure:
    """w_y over the beat, a line for each network, below the beat itself.

    Args:
        attacks: by title: network, method and the attacked beat, the same beat for all.
    """
    first = next(iter(attacks.values()))[2]
    shared = {"type": "scatter", "mode": "lines", "x": np.arange(first.length) * (1000 / FS_HZ)}
    data: list[dict[str, Any]] = [
        shared
        | {"y": first.x[: first.length], "name": "the beat", "showlegend": False}
        | {"line": {"color": ink.trace, "width": 1.6}, "hovertemplate": "%{x:.0f} ms: %{y:.3f}<extra>the beat</extra>"}
    ]
    drawn = looks([(network, method) for network, method, _ in attacks.values()], ink)
    for (title, (*_, result)), one in zip(attacks.items(), drawn, strict=True):
        data.append(
            shared
            | {"y": result.w[: result.length], "name": title, "yaxis": "y2"}
            | {"line": {"color": one.colour, "width": 1.8, "dash": one.dash}}
            | {"hovertemplate": f"%{{x:.0f}} ms: %{{y:.3f}}<extra>{title}</extra>"}
        )
    look = layout(ink, 420, uirevision="sensitivity") | {
        "xaxis": axis(ink, "time after the R peak, ms", anchor="y2"),
        "yaxis": axis(ink, "beat", nticks=3, domain=[0.7, 1]),
        "yaxis2": axis(ink, "sensitivity w_y", zeroline=True, zerolinecolor=ink.muted, domain=[0, 0.62]),
    }
    return go.Figure({"data": data, "layout": look})


def brackets(found: Mapping[str, tuple[str, BeatBracket]], eps: float, ink: Ink) -> go.Figure:
    """What is known of a beat, a row for each network: proved, undecided, broken, on one axis of noise levels.

    Args:
        found: by title: method and bracket.
        eps: the level that the page shows, drawn as a vertical line.
    """
    rows, titles = np.arange(len(found)), list(found)
    several = [bracket for _, bracket in found.values()]
    known = [bracket.broken for bracket in several if np.isfinite(bracket.broken)]
    tried = max(bracket.most for bracket in several)
    # What lies far beyond the last break is all one colour, unless one was not broken at all.
    most = min(tried, max(2 * max(known), 1.3 * eps, 0.02)) if len(known) == len(several) else tried
    proved = np.nan_to_num([bracket.certified for bracket in several])
    broken = np.array([bracket.most if np.isnan(bracket.broken) else bracket.broken for bracket in several])
    parts = (
        ("proved", proved, ink.noise, ""),
        ("undecided", broken - proved, faint(ink.noise, 0.35), ""),
        ("broken", most - broken, faint(ink.attacked, 0.6), "/"),
    )
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": rows,
            "x": width,
            "name": name,
            "customdata": [_ends(one) for one in several],
            "marker": {
                "color": colour,
                "pattern": {"shape": shape, "fgcolor": ink.attacked, "size": 6},
                "line": {"width": 0},
            },
            "hovertemplate": "%{customdata}<extra></extra>",
        }
        for name, width, colour, shape in parts
    ]
    look = layout(ink, 48 * len(found) + 150, {"t": 56}, barmode="stack", bargap=0.4, shapes=[upright(eps, ink.text)])
    look["legend"] = {**look["legend"], "traceorder": "normal"}
    axes = {
        "xaxis": axis(ink, "noise level ε, share of the beat's range", range=[0, most]),
        "yaxis": axis(
            ink,
            range=[len(found) - 0.5, -0.5],
            tickvals=rows,
            ticktext=list(map(two_lines, titles)),
            showgrid=False,
            ticksuffix="  ",
            fixedrange=True,
        ),
    }
    return go.Figure({"data": data, "layout": look | axes})


def bracket_bar(bracket: BeatBracket, eps: float, ink: Ink) -> go.Figure:
    """One beat's bracket as one small bar on an axis of noise levels; the level that the page shows is a vertical line."""
    known = np.nan_to_num(bracket.certified), bracket.most if np.isnan(bracket.broken) else bracket.broken
    most = bracket.most if np.isnan(bracket.broken) else min(bracket.most, max(1.6 * bracket.broken, 1.3 * eps))
    parts = (
        ("proved", known[0], ink.noise, ""),
        ("undecided", known[1] - known[0], faint(ink.noise, 0.35), ""),
        ("broken", max(most - known[1], 0), faint(ink.attacked, 0.6), "/"),
    )
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [0],
            "x": [width],
            "name": name,
            "customdata": [_ends(bracket)],
            "marker": {
                "color": colour,
                "pattern": {"shape": shape, "fgcolor": ink.attacked, "size": 6},
                "line": {"width": 0},
            },
            "hovertemplate": "%{customdata}<extra></extra>",
        }
        for name, width, colour, shape in parts
    ]
    look = layout(ink, 72, {"l": 8, "r": 8, "t": 4, "b": 36}, barmode="stack", bargap=0, showlegend=False)
    axes = {
        "xaxis": axis(ink, range=[0, most], nticks=6, tickprefix="ε ", fixedrange=True),
        "yaxis": {"visible": False, "fixedrange": True},
        "shapes": [upright(eps, ink.text, width=2)],
    }
    return go.Figure({"data": data, "layout": look | axes})


def _ends(bracket: BeatBracket) -> str:
    proof = "no certificate" if np.isnan(bracket.certified) else f"proved up to {bracket.certified:.4f}"
    return f"{proof}<br>" + (
        "not broken"
        if np.isnan(bracket.broken)
        else f"broken at {bracket.broken:.3f} {bracket.by and 'by'} {reading_title(bracket.by)}"
    )
