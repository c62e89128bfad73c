"""Accuracy against the signal-to-noise ratio: everyday noise by kind, and aimed noise."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from nsr_core.data.everyday_noise import NOISE_KINDS
from ui.parts import Part
from ui.theme import Ink, axis, layout

COLOURS = {
    "wander": ("#0072B2", "circle"),
    "muscle": ("#009E73", "square"),
    "motion": ("#CC79A7", "diamond"),
    "mains50": ("#8A8F94", "triangle-up"),
    "mains60": ("#8A8F94", "triangle-down"),
}
#: In dB, from hardly any noise to more noise than beat.
RANGE = (27.0, -7.0)


def everyday(result: pd.DataFrame, aimed: pd.DataFrame, ink: Ink, height: int = 480) -> go.Figure:
    """A line for each kind, and one for aimed noise; noise grows to the right.

    Args:
        result: of ``nsr_core.verdict.everyday.summarise_everyday``.
        aimed: rows ``eps, snr_db, signal``; may be empty.
    """
    data: list[Part] = []
    for kind in result["kind"].unique():
        rows = result[(result["kind"] == kind) & np.isfinite(result["snr_db"])]
        colour, symbol = COLOURS.get(kind, (ink.muted, "x"))
        data.append(_trace(rows["snr_db"], rows["acc"], NOISE_KINDS[kind].title, colour, symbol))
    if len(aimed):
        level = {"customdata": [f"ε {eps:g}, " for eps in aimed["eps"]]}
        data.append(_trace(aimed["snr_db"], aimed["signal"], "aimed noise, worst case", ink.attacked, "x", 3) | level)
    look = layout(ink, height, {"t": 84}, hovermode="closest", uirevision="everyday")
    axes = {
        "xaxis": axis(ink, "signal-to-noise ratio, dB (more noise to the right)", range=list(RANGE)),
        "yaxis": axis(ink, "accuracy, every class counting the same", range=[-0.02, 1.02], tickformat=".1f"),
    }
    return go.Figure({"data": data, "layout": look | axes})


def _trace(x: pd.Series, y: pd.Series, name: str, colour: str, symbol: str, width: float = 2) -> Part:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": x.to_numpy(),
        "y": y.to_numpy(),
        "name": name,
        "line": {"color": colour, "width": width},
        "marker": {"symbol": symbol, "size": 9, "color": colour},
        "customdata": [""] * len(x),
        "hovertemplate": f"%{{customdata}}%{{x:.1f}} dB: <b>%{{y:.3f}}</b><extra>{name}</extra>",
    }
