"""The figures of the data page: counts, small beats, lengths, amplitudes, and a strip of ECG paper."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ, Beats
from nsr_core.data.beats import BEAT_LENGTH, DECIMATION, RECORD_FS_HZ
from nsr_core.data.strip import NO_BEAT, Strip
from nsr_core.data.summary import PARTS, Lengths, PartCounts
from ui.theme import Ink, axis, axis_title, lay_out, layout

MS = 1000 / FS_HZ
END_MS = BEAT_LENGTH * MS
#: On paper 1 mV is as long as 0.4 s (25 mm/s, 10 mm/mV).
SECONDS_PER_MV = 0.4
#: The narrowest strip on which a millimetre can still be told apart: a phone scrolls over it sideways.
STRIP_WIDTH_PX = 900
#: For which width the strip's height is chosen; it stays square on any.
USUAL_WIDTH_PX = 1180
#: How strongly padding is shaded.
_SHADE = 0.22
VIEWS = ("log", "count", "share")


def class_counts(told: PartCounts, view: str, ink: Ink) -> go.Figure:
    """A dot for each class and part, with its number; how far apart the classes are is what counts.

    Args:
        view: ``"log"``, ``"count"`` or ``"share"`` (of the part's beats).
    """
    values = told.shares if view == "share" else told.counts
    figure = go.Figure()
    marks = (("circle", ink.text), ("diamond", ink.muted), ("square", ink.noise))
    for place, (part, (symbol, colour)) in enumerate(zip(PARTS, marks, strict=True)):
        column = values[:, place]
        figure.add_bar(
            y=np.arange(len(CLASSES)) + 0.26 * (place - 1),
            # A bar from 1 to 1 has no length, and none can stand for 0 on a log axis.
            x=np.where(column > 0, column, np.nan) if view == "log" else column,
            orientation="h", width=0.05, marker={"color": colour}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
        figure.add_scatter(
            y=np.arange(len(CLASSES)) + 0.26 * (place - 1),
            x=np.where(column > 0, column, np.nan) if view == "log" else column,
            name=part,
            mode="markers+text",
            marker={"symbol": symbol, "color": colour, "size": 10},
            text=[f"  {value:.2%}" if view == "share" else f"  {value:,}" for value in column],
            textposition="middle right",
            textfont={"color": colour, "size": 12},
            customdata=told.counts[:, place],
            hovertemplate=f"%{{customdata:,}} beats<extra>{part}</extra>",
            cliponaxis=False,
        )
    top = float(values.max())
    scale: dict[str, object]
    if view == "log":
        scale = {"type": "log", "range": [0, np.log10(top) + 0.9], "dtick": 1}
    else:
        scale = {"range": [0, top * 1.2], "tickformat": ".0%" if view == "share" else ","}
    lay_out(figure, ink, 460, barmode="overlay", uirevision=view)
    _name_below(figure, "share of the part's beats" if view == "share" else "beats", ink)
    figure.update_xaxes(**scale)
    figure.update_yaxes(
        tickvals=list(range(len(CLASSES))), ticktext=[f"{name}  " for name in CLASSES], autorange="reversed",
        showgrid=False, tickfont={"size": 15},
    )  # fmt: skip
    return figure


def _name_below(figure: go.Figure, text: str, ink: Ink) -> None:
    """The time axis's name on the left below, for the right is where chart.draw writes what a figure is not for."""
    figure.add_annotation(
        text=text, x=0, y=0, xref="paper", yref="paper", xanchor="left", yanchor="top", yshift=-30, showarrow=False,
        font={"color": ink.muted},
    )  # fmt: skip


def small_beat(x: np.ndarray, length: int, ink: Ink) -> go.Figure:
    """One beat as the network gets it: its signal, and its padding as a shaded stretch. All have the same axes."""
    signal = {
        "type": "scatter", "mode": "lines", "line": {"color": ink.trace, "width": 1.6},
        "x": np.arange(length) * MS, "y": x[:length], "hovertemplate": "%{x:.0f} ms, %{y:.3f}<extra></extra>",
    }  # fmt: skip
    padding = {
        "type": "rect", "x0": length * MS, "x1": END_MS, "y0": 0, "y1": 1, "yref": "paper", "fillcolor": ink.muted,
        "opacity": _SHADE, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip
    seconds = {"range": [0, END_MS], "tickvals": [0, 500, 1000, 1500], "ticktext": ["0", "0.5", "1", "1.5 s"]}
    parts = {
        "showlegend": False,
        "margin": {"l": 8, "r": 8, "t": 6, "b": 24},
        "shapes": [padding] if length < BEAT_LENGTH else [],
        "xaxis": axis(ink, fixedrange=True, **seconds) | {"automargin": False},
        "yaxis": axis(ink, fixedrange=True, range=[-0.06, 1.06], tickvals=[0, 0.5, 1]),
    }
    return go.Figure({"data": [signal], "layout": layout(ink, 150, **parts)})


def _shade_padding(figure: go.Figure, length: int, ink: Ink, **where: int) -> None:
    if length < BEAT_LENGTH:
        figure.add_vrect(length * MS, END_MS, fillcolor=ink.muted, opacity=_SHADE, line_width=0, layer="below", **where)


def lengths(told: Lengths, table: pd.DataFrame, ink: Ink) -> go.Figure:
    """How long the beats of each class are, class below class on one time axis, each as high as its own peak.

    Args:
        table: of ``class_table``, for the medians.
    """
    present = [label for label in range(len(CLASSES)) if told.share[label].any()]
    figure = make_subplots(max(len(present), 1), 1, shared_xaxes=True, vertical_spacing=0.035)
    edges = np.repeat(told.edges_ms, 2)[1:-1]
    for row, label in enumerate(present, start=1):
        name = CLASSES[label]
        steps = np.repeat(told.share[label], 2)
        figure.add_scatter(
            x=edges, y=steps, mode="lines", fill="tozeroy", name=name, line={"color": ink.trace, "width": 1.2},
            fillcolor=_faint(ink), hovertemplate=f"%{{y:.1%}} of the {name} beats<extra>%{{x:.0f}} ms</extra>", row=row, col=1,
        )  # fmt: skip
        median = float(table.loc[table["class"] == name, "median_ms"].iloc[0])
        figure.add_vline(median, line={"color": ink.noise, "width": 2}, row=row, col=1)
        figure.add_vline(END_MS, line={"color": ink.muted, "width": 1, "dash": "dot"}, row=row, col=1)
        figure.update_yaxes(range=[0, float(told.share[label].max()) * 1.08], row=row, col=1)
        figure.add_annotation(
            text=f"<b>{name}</b>  median {median:,.0f} ms", x=0, xref="x domain" if row == 1 else f"x{row} domain",
            y=1, yref="y domain" if row == 1 else f"y{row} domain", xanchor="left", yanchor="top", showarrow=False,
        )  # fmt: skip
    lay_out(figure, ink, 90 + 92 * len(present), showlegend=False, margin={"l": 8, "r": 16, "t": 24, "b": 56})
    figure.add_annotation(
        text="187 samples", x=END_MS, xref="x", y=1, yref="paper", xanchor="right", yanchor="bottom", showarrow=False,
        font={"color": ink.muted, "size": 11},
    )  # fmt: skip
    figure.update_xaxes(range=[0, END_MS + 30], dtick=200)
    _name_below(figure, "length, ms", ink)
    figure.update_yaxes(showticklabels=False, showgrid=False)
    return figure


def _faint(ink: Ink) -> str:
    red, green, blue = (int(ink.muted[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.28)"


def amplitudes(table: pd.DataFrame, ink: Ink) -> go.Figure:
    """Peak to peak of each record's beats in mV: the median as a dot, 5 % to 95 % of the beats as a line.

    Args:
        table: of ``record_table``.
    """
    styles = {
        "DS1, train": ("circle", ink.text),
        "DS2, test": ("square", ink.noise),
        "left out, paced": ("x", ink.muted),
    }
    figure = go.Figure()
    for part, (symbol, colour) in styles.items():
        own = table[table["part"] == part]
        median = own["median_mv"].to_numpy()
        figure.add_scatter(
            x=own["record"].to_numpy(), y=median, name=part, mode="markers",
            marker={"symbol": symbol, "color": colour, "size": 8},
            error_y={
                "array": own["high_mv"].to_numpy() - median, "arrayminus": median - own["low_mv"].to_numpy(),
                "color": colour, "thickness": 1.2, "width": 0,
            },
            customdata=own[["lead", "beats"]].to_numpy(),
            hovertemplate="record %{x}, %{customdata[0]}: %{y:.2f} mV<extra>%{customdata[1]:,} beats</extra>",
        )  # fmt: skip
    lay_out(figure, ink, 360)
    figure.update_xaxes(
        type="category", categoryorder="array", categoryarray=table["record"].tolist(), tickangle=-90, showgrid=False
    )
    figure.update_yaxes(title=axis_title(ink, "peak to peak, mV"), rangemode="tozero")
    return figure


def strip(told: Strip, ink: Ink) -> go.Figure:
    """A stretch of the record on ECG paper, 25 mm/s and 10 mm/mV, with its marks and the window of one beat."""
    begin, end = float(told.time_s[0]), float(told.time_s[-1])
    is_beat = told.labels != NO_BEAT
    low, high = np.floor(told.mv.min() * 2) / 2 - (0 if is_beat.all() else 0.5), np.ceil(told.mv.max() * 2) / 2 + 0.5
    figure = go.Figure()
    figure.add_vrect(
        told.start_s, told.kept_stop_s, fillcolor=ink.noise, opacity=0.16, line_width=0, layer="below"
    )  # fmt: skip
    if told.stop_s > told.kept_stop_s:
        figure.add_vrect(
            told.kept_stop_s, min(told.stop_s, end), fillcolor=ink.muted, opacity=0.16, line_width=0, layer="below"
        )
    figure.add_scatter(
        x=told.time_s, y=told.mv, mode="lines", line={"color": ink.trace, "width": 1.4}, name=told.lead,
        hovertemplate="%{x:.3f} s, %{y:.3f} mV<extra></extra>",
    )  # fmt: skip
    at_beat = np.isclose(told.mark_s, told.start_s) & is_beat
    figure.add_scatter(
        x=told.mark_s,
        y=np.where(is_beat, high - 0.25, low + 0.25),
        mode="text",
        text=[_mark_text(told, place, bool(at_beat[place])) for place in range(len(told.symbols))],
        textfont={
            "size": 14,
            "color": [ink.noise if chosen else ink.muted if told.labels[place] == NO_BEAT else ink.text
                      for place, chosen in enumerate(at_beat)],
        },
        hovertext=[_mark_hover(told, place) for place in range(len(told.symbols))],
        hovertemplate="%{hovertext}<extra></extra>",
        name="marks",
        cliponaxis=True,
    )  # fmt: skip
    px_per_mm = USUAL_WIDTH_PX / ((end - begin) * 25)
    height = int(np.clip((high - low) * 10 * px_per_mm, 230, 460)) + 86
    lay_out(
        figure, ink, height, margin={"l": 52, "r": 8, "t": 16, "b": 70}, plot_bgcolor=ink.paper, showlegend=False,
        uirevision=f"{told.record}:{told.start_s}",
    )  # fmt: skip
    _paper(figure, ink, begin, end, low, high)
    return figure


def _mark_text(told: Strip, place: int, chosen: bool) -> str:
    note = f" <i>{told.notes[place]}</i>" if told.notes[place] else ""
    return f"<b>{told.symbols[place]}</b>" if chosen else told.symbols[place] + note


def _mark_hover(told: Strip, place: int) -> str:
    label = told.labels[place]
    meaning = "marks no beat" if label == NO_BEAT else f"{CLASS_NAMES[CLASSES[label]]} ({CLASSES[label]})"
    return f"{told.symbols[place]} {told.notes[place]}: {meaning}<br>{clock(told.mark_s[place], 2)}"


def _paper(figure: go.Figure, ink: Ink, begin: float, end: float, low: float, high: float) -> None:
    grid = {"showgrid": True, "zeroline": False, "gridcolor": ink.bold, "gridwidth": 1, "showline": False}
    fine = {"showgrid": True, "gridcolor": ink.fine, "gridwidth": 1}
    # A bold line every 0.2 s, and every fifth of them, at each full second, says when; blank paper may follow.
    fifths = np.arange(int(np.ceil(begin * 5)), int(np.floor(end * 5)) + 40)
    figure.update_xaxes(
        **grid, minor={**fine, "dtick": 0.04, "tick0": 0}, range=[begin, end], constrain="range",
        constraintoward="left", tickmode="array", tickvals=fifths / 5,
        ticktext=["" if fifth % 5 else clock(fifth / 5) for fifth in fifths],
    )  # fmt: skip
    _name_below(figure, "time from the start of the record, min:s", ink)
    halves = np.arange(-40, 41)
    figure.update_yaxes(
        **grid, minor={**fine, "dtick": 0.1, "tick0": 0}, range=[low, high], scaleanchor="x", scaleratio=SECONDS_PER_MV,
        constrain="range", tickmode="array", tickvals=halves / 2, title=axis_title(ink, "mV"),
        ticktext=["" if half % 2 else f"{half // 2}" for half in halves],
    )  # fmt: skip


def clock(seconds: float, digits: int = 0) -> str:
    """Minutes and seconds: ``12:05`` or ``12:05.25``."""
    whole = round(seconds, digits)
    return f"{int(whole // 60)}:{whole % 60:0{digits + 3 if digits else 2}.{digits}f}"


def from_window(window_mv: np.ndarray, x: np.ndarray, length: int, ink: Ink) -> go.Figure:
    """Above, the window in mV at 360 Hz with every third sample marked; below, the 187 numbers made of them."""
    figure = _two_panels(ink, "in the record: 360 Hz, every third sample marked")
    shown = window_mv[: BEAT_LENGTH * DECIMATION]
    time_ms = np.arange(len(shown)) * (1000 / RECORD_FS_HZ)
    figure.add_scatter(
        x=time_ms, y=shown, mode="lines", line={"color": ink.trace, "width": 1},
        hovertemplate="%{x:.1f} ms, %{y:.3f} mV<extra>360 Hz</extra>", row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=time_ms[::DECIMATION], y=shown[::DECIMATION], mode="markers", marker={"color": ink.noise, "size": 4},
        hovertemplate="%{x:.1f} ms, %{y:.3f} mV<extra>120 Hz</extra>", row=1, col=1,
    )  # fmt: skip
    _add_numbers(figure, x, length, ink, row=2)
    return figure


def from_range(x: np.ndarray, mv_min: float, mv_range: float, length: int, ink: Ink) -> go.Figure:
    """The same without the record: above, the signal in mV as it follows from the numbers below and their range."""
    figure = _two_panels(ink, "the signal in mV, 120 Hz")
    figure.add_scatter(
        x=np.arange(length) * MS, y=mv_min + mv_range * x[:length], mode="lines", line={"color": ink.trace, "width": 1.4},
        hovertemplate="%{x:.1f} ms, %{y:.3f} mV<extra></extra>", row=1, col=1,
    )  # fmt: skip
    _add_numbers(figure, x, length, ink, row=2)
    return figure


def only_numbers(x: np.ndarray, length: int, ink: Ink) -> go.Figure:
    """The 187 numbers alone, where nothing else is known."""
    figure = make_subplots(1, 1, subplot_titles=[_NUMBERS_TITLE])
    _finish_panels(figure, ink, 300)
    _add_numbers(figure, x, length, ink, row=1)
    return figure


_NUMBERS_TITLE = "what the network gets: signal, then padding"


def _two_panels(ink: Ink, upper: str) -> go.Figure:
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.16, subplot_titles=[upper, _NUMBERS_TITLE])
    _finish_panels(figure, ink, 450)
    figure.update_yaxes(title=axis_title(ink, "mV"), row=1, col=1)
    return figure


def _finish_panels(figure: go.Figure, ink: Ink, height: int) -> None:
    figure.update_annotations(x=0, xanchor="left", font={"size": 13, "color": ink.text})
    lay_out(figure, ink, height, margin={"l": 8, "r": 16, "t": 30, "b": 56}, showlegend=False)
    figure.update_xaxes(range=[-10, END_MS + 10])
    _name_below(figure, "time after the mark, ms", ink)


def _add_numbers(figure: go.Figure, x: np.ndarray, length: int, ink: Ink, row: int) -> None:
    time_ms = np.arange(BEAT_LENGTH) * MS
    figure.add_scatter(
        x=time_ms[:length], y=x[:length], mode="lines+markers", line={"color": ink.noise, "width": 1},
        marker={"size": 4}, hovertemplate="%{x:.1f} ms, %{y:.3f}<extra></extra>", row=row, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=time_ms[length:], y=x[length:], mode="markers", marker={"color": ink.muted, "size": 4},
        hovertemplate="%{x:.1f} ms, padding<extra></extra>", row=row, col=1,
    )  # fmt: skip
    _shade_padding(figure, length, ink, row=row, col=1)  # after the traces: plotly shades no empty panel
    figure.update_yaxes(
        title=axis_title(ink, "0 to 1"), range=[-0.08, 1.08], tickvals=[0, 0.5, 1], row=row, col=1
    )  # fmt: skip


def beats_table(beats: Beats) -> pd.DataFrame:
    """The small beats' names and what is known of each, rounded as it should be read."""
    return pd.DataFrame(
        {
            "beat": beats.names(),
            "class": [CLASSES[label] for label in beats.y],
            "lead": beats.lead,
            "signal_samples": beats.length,
            "padding_samples": BEAT_LENGTH - beats.length,
            "mv_min": beats.mv_min.astype(float).round(3),
            "mv_range": beats.mv_range.astype(float).round(3),
            "cut_short": beats.cut_short,
            "truncated": beats.truncated,
        }
    )
