"""Figures of the data page: how many beats there are, what they look like, how long and how large they are."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from nsr_core.data import CLASSES, FS_HZ
from nsr_core.data.beats import BEAT_LENGTH
from nsr_core.data.summary import PARTS, RECORD_PARTS, Lengths, PartCounts
from ui.parts import Part, faint, note, panel, stack, stretch, upright
from ui.theme import Ink, axis, layout

MS = 1000 / FS_HZ
END_MS = BEAT_LENGTH * MS
VIEWS = ("log", "count", "share")


def class_counts(result: PartCounts, view: str, ink: Ink) -> go.Figure:
    """A dot for each class and part, with its number; how far apart the classes are is what counts.

    Args:
        view: ``"log"``, ``"count"`` or ``"share"`` (of the part's beats).
    """
    values = result.shares if view == "share" else result.counts
    marks = (("circle", ink.text), ("diamond", ink.muted), ("square", ink.noise))
    data = [
        trace
        for place, (symbol, colour) in enumerate(marks)
        for trace in _bars_and_dots(values[:, place], result.counts[:, place], place, view, symbol, colour)
    ]
    top = float(values.max())
    scale: Part
    if view == "log":
        scale = {"type": "log", "range": [0, np.log10(top) + 0.9], "dtick": 1}
    else:
        scale = {"range": [0, top * 1.2], "tickformat": ".0%" if view == "share" else ","}
    names = {"tickvals": np.arange(len(CLASSES)), "ticktext": [f"{name}  " for name in CLASSES]}
    axes = {
        "xaxis": axis(ink, "share of the part's beats" if view == "share" else "beats", **scale),
        "yaxis": axis(ink, autorange="reversed", showgrid=False, **names)
        | {"tickfont": {"size": 15, "color": ink.text}},
    }
    return go.Figure({"data": data, "layout": layout(ink, 460, barmode="overlay", uirevision=view) | axes})


def _bars_and_dots(
    column: np.ndarray, counts: np.ndarray, place: int, view: str, symbol: str, colour: str
) -> tuple[Part, Part]:
    """One part's dots with their numbers, and the thin bars that lead to them."""
    # A bar from 1 to 1 has no length, and none can stand for 0 on a log axis.
    x = np.where(column > 0, column, np.nan) if view == "log" else column
    shared = {"x": x, "y": np.arange(len(CLASSES)) + 0.26 * (place - 1)}
    bars = {
        "type": "bar",
        "orientation": "h",
        "width": 0.05,
        "marker": {"color": colour},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    dots = {
        "type": "scatter",
        "name": PARTS[place],
        "mode": "markers+text",
        "cliponaxis": False,
        "marker": {"symbol": symbol, "color": colour, "size": 10},
        "text": [f"  {value:.2%}" if view == "share" else f"  {value:,}" for value in column],
        "textposition": "middle right",
        "textfont": {"color": colour, "size": 12},
        "customdata": counts,
        "hovertemplate": f"%{{customdata:,}} beats<extra>{PARTS[place]}</extra>",
    }
    return shared | bars, shared | dots


def padding(length: int, ink: Ink, yref: str = "paper") -> list[Part]:
    """The shaded stretch of a beat's padding; none where it fills its 187 samples."""
    return [stretch(length * MS, END_MS, ink.muted, 0.22, yref)] if length < BEAT_LENGTH else []


def small_beat(x: np.ndarray, length: int, ink: Ink) -> go.Figure:
    """One beat as the network gets it: its signal, and its padding as a shaded stretch. All have the same axes."""
    signal = {
        "type": "scatter",
        "mode": "lines",
        "line": {"color": ink.trace, "width": 1.6},
        "x": np.arange(length) * MS,
        "y": x[:length],
        "hovertemplate": "%{x:.0f} ms, %{y:.3f}<extra></extra>",
    }
    seconds = {"range": [0, END_MS], "tickvals": [0, 500, 1000, 1500], "ticktext": ["0", "0.5", "1", "1.5 s"]}
    axes = {
        "xaxis": axis(ink, fixedrange=True, **seconds) | {"automargin": False},
        "yaxis": axis(ink, fixedrange=True, range=[-0.06, 1.06], tickvals=[0, 0.5, 1]),
    }
    look = layout(ink, 150, {"r": 8, "t": 6, "b": 24}, showlegend=False, shapes=padding(length, ink))
    return go.Figure({"data": [signal], "layout": look | axes})


def lengths(result: Lengths, table: pd.DataFrame, ink: Ink) -> go.Figure:
    """How long the beats of each class are, class below class on one time axis, each as high as its own peak.

    Args:
        table: of ``class_table``, for the medians.
    """
    present = [label for label in range(len(CLASSES)) if result.share[label].any()]
    medians = table.set_index("class")["median_ms"]
    edges = np.repeat(result.edges_ms, 2)[1:-1]
    line = {"type": "scatter", "mode": "lines", "x": edges, "line": {"color": ink.trace, "width": 1.2}}
    line |= {"fill": "tozeroy", "fillcolor": faint(ink.muted, 0.28)}
    data, panels = [], []
    shapes = [upright(END_MS, ink.muted)]
    size = {"color": ink.muted, "size": 11}
    words = [note("187 samples", END_MS, 1, yref="paper", xanchor="right", yanchor="bottom", font=size)]
    for place, label in enumerate(present):
        name, domain = CLASSES[label], f"{panel(place)} domain"
        result_at = f"%{{y:.1%}} of the {name} beats<extra>%{{x:.0f}} ms</extra>"
        data.append(
            line
            | {"y": np.repeat(result.share[label], 2), "yaxis": panel(place), "name": name, "hovertemplate": result_at}
        )
        panels.append(
            axis(ink, range=[0, float(result.share[label].max()) * 1.08], showticklabels=False, showgrid=False)
        )
        shapes.append(upright(medians[name], ink.noise, 2, "solid", domain))
        title = f"<b>{name}</b>  median {medians[name]:,.0f} ms"
        words.append(note(title, 0, 1, xref="paper", yref=domain, xanchor="left", yanchor="top"))
    time = axis(ink, "length, ms", range=[0, END_MS + 30], dtick=200)
    look = layout(ink, 100 + 92 * len(present), {"t": 24}, showlegend=False, shapes=shapes, annotations=words)
    return go.Figure({"data": data, "layout": look | stack(time, panels, 0.035)})


def amplitudes(table: pd.DataFrame, ink: Ink) -> go.Figure:
    """Peak to peak of each record's beats in mV: the median as a dot, 5 % to 95 % of the beats as a line.

    Args:
        table: of ``record_table``.
    """
    styles = (("circle", ink.text), ("square", ink.noise), ("x", ink.muted))
    data = [
        _amplitudes_of(table[table["part"] == part], part, symbol, colour)
        for part, (symbol, colour) in zip(RECORD_PARTS, styles, strict=True)
    ]
    axes = {
        "xaxis": axis(
            ink,
            "record",
            type="category",
            categoryorder="array",
            categoryarray=table["record"].tolist(),
            tickangle=-90,
            showgrid=False,
        ),
        "yaxis": axis(ink, "peak to peak, mV", rangemode="tozero"),
    }
    return go.Figure({"data": data, "layout": layout(ink, 380) | axes})


def _amplitudes_of(own: pd.DataFrame, part: str, symbol: str, colour: str) -> Part:
    median = own["median_mv"].to_numpy()
    spread = {"array": own["high_mv"].to_numpy() - median, "arrayminus": median - own["low_mv"].to_numpy()}
    return {
        "type": "scatter",
        "x": own["record"].to_numpy(),
        "y": median,
        "name": part,
        "mode": "markers",
        "marker": {"symbol": symbol, "color": colour, "size": 8},
        "error_y": spread | {"color": colour, "thickness": 1.2, "width": 0},
        "customdata": own[["lead", "beats"]].to_numpy(),
        "hovertemplate": "record %{x}, %{customdata[0]}: %{y:.2f} mV<extra>%{customdata[1]:,} beats</extra>",
    }
