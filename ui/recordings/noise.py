"""The smallest noise that changes each reading, over a part of a recording."""

import numpy as np
import plotly.graph_objects as go

from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.recordings.overview import first_of_each
from nsr_core.recordings.result import NetworkReading, RecordingReading
from ui.data.strip_figures import clock
from ui.parts import Part, upright
from ui.recordings.figures import NOISE_TICKS, hover, round_times, within
from ui.theme import Ink, axis, class_colour, layout

LEFT_OUT = "left out"
#: Beats drawn at most: those of the part that is shown of a long recording at 100 a minute.
MOST = 3000


def noise_over_time(
    result: RecordingReading, network: str, part: tuple[float, float], shown: tuple[float, float], ink: Ink
) -> go.Figure:
    """For each beat of a part the smallest noise that changes one network's reading, by class.

    Args:
        part, shown: start and stop, in seconds, of the part, and of what the strip shows.
    """
    reading, cut = result.networks[network], result.cut
    time_s, value = cut.time_s[cut.row], result.noise(network)
    rows = _drawn(within(result, *part), time_s, value, part)
    data = [
        _of_class(result, reading, time_s, value, rows[reading.label[rows] == label], ink)
        for label in range(len(CLASSES))
        if (reading.label[rows] == label).any()
    ]
    out = cut.time_s[(cut.reason != "") & (cut.time_s >= part[0]) & (cut.time_s < part[1])]
    out = out[first_of_each(out, part[0], part[1] - part[0], MOST // 4)]
    if len(out):
        data.append(
            {
                "type": "scatter",
                "x": out,
                "y": np.full(len(out), np.nanmin(value[rows]) if np.isfinite(value[rows]).any() else 1),
                "mode": "markers",
                "name": LEFT_OUT,
                "marker": {"symbol": "x-thin-open", "size": 7, "color": ink.muted},
                "hovertemplate": "%{x:.1f} s, left out<extra></extra>",
            }
        )
    ticks = round_times(*part)
    x = axis(
        ink, "time from the start of the recording", range=part, tickvals=ticks, ticktext=[clock(at) for at in ticks]
    )
    unit = "mV" if cut.lead.in_mv else "of the beat's range"
    y = axis(ink, f"smallest noise found that changes the reading, ± {unit}", type="log", tickvals=NOISE_TICKS)
    lines = [upright(at, ink.noise) for at in shown]
    return go.Figure(
        {
            "data": data,
            "layout": layout(
                ink, 360, xaxis=x, yaxis=y, shapes=lines, hovermode="closest", uirevision=f"{cut.key}:{part}"
            ),
        }
    )


def _drawn(rows: np.ndarray, time_s: np.ndarray, value: np.ndarray, part: tuple[float, float]) -> np.ndarray:
    """The rows, or where they are too many the most fragile in each of ``MOST`` equal parts."""
    if len(rows) <= MOST:
        return rows
    rows = rows[np.isfinite(value[rows])]
    by_noise = rows[np.argsort(value[rows], kind="stable")]
    return np.sort(by_noise[first_of_each(time_s[by_noise], part[0], part[1] - part[0], MOST)])


def _of_class(
    result: RecordingReading, reading: NetworkReading, time_s: np.ndarray, value: np.ndarray, rows: np.ndarray, ink: Ink
) -> Part:
    label = int(reading.label[rows[0]])
    # Filled circles hold; the darker colour of the class, so that small dots stand out on the page.
    colour = class_colour(CLASSES[label], ink)
    return {
        "type": "scatter",
        "x": time_s[rows],
        "y": value[rows],
        "mode": "markers",
        "name": f"{CLASSES[label]} {CLASS_NAMES[CLASSES[label]]}",
        "customdata": rows,
        "marker": {
            "size": 9,
            "color": colour,
            "symbol": _SYMBOLS[label],
            "line": {"width": 1, "color": ink.text},
        },
        "hovertext": hover(result, reading, rows),
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


_SYMBOLS = ("circle", "triangle-up", "square", "diamond", "cross")
