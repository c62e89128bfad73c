"""Robustness curves: one measure against the noise level, a line for each checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ui.theme import PAPER_DASH, Ink, axis, layout, looks, method_style

#: Height of what lies below the legend, and of each row of a legend that has one for each line.
_PLOT_PX, _LEGEND_PX = 410, 28


@dataclass(frozen=True)
class Line:
    """A checkpoint's curve: its name and title, network, method, the curve, and the paper's where there is one."""

    name: str
    title: str
    network: str
    method: str
    curve: pd.DataFrame
    published: pd.DataFrame | None = None


def robustness(
    lines: Sequence[Line],
    measure: str,
    ink: Ink,
    *,
    bands: bool,
    ceiling: pd.DataFrame | None = None,
) -> go.Figure:
    """The lines, their 95 % intervals as bands, and the paper's values as dotted lines with open markers.

    Every point carries the checkpoint's name and its noise level, for whoever clicks on it.

    Args:
        ceiling: rows ``eps, kept``: what any classifier keeps at most, where it is known of the lines' beats.
    """
    data: list[dict[str, Any]] = []
    for line, look in zip(lines, looks([(line.network, line.method) for line in lines], ink), strict=True):
        if bands:
            data.append(_band(line, look.colour))
        data.append(
            {
                "type": "scatter",
                "x": line.curve["eps"].to_numpy(),
                "y": line.curve["value"].to_numpy(),
                "name": line.title,
                "legendgroup": line.name,
                "mode": "lines+markers",
                "line": {"color": look.colour, "width": 2.2, "dash": look.dash},
                "marker": {"symbol": look.marker, "size": 9, "color": look.colour},
                "customdata": [[line.name, eps] for eps in line.curve["eps"]],
                "text": [f"{row.low:.3f} to {row.high:.3f}" for row in line.curve.itertuples()],
                "hovertemplate": f"ε %{{x:g}}: <b>%{{y:.3f}}</b> (%{{text}})<extra>{line.title}</extra>",
            }
        )
        if line.published is not None and not line.published.empty:
            data.append(_published(line, method_style(line.method).marker, look.colour))
    if ceiling is not None:
        data.append(_ceiling(ceiling, ink))
    height = _PLOT_PX + _LEGEND_PX * sum(one.get("showlegend", True) for one in data)
    shared = layout(ink, height, hovermode="closest", uirevision="curves", clickmode="event+select") | {
        "xaxis": axis(ink, "noise level ε, share of the beat's range", range=[-0.008, 0.308]),
        "yaxis": axis(ink, measure, range=[-0.02, 1.02], tickformat=".1f"),
    }
    return go.Figure({"data": data, "layout": shared})


def _band(line: Line, colour: str) -> dict[str, Any]:
    curve = line.curve
    return {
        "type": "scatter",
        "x": [*curve["eps"], *curve["eps"][::-1]],
        "y": [*curve["high"], *curve["low"][::-1]],
        "fill": "toself",
        "fillcolor": colour,
        "opacity": 0.15,
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": line.name,
    }


def _ceiling(ceiling: pd.DataFrame, ink: Ink) -> dict[str, Any]:
    """A line with steps: more noise only takes more, so that what holds at a level holds above it."""
    return {
        "type": "scatter",
        "x": ceiling["eps"].to_numpy(),
        "y": ceiling["kept"].to_numpy(),
        "name": "any classifier, at most (whole test split)",
        "mode": "lines",
        "line": {"color": ink.text, "width": 1.4, "dash": "dot", "shape": "hv"},
        "hovertemplate": "ε %{x:g}: <b>%{y:.3f}</b><extra>any classifier, at most</extra>",
    }


def _published(line: Line, marker: str, colour: str) -> dict[str, Any]:
    assert line.published is not None
    return {
        "type": "scatter",
        "x": line.published["eps"].to_numpy(),
        "y": line.published["value"].to_numpy(),
        "name": f"{line.title}, published",
        "legendgroup": line.name,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 1.4, "dash": PAPER_DASH},
        "marker": {"symbol": f"{marker}-open", "size": 8, "color": colour},
        "hovertemplate": f"ε %{{x:g}}: <b>%{{y:.2f}}</b><extra>{line.title}, published</extra>",
    }
