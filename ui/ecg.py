"""A beat on ECG paper: 25 mm/s and 10 mm/mV, a fine line every millimetre and a bold one every five."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nsr_core.data import FS_HZ
from nsr_core.evaluation.single import BeatAttack
from ui.theme import Ink

MS_PER_MM = 40
MV_PER_MM = 0.1
#: On paper 1 mV is as long as 400 ms.
MS_PER_MV = MS_PER_MM / MV_PER_MM


def attacked_beat(told: BeatAttack, ink: Ink) -> go.Figure:
    """The clean trace over the attacked one, and below them the noise alone, enlarged.

    In mV where the beat's range is known, else in relative amplitude. Padding is not drawn: no electrode saw it.
    """
    known = np.isfinite(told.mv_range)
    scale, offset, unit = (told.mv_range, told.mv_min, "mV") if known else (1.0, 0.0, "relative amplitude")
    shown = slice(0, told.length)
    time_ms = np.arange(told.length) * (1000 / FS_HZ)
    clean, attacked = (offset + scale * signal[shown] for signal in (told.x, told.x_adv))
    figure = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.06)
    traces = [
        ("with noise", attacked, ink.attacked, 1.8, 1),
        ("without noise", clean, ink.trace, 1.8, 1),
        ("noise alone", attacked - clean, ink.noise, 1.4, 2),
    ]
    for name, values, colour, width, row in traces:
        line = go.Scatter(
            x=time_ms,
            y=values,
            name=name,
            mode="lines",
            line={"color": colour, "width": width},
            hovertemplate=f"%{{x:.0f}} ms, %{{y:.3f}} {unit}<extra>{name}</extra>",
        )
        figure.add_trace(line, row, 1)
    _paper(figure, ink, unit, known, end_ms=time_ms[-1] + MS_PER_MM)
    return figure


def _paper(figure: go.Figure, ink: Ink, unit: str, known: bool, end_ms: float) -> None:
    grid = {
        "showgrid": True,
        "zeroline": False,
        "gridcolor": ink.bold,
        "gridwidth": 1,
        "linecolor": ink.bold,
        "mirror": True,
    }
    step = 0.5 if known else 0.25
    minor = {"showgrid": True, "gridcolor": ink.fine, "gridwidth": 1}
    figure.update_xaxes(**grid, dtick=5 * MS_PER_MM, minor={**minor, "dtick": MS_PER_MM}, showline=True)
    figure.update_yaxes(**grid, dtick=step, minor={**minor, "dtick": step / 5}, showline=True, title_standoff=6)
    figure.update_xaxes(title_text="time after the R peak, ms", row=2, col=1)
    figure.update_yaxes(title_text=unit, row=1, col=1)
    figure.update_yaxes(title_text=f"noise, {unit}" if known else "noise", dtick=None, nticks=8, row=2, col=1)
    if known:
        # Square millimetres, as on paper; where the panel is wider than the beat, more blank paper follows on the right.
        figure.update_xaxes(range=[0, end_ms], constrain="range", constraintoward="left")
        figure.update_yaxes(scaleanchor="x", scaleratio=MS_PER_MV, constrain="range", row=1, col=1)
    figure.update_layout(
        height=640,
        margin={"l": 64, "r": 16, "t": 40, "b": 56},
        plot_bgcolor=ink.paper,
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": ink.text},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hovermode="x",
        uirevision="beat",
    )


def probabilities(told: BeatAttack, names: list[str], ink: Ink) -> go.Figure:
    """Class probabilities without and with noise, a pair of bars a class."""
    pairs = (("without noise", told.before, ink.trace), ("with noise", told.after, ink.attacked))
    figure = go.Figure(
        [
            go.Bar(
                y=[name.replace(" beat", "").replace(" or ", " or<br>").replace(" and ", " and<br>") for name in names],
                x=values,
                name=name,
                orientation="h",
                marker={"color": colour},
                hovertemplate=f"%{{x:.1%}}<extra>{name}</extra>",
            )
            for name, values, colour in pairs
        ]
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", gridcolor=ink.bold, title_text="probability")
    figure.update_yaxes(autorange="reversed", ticksuffix="  ", automargin=True)
    figure.update_layout(
        height=300,
        margin={"l": 8, "r": 16, "t": 8, "b": 48},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": ink.text},
        barmode="group",
        bargap=0.3,
        showlegend=False,
    )
    return figure
