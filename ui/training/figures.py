"""A training run as it goes: the loss, and what the network is worth on validation beats."""

import pandas as pd
import plotly.graph_objects as go

from ui.theme import Ink, axis, layout


def history(epochs: pd.DataFrame, total: int, ink: Ink) -> go.Figure:
    """Loss above; below it accuracy on validation beats, clean and under PGD (20 steps) at 0.1, epoch by epoch.

    Args:
        epochs: ``epoch, loss, val_acc, val_pgd_acc`` of the epochs so far.
        total: how many there will be.
    """
    mode = "lines+markers" if len(epochs) < 40 else "lines"
    rows = [
        ("loss", "loss", "y", ink.muted, "solid"),
        ("clean", "val_acc", "y2", ink.trace, "solid"),
        ("under PGD (20 steps) at 0.1", "val_pgd_acc", "y2", ink.attacked, "dash"),
    ]
    data = [
        {
            "type": "scatter",
            "x": epochs["epoch"].to_numpy(),
            "y": epochs[column].to_numpy(),
            "name": name,
            "yaxis": where,
            "mode": mode,
            "line": {"color": colour, "width": 2.2, "dash": dash},
            "showlegend": column != "loss",
            "hovertemplate": f"epoch %{{x}}: %{{y:.3f}}<extra>{name}</extra>",
        }
        for name, column, where, colour, dash in rows
    ]
    look = layout(ink, 380, uirevision="history") | {
        "xaxis": axis(ink, "epoch", range=[0.5, max(total, 2) + 0.5], anchor="y2"),
        "yaxis": axis(ink, "loss", domain=[0.64, 1], rangemode="tozero", nticks=4),
        "yaxis2": axis(ink, "accuracy, validation", domain=[0, 0.54], range=[-0.02, 1.02], nticks=5),
    }
    return go.Figure({"data": data, "layout": look})
