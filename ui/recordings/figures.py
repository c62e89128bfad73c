"""Figures of a recording that was read: a strip with its readings, and how like the training beats it is."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from nsr_core.beat.smallest_flip import LARGEST
from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.quality import REASONS
from nsr_core.recordings.result import NetworkReading, RecordingReading, rounded_down, rounded_up
from nsr_core.recordings.shifts import REACH_MS, SHIFTS
from ui import ecg, loaders
from ui.data.strip_figures import SPEED, USUAL_WIDTH_PX, clock, paper_in_seconds
from ui.parts import Part, note, upright
from ui.theme import Ink, axis, class_colour, layout, method_style, symbols

#: Heights in pixels: of a network's name with its row of readings, of the track below, between them, above and below all.
ROW_PX, TRACK_PX, GAP_PX, TOP_PX, FOOT_PX = 48, 150, 14, 34, 70
#: Of its row's height: where its boxes begin, below its name, and how high they are. Beside them a phone had no room for it.
BOXES = {"offset": -0.12, "width": 0.6}
NAME_AT = -0.31
PAPER_PX = (200, 420)
#: Narrower, the strip cannot be read.
STRIP_WIDTH_PX = 760
#: Steps of the distribution of distances that are drawn at most.
MOST_STEPS = 1000
#: Where a logarithmic axis of noise is labelled.
NOISE_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def strip(result: RecordingReading, start_s: float, seconds: float, ink: Ink) -> go.Figure:
    """From the top: the lead on ECG paper, each network's reading of each beat, the smallest noise that changes it.

    Args:
        start_s: where the strip begins in the recording; ``seconds``: how much it shows.
    """
    lead, stop_s = result.cut.lead, start_s + seconds
    first, last = (round((second - lead.start_s) * RECORD_FS_HZ) for second in (start_s, stop_s))
    signal = lead.signal[max(first, 0) : last]
    time_s = lead.start_s + (max(first, 0) + np.arange(len(signal))) / RECORD_FS_HZ
    low, high = _paper_range(signal, lead.in_mv)
    heights = _heights(high - low, seconds, len(result.networks), lead.in_mv)
    trace = {
        "type": "scatter",
        "x": time_s,
        "y": signal,
        "mode": "lines",
        "name": lead.name,
        "showlegend": False,
        "line": {"color": ink.trace, "width": 1.4},
        "hoverinfo": "skip",
    }
    data = [
        trace,
        _peaks(result, start_s, stop_s, ink),
        _deflections(result, start_s, stop_s, ink),
        *_ribbons(result, start_s, stop_s, ink),
    ]
    data += _track(result, start_s, stop_s, ink)
    axes = _axes(result, (start_s, stop_s), (low, high), heights, ink)
    if not any(np.isfinite(part["y"]).any() for part in data if part.get("yaxis") == "y3"):
        axes["yaxis3"] |= {"range": np.log10([NOISE_TICKS[0], NOISE_TICKS[-1]]).tolist()}
    look = ecg.paper_layout(ink, sum(heights) + 2 * GAP_PX + TOP_PX + FOOT_PX) | {
        "margin": {"l": 56, "r": 8, "t": TOP_PX, "b": FOOT_PX},
        "hovermode": "closest",
        "barmode": "overlay",
        "annotations": [_row_name(loaders.title(name), row, ink) for row, name in enumerate(result.networks)],
        "uirevision": f"{result.cut.key}:{start_s}",
    }
    return go.Figure({"data": data, "layout": look | axes})


def _paper_range(signal: np.ndarray, in_mv: bool) -> tuple[float, float]:
    if in_mv:
        return float(np.floor(signal.min() * 2) / 2), float(np.ceil(signal.max() * 2) / 2 + 0.25)
    room = 0.1 * max(float(np.ptp(signal)), 1e-9)
    return float(signal.min()) - room, float(signal.max()) + room


def _heights(spread: float, seconds: float, networks: int, in_mv: bool) -> tuple[int, int, int]:
    px_per_mm = USUAL_WIDTH_PX / (seconds * SPEED)
    paper = int(np.clip(spread / ecg.MV_PER_MM * px_per_mm, *PAPER_PX)) if in_mv else PAPER_PX[0] + 60
    return paper, ROW_PX * networks, TRACK_PX


def _axes(
    result: RecordingReading,
    seconds: tuple[float, float],
    y: tuple[float, float],
    heights: tuple[int, int, int],
    ink: Ink,
) -> dict[str, Part]:
    """Three panels on one time axis, each as high as it should be."""
    paper, rows, track = heights
    whole = paper + rows + track + 2 * GAP_PX
    axes = paper_in_seconds(ink, seconds, y)
    in_mv = result.cut.lead.in_mv
    if not in_mv:
        axes["yaxis"] = axis(ink, "unit not known", range=y, showgrid=False)
    unit = "mV" if in_mv else "of the beat's range"
    axes["xaxis"] |= {"anchor": "y3"}
    axes["yaxis"] |= {"domain": [(track + rows + 2 * GAP_PX) / whole, 1]}
    axes["yaxis2"] = axis(
        ink,
        domain=[(track + GAP_PX) / whole, (track + GAP_PX + rows) / whole],
        range=[len(result.networks) - 0.5, -0.5],
        showticklabels=False,
        showgrid=False,
        fixedrange=True,
    )
    axes["yaxis3"] = axis(
        ink, f"changed by, {unit}", domain=[0, track / whole], type="log", fixedrange=True, tickvals=NOISE_TICKS
    )
    return axes


def within(result: RecordingReading, start_s: float, stop_s: float) -> np.ndarray:
    """Which of the usable beats begin in the stretch."""
    time_s = result.cut.time_s[result.cut.row]
    return np.flatnonzero((time_s >= start_s) & (time_s < stop_s))


def _peaks(result: RecordingReading, start_s: float, stop_s: float, ink: Ink) -> Part:
    """A mark on each beat: filled where it was read, a cross where it was left out."""
    cut = result.cut
    shown = np.flatnonzero((cut.time_s >= start_s) & (cut.time_s < stop_s))
    used = cut.reason[shown] == ""
    return {
        "type": "scatter",
        "x": cut.time_s[shown],
        "y": cut.lead.signal[cut.sample[shown]],
        "mode": "markers",
        "name": "beats",
        "showlegend": False,
        "marker": {
            "symbol": np.where(used, "circle", "x").tolist(),
            "size": np.where(used, 6, 9).tolist(),
            "color": np.where(used, ink.noise, ink.attacked).tolist(),
        },
        "hovertext": [
            f"{clock(at, 2)}" + (f"<br>left out: {REASONS[reason]}" if reason else "")
            for at, reason in zip(cut.time_s[shown].tolist(), cut.reason[shown].tolist(), strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _deflections(result: RecordingReading, start_s: float, stop_s: float, ink: Ink) -> Part:
    """A question mark at each large deflection that is no beat's."""
    cut = result.cut
    shown = (cut.unclassified_s >= start_s) & (cut.unclassified_s < stop_s)
    return {
        "type": "scatter",
        "x": cut.unclassified_s[shown],
        "y": cut.lead.signal[cut.unclassified[shown]],
        "mode": "text",
        "name": "not classified",
        "showlegend": False,
        "text": ["<b>?</b>"] * int(shown.sum()),
        "textfont": {"size": 18, "color": ink.attacked},
        "hovertext": ["large, and not classified"] * int(shown.sum()),
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _ribbons(result: RecordingReading, start_s: float, stop_s: float, ink: Ink) -> list[Part]:
    """Each network's readings as a row of boxes, from each beat to the next: colour, letter, probability."""
    rows, time_s = within(result, start_s, stop_s), result.cut.time_s
    begin = time_s[result.cut.row[rows]]
    following = np.minimum(result.cut.row[rows] + 1, len(time_s) - 1)
    length = np.where(time_s[following] > begin, time_s[following] - begin, 0.8)
    return [
        {
            "type": "bar",
            "orientation": "h",
            **BOXES,
            "base": begin,
            "x": np.minimum(length, 3.0),
            "y": np.full(len(rows), place),
            "yaxis": "y2",
            "showlegend": False,
            "name": loaders.title(name),
            "customdata": rows,
            "marker": {
                "color": [class_colour(CLASSES[label], ink) for label in reading.label[rows].tolist()],
                "line": {"width": 1, "color": ink.page},
            },
            "text": [
                f"<b>{CLASSES[label]}</b> {p:.0%}"
                for label, p in zip(
                    reading.label[rows].tolist(), reading.probability[rows].max(axis=1).tolist(), strict=True
                )
            ],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "textfont": {"color": ink.text, "size": 11},
            "hovertext": hover(result, reading, rows),
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for place, (name, reading) in enumerate(result.networks.items())
    ]


def _row_name(title: str, row: int, ink: Ink) -> Part:
    """A network's name above its row of readings."""
    font = {"color": ink.muted, "size": 12}
    return note(title, 0, row + NAME_AT, xref="paper", yref="y2", xanchor="left", yanchor="middle", font=font)


def hover(result: RecordingReading, reading: NetworkReading, rows: np.ndarray) -> list[str]:
    """What is said where one of these beats is pointed at."""
    spread = result.cut.beats.mv_range
    return [
        f"{clock(float(result.cut.time_s[result.cut.row[row]]), 2)}: {CLASS_NAMES[CLASSES[reading.label[row]]]}, "
        f"{reading.probability[row].max():.1%}<br>{noise_in_words(reading, row, float(spread[row]))}"
        for row in rows.tolist()
    ]


def cut_in_words(reading: NetworkReading, row: int, spread_mv: float) -> str:
    """At how many cuts a beat is read alike, and under how much noise at all of them, in words."""
    stands, proved = int(reading.stands_over[row]), float(reading.certified_cuts[row])
    if stands < len(SHIFTS):
        return f"read alike at {stands} of the {len(SHIFTS)} cuts within ±{REACH_MS:.0f} ms"
    words = f"stands for every cut within ±{REACH_MS:.0f} ms"
    if not proved > 0:
        return words
    level = (
        f"{rounded_down(proved * spread_mv, 3):.3f} mV"
        if np.isfinite(spread_mv)
        else f"{rounded_down(proved, 3):.3f} of the range"
    )
    return f"{words} and any noise up to {level}"


def noise_in_words(reading: NetworkReading, row: int, mv_range: float) -> str:
    """The smallest noise that changed a reading, in words."""
    eps = float(reading.flips_at[row])
    if not reading.searched[row]:
        return "the smallest noise that changes it was not searched"
    if not np.isfinite(eps):
        return f"no noise up to {LARGEST:g} of its range was found to change it"
    mv = f" (±{rounded_up(eps * mv_range, 3):.3f} mV)" if np.isfinite(mv_range) else ""
    return f"changed by ±{rounded_up(eps, 4):.4f} of its range{mv}"


def _track(result: RecordingReading, start_s: float, stop_s: float, ink: Ink) -> list[Part]:
    """For each network the smallest noise that changes each reading; where it was asked for, a line up from what is proved."""
    rows = within(result, start_s, stop_s)
    scale = result.cut.beats.mv_range[rows].astype(float) if result.cut.lead.in_mv else np.ones(len(rows))
    x, parts = result.cut.time_s[result.cut.row[rows]], []
    methods = [loaders.checkpoint(name).config.method for name in result.networks]
    for (name, reading), method, symbol in zip(result.networks.items(), methods, symbols(methods), strict=True):
        colour = method_style(method).colour(ink)
        found, proved = reading.flips_at[rows] * scale, reading.certified[rows] * scale
        known = proved > 0
        marker = {"symbol": symbol, "size": 9, "color": colour}
        parts.append(
            {
                "type": "scatter",
                "x": x,
                "y": found,
                "yaxis": "y3",
                "mode": "markers",
                "name": loaders.title(name),
                "customdata": rows,
                "marker": marker,
                "hovertext": hover(result, reading, rows),
                "hovertemplate": "%{hovertext}<extra></extra>",
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": np.zeros(len(rows)),
                    "arrayminus": np.where(known, found - proved, 0),
                    "color": colour,
                    "thickness": 1.5,
                    "width": 3,
                    "visible": bool(known.any()),
                },
            }
        )
    return parts


def round_times(start_s: float, stop_s: float) -> list[float]:
    """Some six round times in a stretch."""
    step = next(
        (
            each
            for each in (5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800)
            if (stop_s - start_s) / each <= 7
        ),
        14400,
    )
    return (np.arange(np.ceil(start_s / step), np.floor(stop_s / step) + 1) * step).tolist()


def likeness(result: RecordingReading, levels: Sequence[float], quantiles: np.ndarray, ink: Ink) -> go.Figure:
    """How unlike the training beats these beats are, beside held-out beats of the training records.

    Args:
        levels, quantiles: shares of the held-out beats and their distances.
    """
    count = len(result.unlikeness)
    rank = np.unique(np.linspace(0, count - 1, min(count, MOST_STEPS)).round().astype(int))
    own = {
        "type": "scatter",
        "x": np.sort(result.unlikeness)[rank],
        "y": (rank + 1) / max(count, 1),
        "name": "this recording",
        "mode": "lines",
        "line": {"color": ink.attacked, "width": 2.5, "shape": "hv"},
        "hovertemplate": "%{y:.0%} below %{x:.2f}<extra></extra>",
    }
    held_out = {
        "type": "scatter",
        "x": quantiles,
        "y": np.asarray(levels),
        "name": "held-out beats of the training records",
        "mode": "lines",
        "line": {"color": ink.trace, "width": 1.5, "dash": "dash"},
        "hovertemplate": "%{y:.0%} below %{x:.2f}<extra></extra>",
    }
    most = float(max(result.unlike_from * 1.6, np.quantile(result.unlikeness, 0.995)))
    x = axis(ink, "distance to the nearest cluster of training beats", range=[0, most])
    y = axis(ink, "share of the beats below", range=[0, 1.03], tickformat=".0%")
    line = upright(result.unlike_from, ink.muted)
    words = {
        "text": "unlike from here",
        "x": result.unlike_from,
        "y": 0.06,
        "yref": "paper",
        "xanchor": "left",
        "showarrow": False,
        "font": {"color": ink.muted, "size": 12},
    }
    return go.Figure(
        {"data": [held_out, own], "layout": layout(ink, 340, xaxis=x, yaxis=y, shapes=[line], annotations=[words])}
    )
