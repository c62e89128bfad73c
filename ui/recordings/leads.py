"""All leads of a recording on one paper, as a cardiograph prints them, and the heart rate over the whole stretch."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nsr_core.recordings.leads import Place, arrange, heart_rate
from nsr_core.recordings.recording import MV_PER_UNIT, Channel, Recording
from nsr_core.recordings.result import RecordingReading
from ui import chart, ecg
from ui.data.strip_figures import SPEED, USUAL_WIDTH_PX, clock, paper_in_seconds
from ui.parts import Part, note
from ui.recordings.figures import STRIP_WIDTH_PX, round_times
from ui.theme import Ink, axis, ink, layout

#: What a printout shows, and room on its left for the pulse of 1 mV and 200 ms.
SECONDS, PULSE_ROOM = 10.0, 0.5
#: Rows are at least so far apart, in mV, and at most: a lead that is far off may cross its neighbours, as on paper.
ROW_MV = (1.5, 5.0)
#: Of more intervals than these every second is drawn, or every third, ...
MOST_RATES = 2000
#: More rows than these are not drawn.
MOST_ROWS = 12


def show(recording: Recording, result: RecordingReading, start_s: float) -> None:
    """The leads from where the strip begins; nothing where there is one lead only, or no unit is known."""
    channels = {each.name: each for each in recording.channels if each.unit in MV_PER_UNIT and each.fs_hz}
    if len(channels) < 2 or result.cut.lead.name not in channels:
        return
    with st.expander(f"All {len(channels)} leads", icon=":material/view_list:", expanded=len(channels) >= 12):
        places = [place for place in arrange(list(channels), result.cut.lead.name) if place.row < MOST_ROWS]
        signals = {name: _stretch(channels[name], start_s) for name in {place.name for place in places}}
        with chart.roll("own_strip_roll_leads", STRIP_WIDTH_PX):
            chart.draw(
                printout(places, signals, result.cut.lead.name, start_s, ink()),
                key="own_leads",
                alt=f"{', '.join(dict.fromkeys(place.name for place in places))} on ECG paper from {clock(start_s)}.",
            )
        twelve = any(place.stop - place.start < 1 for place in places)
        st.caption(
            "25 mm/s, 10 mm/mV; on the left the pulse of 1 mV and 200 ms. "
            + ("Each column is the 2.5 s after the one before it; below, the lead that is read. " if twelve else "")
            + "The lead that the networks read is blue."
        )


def _stretch(channel: Channel, start_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Time and mV of the seconds that are printed."""
    assert channel.fs_hz is not None
    first = max(round(start_s * channel.fs_hz), 0)
    signal = np.asarray(channel.signal[first : first + round(SECONDS * channel.fs_hz)], float)
    return start_s + np.arange(len(signal)) / channel.fs_hz, signal * MV_PER_UNIT[channel.unit]


def printout(
    places: Sequence[Place],
    signals: Mapping[str, tuple[np.ndarray, np.ndarray]],
    chosen: str,
    start_s: float,
    colours: Ink,
) -> go.Figure:
    """Leads in rows on ECG paper, each about its median.

    Args:
        signals: by lead: times in seconds and (n,) mV, NaN where missing.
        chosen: the lead that stands out.
    """
    rows = max(place.row for place in places) + 1
    spreads = [np.ptp(mv[np.isfinite(mv)]) for _, mv in signals.values() if np.isfinite(mv).any()]
    apart = float(np.clip(np.ceil(2 * np.quantile(spreads or [1.0], 0.75)) / 2, *ROW_MV))
    data: list[Part] = [_pulses(rows, apart, start_s, colours)]
    names, high = [], 0.7 * apart
    for place in places:
        time_s, mv = signals[place.name]
        base = -place.row * apart
        shown = (time_s >= start_s + SECONDS * place.start) & (time_s < start_s + SECONDS * place.stop)
        middle = np.nanmedian(mv[shown]) if np.isfinite(mv[shown]).any() else 0.0
        if place.row == 0 and np.isfinite(mv[shown]).any():
            high = min(max(high, float(np.nanmax(mv[shown])) - middle + 0.2), ROW_MV[1])
        is_chosen = place.name == chosen
        data.append(
            {
                "type": "scatter",
                "x": time_s[shown],
                "y": base + mv[shown] - middle,
                "mode": "lines",
                "name": place.name,
                "customdata": mv[shown],
                "line": {"color": colours.noise if is_chosen else colours.trace, "width": 1.8 if is_chosen else 1.2},
                "hovertemplate": f"%{{x:.2f}} s, %{{customdata:.2f}} mV<extra>{place.name}</extra>",
            }
        )
        at = start_s + SECONDS * place.start
        label = {"xanchor": "left", "font": {"color": colours.text}, "xshift": 6}
        names.append(note(f"<b>{place.name}</b>", at, base + 0.42 * apart, **label))
    low = -(rows - 0.4) * apart
    width_s = SECONDS + PULSE_ROOM
    height = int((high - low) / ecg.MV_PER_MM * USUAL_WIDTH_PX / (width_s * SPEED)) + 90
    look = ecg.paper_layout(colours, height) | {
        "margin": {"l": 12, "r": 8, "t": 12, "b": 64},
        "showlegend": False,
        "hovermode": "closest",
        "annotations": names,
        "uirevision": f"leads:{start_s}",
    }
    axes = paper_in_seconds(colours, (start_s - PULSE_ROOM, start_s + SECONDS), (low, high))
    axes["yaxis"] |= {"showticklabels": False, "title": {"text": ""}}
    return go.Figure({"data": data, "layout": look | axes})


def _pulses(rows: int, apart: float, start_s: float, colours: Ink) -> Part:
    """The pulse of 1 mV and 200 ms before each row."""
    x, y = [], []
    for row in range(rows):
        base, begin = -row * apart, start_s - PULSE_ROOM + 0.1
        x += [begin, begin + 0.1, begin + 0.1, begin + 0.3, begin + 0.3, begin + 0.4, None]
        y += [base, base, base + 1, base + 1, base, base, None]
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"color": colours.text, "width": 1.4},
        "hoverinfo": "skip",
    }


def show_rate(result: RecordingReading, part: tuple[float, float]) -> None:
    """The heart rate from beat to beat, and what can be said of it in short; ``part``: from when to when, in seconds."""
    time_s = result.cut.time_s
    time_s, rate = heart_rate(time_s[(time_s >= part[0]) & (time_s <= part[1])])
    if len(rate) < 3:
        return
    low, middle, high = np.percentile(rate, (5, 50, 95))
    st.markdown(f"#### Heart rate: {middle:.0f} a minute")
    chart.draw(
        rate_figure(time_s, rate, part, ink()),
        key="own_rate",
        alt=f"Heart rate from beat to beat: median {middle:.0f}, nine of ten between {low:.0f} and {high:.0f} a minute.",
    )
    st.caption(
        f"From each beat found to the next; nine of ten lie between {low:.0f} and {high:.0f}. R-R intervals below 0.24 s or above "
        f"3 s are left out. Median R-R {60 / middle:.2f} s."
    )


def rate_figure(time_s: np.ndarray, rate: np.ndarray, part: tuple[float, float], colours: Ink) -> go.Figure:
    """Beats a minute from beat to beat, and the running median of 15, over a part of the recording."""
    half = 7
    padded = np.pad(rate, half, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    shown = slice(None, None, -(-len(rate) // MOST_RATES))
    data = [
        {
            "type": "scatter",
            "x": time_s[shown],
            "y": rate[shown],
            "mode": "markers",
            "name": "from beat to beat",
            "marker": {"size": 4, "color": colours.muted},
            "hovertemplate": "%{x:.1f} s: %{y:.0f} a minute<extra></extra>",
        },
        {
            "type": "scatter",
            "x": time_s[shown],
            "y": smooth[shown],
            "mode": "lines",
            "name": "median of 15",
            "line": {"color": colours.noise, "width": 2},
            "hoverinfo": "skip",
        },
    ]
    ticks = round_times(*part)
    x = axis(
        colours,
        "time from the start of the recording",
        range=part,
        tickvals=ticks,
        ticktext=[clock(at) for at in ticks],
    )
    y = axis(colours, "beats a minute", rangemode="tozero")
    return go.Figure({"data": data, "layout": layout(colours, 260, xaxis=x, yaxis=y, hovermode="closest")})
