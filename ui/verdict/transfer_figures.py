"""The matrix of transfer: whose noise leaves how much of whose accuracy."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.parts import Part, two_lines
from ui.theme import Ink, axis, layout

_ROW_PX = 38
#: Least widths in pixels: of a column, and of the names beside them.
_COLUMN_PX, _NAMES_PX = 28, 170
#: The rows that are of no network: before the sources, and after them.
CLEAN, UNIVERSAL = "no noise", "one noise<br>for all beats"


def matrix(
    accuracy: pd.DataFrame, clean: pd.Series, universal: pd.Series, titles: Mapping[str, str], ink: Ink
) -> go.Figure:
    """A row for each network that noise was made for, a column for each that reads it, both by the same numbers.

    Args:
        accuracy: of ``TransferTable.matrix``, in the order in which they are shown.
        clean, universal: accuracy of each network without noise, and with one noise for all beats.
        titles: of the networks, by name.
    """
    names = [str(name) for name in accuracy]
    count = len(names)
    rows = [CLEAN, *(f"{two_lines(titles[name])} <b>{number}</b>" for number, name in enumerate(names, 1)), UNIVERSAL]
    values = np.vstack([part.to_numpy(float) for part in (clean[names], accuracy.loc[names, names], universal[names])])
    data: Part = {
        "type": "heatmap",
        "z": values,
        "x": np.arange(count),
        "y": np.arange(count + 2),
        "text": [[f"{100 * value:.0f}" if np.isfinite(value) else "" for value in row] for row in values],
        "texttemplate": "%{text}",
        "hovertext": _hovers(values, names, titles),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "colorscale": [[0.0, _between(ink.attacked, ink.page)], [1.0, ink.page]],  # the numbers can be read on all
        "textfont": {"color": ink.text},
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }
    look = layout(ink, _ROW_PX * (count + 2) + 110, {"t": 32}, uirevision="transfer")
    look["shapes"] = [_frame(number, number + 1, ink) for number in range(count)]
    look["shapes"] += [_rule(at, count, ink) for at in (0.5, count + 0.5)]
    fixed = {"showgrid": False, "fixedrange": True, "tickfont": {"size": 11, "color": ink.text}}
    columns = {"tickvals": np.arange(count), "ticktext": [str(number) for number in range(1, count + 1)]}
    axes = {
        "xaxis": axis(ink, range=[-0.5, count - 0.5], side="top", **fixed, **columns),
        "yaxis": axis(ink, range=[count + 1.5, -0.5], ticksuffix="  ", **fixed)
        | {"tickvals": np.arange(count + 2), "ticktext": rows},
    }
    return go.Figure({"data": [data], "layout": look | axes})


def least_width_px(count: int) -> int:
    """Narrower, the matrix of so many networks cannot be read."""
    return _NAMES_PX + _COLUMN_PX * count


def _hovers(values: np.ndarray, names: list[str], titles: Mapping[str, str]) -> list[list[str]]:
    made = ["Without noise", *(f"Noise made for {titles[name]}" for name in names), "One noise for all beats"]
    return [
        [
            f"{made[row]}<br>leaves <b>{titles[name]}</b> an accuracy of <b>{values[row, column]:.2f}</b>"
            + ("" if row in (0, column + 1) else f"<br>its own noise {values[column + 1, column]:.2f}")
            for column, name in enumerate(names)
        ]
        for row in range(len(values))
    ]


def _frame(x: int, y: int, ink: Ink) -> Part:
    """Around a network's own noise."""
    corners = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return {"type": "rect", "line": {"color": ink.text, "width": 2}, **corners}


def _rule(y: float, count: int, ink: Ink) -> Part:
    """Between the rows of networks and the others."""
    return {"type": "line", "x0": -0.5, "x1": count - 0.5, "y0": y, "y1": y, "line": {"color": ink.muted, "width": 2}}


def _between(one: str, other: str) -> str:
    """The colour half way between two."""
    parts = ((int(one[at : at + 2], 16) + int(other[at : at + 2], 16)) // 2 for at in (1, 3, 5))
    return "#" + "".join(f"{part:02X}" for part in parts)
