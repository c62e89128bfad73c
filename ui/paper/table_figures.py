"""The paper's tables as maps of colour: all of them by their mean distance from ours, and one cell by cell."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from nsr_core.paper.report import ATTACK_TITLES, METRIC_TITLES
from ui.parts import Part, note
from ui.theme import Ink, axis, layout

#: Differences and mean distances beyond these have the full colour.
FULL_DIFFERENCE, FULL_DISTANCE = 0.3, 0.15
#: Blue to orange, which the colour-blind tell apart; pale enough for text on top. By the page's theme.
_DIVERGING = {"light": ("#7DB4DE", "#F3F5F7", "#F0A868"), "dark": ("#14588C", "#1C242D", "#A0520A")}
_SEQUENTIAL = {"light": ("#F3F5F7", "#B3A4E0"), "dark": ("#1C242D", "#6A57B5")}
NO_VALUE = "\N{EN DASH}"
_CELL_PX, _ROW_PX = 48, 29
#: The axes have their numbers above or to the left, so only the line of ``chart.stamp`` is below.
_BOTTOM_PX = 20
_BARE = {"showgrid": False, "fixedrange": True, "ticks": "", "showline": False}


def signed(value: float) -> str:
    """A difference with its sign and two decimals; none where it rounds to zero."""
    text = f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
    return "0.00" if text[1:] == "0.00" else text


def overview(distances: pd.DataFrame, chosen: int, ink: Ink) -> go.Figure:
    """The mean distance to each table by method, a block a network; a click on a cell carries its table's number.

    Args:
        distances: of ``nsr_core.paper.replication.table_distances``.
        chosen: the table that is marked.
    """
    methods = list(dict.fromkeys(distances["method"]))
    data: list[Part] = []
    words: list[Part] = []
    heights: dict[int, float] = {}
    labels: list[str] = []
    for network, block in distances.groupby("network", sort=False):
        top = len(heights) + 1.0 if heights else 0.0  # a blank row above the second network
        tables = list(dict.fromkeys(block["table"]))
        heights |= {table: top + place for place, table in enumerate(tables)}
        labels += [_label(block[block["table"] == table].iloc[0]) for table in tables]
        data += _block(block, methods, [heights[table] for table in tables], ink)
        title = f"<b>{str(network).upper()}</b>"
        words.append(note(title, -0.5, top - 0.5, xanchor="right", yanchor="bottom"))
    bottom = max(heights.values())
    frame = {"type": "rect", "x0": -0.5, "x1": len(methods) - 0.5, "line": {"color": ink.text, "width": 2}}
    frame |= {"y0": heights[chosen] - 0.5, "y1": heights[chosen] + 0.5}
    at_top = {"tickvals": np.arange(len(methods)), "ticktext": methods, "side": "top", "tickangle": -45}
    at_left = {"tickvals": list(heights.values()), "ticktext": labels}
    look = layout(
        ink,
        int(_ROW_PX * (bottom + 2)) + 96,
        {"r": 26, "t": 8, "b": _BOTTOM_PX},
        showlegend=False,
        clickmode="event+select",
        annotations=words,
        shapes=[frame],
    )
    axes = {
        "xaxis": axis(ink, range=[-0.55, len(methods) - 0.45], **at_top, **_BARE),
        "yaxis": axis(ink, range=[bottom + 0.55, -1.1], **at_left, **_BARE),
    }
    return go.Figure({"data": data, "layout": look | axes})


def _label(row: pd.Series) -> str:
    return f"{METRIC_TITLES[row['metric']]} {ATTACK_TITLES[row['attack']]} <b>{row['table']}</b>"


def _block(block: pd.DataFrame, methods: list[str], at: Sequence[float], ink: Ink) -> list[Part]:
    """One network's cells, a row a table at the heights ``at``: the colour, the number, and what is pointed at."""
    shape = (len(at), len(methods))
    values = block["distance"].to_numpy().reshape(shape)
    columns, rows = np.tile(np.arange(len(methods)), len(at)), np.repeat(np.asarray(at, float), len(methods))
    # In hundredths, which leaves room on a phone; a star where the protocol is not the paper's.
    texts = [
        f"{100 * distance:.0f}{'*' if protocol == 'custom' else ''}" if np.isfinite(distance) else NO_VALUE
        for distance, protocol in zip(block["distance"].to_numpy(), block["protocol"], strict=True)
    ]
    unseen = {"marker": {"opacity": 0}}
    # A heat map itself cannot be selected.
    targets = _targets(columns, rows, [_distance_hover(row) for row in block.to_dict("records")], 26)
    targets |= {"customdata": block["table"].to_numpy(), "selected": unseen, "unselected": unseen}
    return [
        _heat(values, at, _SEQUENTIAL[ink.name], 0, FULL_DISTANCE, name=str(block["network"].iloc[0])),
        _texts(columns, rows, texts, ink, "distances"),
        targets,
    ]


def _distance_hover(row: Mapping[Hashable, Any]) -> str:
    result = "ours is missing"
    if np.isfinite(row["distance"]):
        result = f"mean distance {row['distance']:.3f} over {row['levels']} noise levels, protocol {row['protocol']}"
    return f"Table {row['table']}, {row['method']}<br>{result}"


def cells(rows: pd.DataFrame, distances: pd.DataFrame, ink: Ink) -> go.Figure:
    """One of the paper's tables: in each cell ours, the paper's below it and the difference, which gives the colour.

    Args:
        rows: of ``nsr_core.paper.replication.published_and_ours``, of one table.
        distances: of ``nsr_core.paper.replication.table_distances``, of the same table.
    """
    methods, levels = list(dict.fromkeys(rows["method"])), sorted(rows["eps"].unique())
    shape = (len(methods), len(levels))
    at, mean_at = np.arange(len(methods)), len(levels) + 0.2
    y, x = (place.ravel() for place in np.indices(shape))
    difference, means = rows["difference"].to_numpy().reshape(shape), distances["distance"].to_numpy()
    data = [
        _heat(difference, at, _DIVERGING[ink.name], -FULL_DIFFERENCE, FULL_DIFFERENCE, "difference"),
        _texts(x, y, [_cell_text(row) for row in rows.to_dict("records")], ink, "cells"),
        _targets(x, y, [_cell_hover(row) for row in rows.to_dict("records")], 30),
        _heat(means[:, None], at, _SEQUENTIAL[ink.name], 0, FULL_DISTANCE, "mean distance") | {"x": [mean_at]},
        _texts(np.full(len(at), mean_at), at, [_mean_text(mean) for mean in means], ink, "mean distance"),
    ]
    custom = set(rows.loc[rows["protocol"] == "custom", "method"])
    above = {"tickvals": [*range(len(levels)), mean_at], "tickangle": 0, "side": "top"}
    above |= {"ticktext": [*(f"{level:g}" for level in levels), "mean<br>|diff.|"]}
    left = {"tickvals": at, "ticktext": [f"{method} *" if method in custom else method for method in methods]}
    look = layout(ink, _CELL_PX * len(methods) + 96, {"r": 8, "b": _BOTTOM_PX}, showlegend=False)
    axes = {
        "xaxis": axis(ink, range=[-0.55, mean_at + 0.55], **above, **_BARE) | {"automargin": False},
        "yaxis": axis(ink, range=[len(methods) - 0.45, -0.55], **left, **_BARE),
    }
    return go.Figure({"data": data, "layout": look | axes})


def _mean_text(mean: float) -> str:
    return f"{mean:.3f}" if np.isfinite(mean) else NO_VALUE


def _cell_text(row: Mapping[Hashable, Any]) -> str:
    small = "<span style='font-size:10px'>"
    if row["missing"]:
        return f"{NO_VALUE}<br>{small}({row['paper']:.2f})</span>"
    return (
        f"<b>{row['ours']:.2f}</b><br>{small}({row['paper']:.2f})</span><br>{small}{signed(row['difference'])}</span>"
    )


def _cell_hover(row: Mapping[Hashable, Any]) -> str:
    head = f"{row['method']} at noise level {row['eps']:g}<br>paper {row['paper']:.2f}"
    if row["missing"]:
        return f"{head}<br>ours: {row['missing']}"
    known = f" (95 % interval {row['low']:.3f} to {row['high']:.3f})" if np.isfinite(row["low"]) else ""
    return (
        f"{head}<br>ours {row['ours']:.3f}{known}<br>difference {signed(row['difference'])}<br>"
        f"{row['beats']:,.0f} beats, protocol {row['protocol']}, {row['epochs']:.0f} epochs<br>{row['checkpoint']} ({row['digest']})"
    )


def _heat(
    values: np.ndarray, at: Sequence[float] | np.ndarray, colours: Sequence[str], low: float, high: float, name: str
) -> Part:
    scale = [[place / (len(colours) - 1), colour] for place, colour in enumerate(colours)]
    return {
        "type": "heatmap",
        "z": values,
        "x": np.arange(values.shape[1]),
        "y": np.asarray(at, float),
        "name": name,
        "colorscale": scale,
        "zmin": low,
        "zmax": high,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
    }


def _texts(x: np.ndarray, y: np.ndarray, texts: list[str], ink: Ink, name: str) -> Part:
    return {
        "type": "scatter",
        "mode": "text",
        "x": x,
        "y": y,
        "text": texts,
        "textfont": {"size": 11, "color": ink.text},
        "name": name,
        "hoverinfo": "skip",
    }


def _targets(x: np.ndarray, y: np.ndarray, result: list[str], size: int) -> Part:
    """Unseen squares that say what is under the pointer."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "text": result,
        "name": "targets",
        "marker": {"size": size, "opacity": 0, "symbol": "square"},
        "hovertemplate": "%{text}<extra></extra>",
    }
