"""One measure by class, with intervals over patients: beats of known patients beside those of new ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from nsr_core.data import CLASS_NAMES
from ui.parts import Part
from ui.theme import Ink, axis, layout

_APART = 0.16


def by_class(found: Mapping[str, pd.DataFrame], measure: str, title: str, ink: Ink) -> go.Figure:
    """A point and its interval for each class, one row of them for each table.

    Args:
        found: tables of ``nsr_core.verdict.patients.by_class`` by title.
        measure: the column that is shown.
    """
    looks = ((ink.noise, "circle"), (ink.attacked, "diamond"))
    data: list[Part] = []
    for number, (name, table) in enumerate(found.items()):
        colour, symbol = looks[number % len(looks)]
        value = table[measure].to_numpy()
        y = np.arange(len(table)) + _APART * (2 * number - (len(found) - 1))
        ends = {side: np.abs(table[f"{measure}_{side}"].to_numpy() - value) for side in ("low", "high")}
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": value,
                "y": y,
                "name": name,
                "marker": {"color": colour, "symbol": symbol, "size": 11},
                "error_x": {
                    "type": "data",
                    "array": ends["high"],
                    "arrayminus": ends["low"],
                    "color": colour,
                    "thickness": 2,
                },
                "text": [f"{row.beats:,} beats of {row.patients} patients" for row in table.itertuples()],
                "hovertemplate": f"%{{x:.3f}}, %{{text}}<extra>{name}</extra>",
            }
        )
    labels = [
        CLASS_NAMES[name].replace(" beat", "").replace(" or ", "<br>or ")
        for name in next(iter(found.values()))["class"]
    ]
    look = layout(ink, 420, {"t": 48}, hovermode="closest")
    axes = {
        "xaxis": axis(ink, f"{title}, natural class frequencies", range=[-0.02, 1.02], tickformat=".1f"),
        "yaxis": axis(
            ink,
            range=[len(labels) - 0.5, -0.5],
            tickvals=np.arange(len(labels)),
            ticktext=labels,
            showgrid=False,
            ticksuffix="  ",
            fixedrange=True,
        ),
    }
    return go.Figure({"data": data, "layout": look | axes})
