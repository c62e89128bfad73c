"""The beat in its recording: a strip of its neighbours with its window marked, the lead, the intervals and the rate."""

from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nsr_core.beat.context import Context, record_context
from nsr_core.data import Beats
from nsr_core.data.strip import find_records
from nsr_core.errors import UserError
from nsr_core.recordings.beats import SOURCE
from nsr_core.recordings.context import own_context
from ui import chart, ecg, own, sources
from ui.memo import memo_for
from ui.parts import stretch
from ui.theme import Ink, axis_title

SPEED = 25
#: For which width the strip's height is chosen; it stays square on any.
USUAL_WIDTH_PX = 860


def show(beats: Beats, row: int, colours: Ink) -> None:
    """The strip, of beats whose recording is at hand; of others nothing."""
    context = _find(beats, row)
    if context is None:
        return
    strip, facts = st.columns([4, 1], vertical_alignment="center")
    with strip:
        chart.draw(figure(context, colours), key="context", alt=_alt(context))
    facts.markdown(_facts(context))


def _find(beats: Beats, row: int) -> Context | None:
    if beats.source == SOURCE:
        return own_context(own.reading().cut, row)
    if beats.source != "mitbih":
        return None
    try:
        folder = find_records(sources.root_of(beats.source))
        read = partial(record_context, folder, str(beats.record[row]), int(beats.sample[row]))
        return memo_for(beats.source).get(("context", str(folder), beats.name(row)), read)
    except UserError:
        return None  # the cut beats are kept apart from the records, so they may be here alone


def figure(context: Context, colours: Ink) -> go.Figure:
    """The strip on ECG paper at 25 mm/s; time counts from the beat's mark."""
    time_ms = 1000 * (context.time_s - context.start_s)
    beat_ms = 1000 * (context.beat_s - context.start_s)
    low, high = float(context.signal.min()), float(context.signal.max())
    room = 0.12 * max(high - low, 1e-9)
    low, high = low - room, high + 2 * room
    x, y = ecg.paper_axes(colours, context.in_mv, SPEED)
    if not context.in_mv:
        y |= {"dtick": None, "minor": None}
    unit = "mV" if context.in_mv else "amplitude"
    marks = {
        "type": "scatter",
        "x": beat_ms,
        "y": np.full(len(beat_ms), high - room / 2),
        "mode": "text",
        "text": [f"<b>{symbol or '▾'}</b>" if at == context.at else symbol or "▾" for at, symbol in _marks(context)],
        "textfont": {"color": [colours.noise if at == context.at else colours.text for at, _ in _marks(context)]},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    window = stretch(0, 1000 * (context.stop_s - context.start_s), colours.noise, 0.16)
    axes = {
        "xaxis": x
        | {"range": [time_ms[0], time_ms[-1]], "tick0": 0}
        | ({"constrain": "domain", "constraintoward": "left"} if context.in_mv else {})
        | {"title": axis_title(colours, f"ms from the beat's mark{ecg.result_scale(context.in_mv, SPEED)}")},
        "yaxis": y | {"range": [low, high], "title": axis_title(colours, unit)},
    }
    height = _height_px(time_ms[-1] - time_ms[0], high - low) if context.in_mv else 260
    look: dict[str, Any] = ecg.paper_layout(colours, height) | {
        "margin": {"l": 52, "r": 8, "t": 8, "b": 60},
        "showlegend": False,
        "shapes": [window],
        "uirevision": f"context {context.start_s}",
    }
    trace = ecg.line(time_ms, context.signal, context.lead, colours.trace, unit)
    return go.Figure({"data": [trace | {"line": {"color": colours.trace, "width": 1.4}}, marks], "layout": look | axes})


def _marks(context: Context) -> list[tuple[int, str]]:
    return list(enumerate(context.symbols))


def _height_px(wide_ms: float, tall_mv: float) -> int:
    px_per_mm = USUAL_WIDTH_PX / (wide_ms * SPEED / 1000)
    return int(np.clip(tall_mv / ecg.MV_PER_MM * px_per_mm, 120, 320)) + 68


def _facts(context: Context) -> str:
    return "  \n".join(
        [
            f"Lead **{context.lead}**",
            f"R-R before **{_ms(context.rr_before_s)}**",
            f"R-R after **{_ms(context.rr_after_s)}**",
            f"Heart rate **{_rate(context.rate_bpm)}**, mean of this strip",
        ]
    )


def _ms(seconds: float) -> str:
    return "not known" if np.isnan(seconds) else f"{1000 * seconds:.0f} ms"


def _rate(bpm: float) -> str:
    return "not known" if np.isnan(bpm) else f"{bpm:.0f} bpm"


def _alt(context: Context) -> str:
    return (
        f"Strip of lead {context.lead} with {len(context.beat_s)} beats; the window of beat {context.at + 1} is shaded. "
        f"R-R before {_ms(context.rr_before_s)}, after {_ms(context.rr_after_s)}; heart rate {_rate(context.rate_bpm)}."
    )
