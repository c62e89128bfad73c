"""What each β buys and what it costs: accuracy without noise against accuracy under noise, a path for each method."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.parts import Part, note, stroke
from ui.theme import Ink, axis, layout, method_style

_MARGIN = 0.02
#: Lines of one score, by which the eye ranks two points far apart.
_SCORE_STEP = 0.02
#: From a point to its label; more to the side, where the label is wide.
_LABEL_PX = np.array([22, 17])


def trade_off(trials: pd.DataFrame, ink: Ink) -> go.Figure:
    """A point for each trial, β growing along a method's path; the paper's β is filled, the best score has a ring.

    Args:
        trials: of ``nsr_core.paper.beta.trials_of``, of one network.
    """
    across, up = (_reach(trials[name]) for name in ("clean", "area"))
    data = _scores(across, up, ink)
    words: list[Part] = []
    for method, path in trials.groupby("method", sort=False):
        data += _path(str(method), path, ink)
        words += _labels(path, across, up, ink)
    axes = {
        "xaxis": axis(ink, "ACC without noise", range=across, tickformat=".2f"),
        "yaxis": axis(ink, "mean ACC over noise up to 0.1", range=up, tickformat=".2f"),
    }
    return go.Figure({"data": data, "layout": layout(ink, 460, {"r": 8, "t": 40}, annotations=words) | axes})


def _labels(path: pd.DataFrame, across: list[float], up: list[float], ink: Ink) -> list[Part]:
    """Where a path begins and ends, outside of it; and the paper's β and the best, above. All would overlap on a phone."""
    on_figure = np.column_stack(
        [(path[name] - low) / (high - low) for name, (low, high) in (("clean", across), ("area", up))]
    )
    last = len(path) - 1
    words = []
    for number, row in enumerate(path.to_dict("records")):
        if 0 < number < last and not row["is_paper"] and not row["is_best"]:
            continue
        away = np.array([0.0, 1.0])
        if number in (0, last) and last and not row["is_best"]:
            away = on_figure[number] - on_figure[1 if number == 0 else last - 1]
            away = away / (np.linalg.norm(away) or 1.0)
        right, above = _LABEL_PX * away
        look = {"xshift": right, "yshift": above, "font": {"size": 11, "color": ink.muted}}
        words.append(note(f"{row['beta']:g}", row["clean"], row["area"], **look))
    return words


def _reach(values: pd.Series) -> list[float]:
    return [float(values.min()) - _MARGIN, float(values.max()) + _MARGIN]


def _scores(across: list[float], up: list[float], ink: Ink) -> list[Part]:
    """Faint curves on which √(x y) is the same."""
    low, high = (float(np.sqrt(x * y)) for x, y in zip(across, up, strict=True))
    x = np.linspace(across[0], across[-1], 60)
    levels = np.arange(np.ceil(low / _SCORE_STEP), np.floor(high / _SCORE_STEP) + 1) * _SCORE_STEP
    lines = [stroke(x, level**2 / x, ink.grid, f"score {level:.2f}") for level in levels]
    return [line | {"showlegend": number == 0, "name": "equal score"} for number, line in enumerate(lines)]


def _path(method: str, path: pd.DataFrame, ink: Ink) -> list[Part]:
    style = method_style(method)
    colour, place = style.colour(ink), {"x": path["clean"].to_numpy(), "y": path["area"].to_numpy()}
    symbols = [style.marker if paper else f"{style.marker}-open" for paper in path["is_paper"]]
    best = path[path["is_best"]]
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": method,
        "legendgroup": method,
        **place,
        "line": {"color": colour, "width": 1.5},
        "marker": {"symbol": symbols, "size": 10, "color": colour},
        "customdata": path[["beta", "score"]].to_numpy(),
        "hovertemplate": "β %{customdata[0]:g}: score %{customdata[1]:.3f}<br>%{x:.3f} without noise, %{y:.3f} under it"
        f"<extra>{method}</extra>",
    }
    ring = {
        "type": "scatter",
        "mode": "markers",
        "x": best["clean"].to_numpy(),
        "y": best["area"].to_numpy(),
        "marker": {"symbol": "circle-open", "size": 20, "color": ink.text, "line": {"width": 1.5}},
        "legendgroup": method,
        "showlegend": False,
        "hoverinfo": "skip",
        "name": f"{method}, best",
    }
    return [points, ring]
