"""Figures of one beat's origin: the strip of its record on ECG paper, and how 187 numbers were made of it."""

import numpy as np
import plotly.graph_objects as go

from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.data.beats import BEAT_LENGTH, DECIMATION, RECORD_FS_HZ
from nsr_core.data.strip import NO_BEAT, Strip
from ui import ecg
from ui.data.figures import END_MS, MS, padding
from ui.parts import Part, note, panel, stack, stretch
from ui.theme import Ink, axis, axis_title, layout

#: Paper speed in mm/s.
SPEED = 25
#: The narrowest strip on which a millimetre can still be seen: a phone scrolls over it sideways.
STRIP_WIDTH_PX = 900
#: For which width the strip's height is chosen; it stays square on any.
USUAL_WIDTH_PX = 1180
_NUMBERS = "what the network gets: signal, then padding"


def strip(result: Strip, ink: Ink) -> go.Figure:
    """A stretch of the record on ECG paper, 25 mm/s and 10 mm/mV, with its marks and the window of one beat."""
    begin, end = float(result.time_s[0]), float(result.time_s[-1])
    other_marks = bool((result.labels == NO_BEAT).any())
    low = np.floor(result.mv.min() * 2) / 2 - (0.5 if other_marks else 0)
    high = np.ceil(result.mv.max() * 2) / 2 + 0.5
    window = [stretch(result.start_s, result.kept_stop_s, ink.noise, 0.16)]
    if result.stop_s > result.kept_stop_s:
        window.append(stretch(result.kept_stop_s, min(result.stop_s, end), ink.muted, 0.16))
    trace = {
        "type": "scatter",
        "x": result.time_s,
        "y": result.mv,
        "mode": "lines",
        "name": result.lead,
        "line": {"color": ink.trace, "width": 1.4},
        "hovertemplate": "%{x:.3f} s, %{y:.3f} mV<extra></extra>",
    }
    px_per_mm = USUAL_WIDTH_PX / ((end - begin) * SPEED)
    height = int(np.clip((high - low) / ecg.MV_PER_MM * px_per_mm, 230, 460)) + 80
    look = ecg.paper_layout(ink, height) | {
        "margin": {"l": 52, "r": 8, "t": 16, "b": 64},
        "showlegend": False,
        "hovermode": "closest",
        "shapes": window,
        "uirevision": f"{result.record}:{result.start_s}",
    }
    data = [trace, _marks(result, low + 0.25, high - 0.25, ink)]
    return go.Figure({"data": data, "layout": look | paper_in_seconds(ink, (begin, end), (low, high))})


def _marks(result: Strip, low: float, high: float, ink: Ink) -> Part:
    """The cardiologists' letters: those of beats above the trace, the others below it."""
    is_beat = result.labels != NO_BEAT
    chosen = np.isclose(result.mark_s, result.start_s) & is_beat
    colours = np.where(chosen, ink.noise, np.where(is_beat, ink.text, ink.muted))
    return {
        "type": "scatter",
        "x": result.mark_s,
        "y": np.where(is_beat, high, low),
        "mode": "text",
        "name": "marks",
        "text": [_mark_text(result, place, bool(chosen[place])) for place in range(len(result.symbols))],
        "textfont": {"size": 14, "color": colours.tolist()},
        "cliponaxis": True,
        "hovertext": [_mark_hover(result, place) for place in range(len(result.symbols))],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _mark_text(result: Strip, place: int, chosen: bool) -> str:
    if chosen:
        return f"<b>{result.symbols[place]}</b>"
    return result.symbols[place] + (f" <i>{result.notes[place]}</i>" if result.notes[place] else "")


def _mark_hover(result: Strip, place: int) -> str:
    label = result.labels[place]
    meaning = "marks no beat" if label == NO_BEAT else f"{CLASS_NAMES[CLASSES[label]]} ({CLASSES[label]})"
    return f"{result.symbols[place]} {result.notes[place]}: {meaning}<br>{clock(result.mark_s[place], 2)}"


def paper_in_seconds(ink: Ink, seconds: tuple[float, float], mv: tuple[float, float]) -> dict[str, Part]:
    """The axes of ECG paper with the recording's own time: a bold line every 0.2 s, the time at each full second."""
    x, y = ecg.paper_axes(ink, True, SPEED)
    # Blank paper may follow on the right, above and below: lines for it too.
    fifths = np.arange(int(np.ceil(seconds[0] * 5)), int(np.floor(seconds[1] * 5)) + 40)
    halves = np.arange(-40, 41)
    x |= {
        "range": seconds,
        "minor": x["minor"] | {"dtick": x["minor"]["dtick"] / 1000, "tick0": 0},
        "tickmode": "array",
        "tickvals": fifths / 5,
        "ticktext": ["" if fifth % 5 else clock(fifth / 5) for fifth in fifths],
        "ticklabelstep": 1,
        "title": axis_title(ink, "time from the start of the recording, min:s"),
    }
    y |= {
        "range": mv,
        "scaleratio": y["scaleratio"] / 1000,
        "tickmode": "array",
        "tickvals": halves / 2,
        "ticktext": ["" if half % 2 else f"{half // 2}".replace("-", "\N{MINUS SIGN}") for half in halves],
        "title": axis_title(ink, "mV"),
    }
    return {"xaxis": x, "yaxis": y}


def clock(seconds: float, digits: int = 0) -> str:
    """Minutes and seconds, from an hour on hours before them: ``12:05``, ``12:05.25`` or ``7:12:05``."""
    whole = round(seconds, digits)
    minutes = int(whole // 60)
    before = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else str(minutes)
    return f"{before}:{whole % 60:0{digits + 3 if digits else 2}.{digits}f}"


def from_window(window_mv: np.ndarray, x: np.ndarray, length: int, ink: Ink) -> go.Figure:
    """Above, the window in mV at 360 Hz with every third sample marked; below, the 187 numbers made of them."""
    shown = window_mv[: BEAT_LENGTH * DECIMATION]
    time_ms = np.arange(len(shown)) * (1000 / RECORD_FS_HZ)
    every = {
        "type": "scatter",
        "x": time_ms,
        "y": shown,
        "mode": "lines",
        "line": {"color": ink.trace, "width": 1},
        "hovertemplate": "%{x:.1f} ms, %{y:.3f} mV<extra>360 Hz</extra>",
    }
    third = {
        "type": "scatter",
        "x": time_ms[::DECIMATION],
        "y": shown[::DECIMATION],
        "mode": "markers",
        "marker": {"color": ink.noise, "size": 4},
        "hovertemplate": "%{x:.1f} ms, %{y:.3f} mV<extra>120 Hz</extra>",
    }
    return _panels([every, third], ["in the record: 360 Hz, every third sample marked", _NUMBERS], x, length, ink)


def from_range(x: np.ndarray, mv_min: float, mv_range: float, length: int, ink: Ink) -> go.Figure:
    """The same without the record: above, the signal in mV as it follows from the numbers below and their range."""
    signal = {
        "type": "scatter",
        "x": np.arange(length) * MS,
        "y": mv_min + mv_range * x[:length],
        "mode": "lines",
        "line": {"color": ink.trace, "width": 1.4},
        "hovertemplate": "%{x:.1f} ms, %{y:.3f} mV<extra></extra>",
    }
    return _panels([signal], ["the signal in mV, 120 Hz", _NUMBERS], x, length, ink)


def only_numbers(x: np.ndarray, length: int, ink: Ink) -> go.Figure:
    """The 187 numbers alone, where nothing else is known."""
    return _panels([], [_NUMBERS], x, length, ink)


def _panels(upper: list[Part], titles: list[str], x: np.ndarray, length: int, ink: Ink) -> go.Figure:
    """The numbers in the lowest panel, each panel under its title."""
    lowest = panel(len(titles) - 1)
    time = axis(ink, "time after the mark, ms", range=[-10, END_MS + 10])
    ys = [axis(ink, "mV")] * (len(titles) - 1) + [axis(ink, "0 to 1", range=[-0.08, 1.08], tickvals=[0, 0.5, 1])]
    place = {"xref": "paper", "xanchor": "left", "yanchor": "bottom", "font": {"size": 13, "color": ink.text}}
    words = [note(title, 0, 1, yref=f"{panel(at)} domain", **place) for at, title in enumerate(titles)]
    look = layout(
        ink,
        100 + 180 * len(titles),
        {"t": 30},
        showlegend=False,
        annotations=words,
        shapes=padding(length, ink, f"{lowest} domain"),
    )
    data = [*upper, *_numbers(x, length, lowest, ink)]
    return go.Figure({"data": data, "layout": look | stack(time, ys, 0.16)})


def _numbers(x: np.ndarray, length: int, yaxis: str, ink: Ink) -> list[Part]:
    time_ms = np.arange(BEAT_LENGTH) * MS
    signal = {
        "type": "scatter",
        "x": time_ms[:length],
        "y": x[:length],
        "yaxis": yaxis,
        "mode": "lines+markers",
        "line": {"color": ink.noise, "width": 1},
        "marker": {"size": 4},
        "hovertemplate": "%{x:.1f} ms, %{y:.3f}<extra></extra>",
    }
    zeros = {
        "type": "scatter",
        "x": time_ms[length:],
        "y": x[length:],
        "yaxis": yaxis,
        "mode": "markers",
        "marker": {"color": ink.muted, "size": 4},
        "hovertemplate": "%{x:.1f} ms, padding<extra></extra>",
    }
    return [signal, zeros]
