"""The whole recording above, and a brush that chooses the part that is shown below."""

from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nsr_core.recordings.overview import envelope, first_of_each
from nsr_core.recordings.result import RecordingReading
from ui import chart, loaders
from ui.data.strip_figures import clock
from ui.parts import Part, stretch, upright
from ui.recordings import place
from ui.recordings.figures import round_times
from ui.theme import Ink, axis, ink, layout

#: The envelope's parts, and marks of a kind: two points for each part of the envelope, and all stay below 4,000.
PARTS, MARKS = 900, 450
#: Marked are of the beats the tenth whose reading least noise changes, but no fewer and no more than this.
FRAGILE_SHARE, FRAGILE = 0.1, (5, 100)
HEIGHT_PX = 195
KEY = "own_brush"


def show(result: RecordingReading, network: str) -> None:
    """The overview with its brush, and the same as a slider."""
    st.markdown(f"#### The whole recording, {clock(result.cut.lead.seconds)}")
    place.settle_part(result)
    part, key = place.part(result), f"{KEY}_{place.times_moved(result)}"  # under another key no box is left from before
    chart.draw(
        overview(result, network, part, ink()),
        key=key,
        on_select=partial(_choose, result, key),
        selection_mode=("points", "box"),
        alt=_alt(result, network, part),
        buttons=False,
    )
    st.caption("Draw over the recording to see that part below. Click on a mark to go there.")
    low, high = place.bounds(result)
    if high - low > place.STRIP_SECONDS:
        st.slider(
            "Part shown below, minutes",
            low / 60,
            high / 60,
            step=place.step_minutes(result),
            key=place.PART + result.cut.key,
            on_change=place.part_moved,
            args=(result,),
            persist_state="session",
            format="%.1f",
            help="Draw over the recording above, or move the ends here, also with the arrow keys.",
        )


def _choose(result: RecordingReading, key: str) -> None:
    """A box chooses the part, a click on a mark goes to where it is."""
    selection = st.session_state[key].selection
    if selection.box:
        start, stop = sorted(float(end) for end in selection.box[0]["x"][:2])
        place.choose_part(result, start, stop)
        place.go_to(result, start + place.STRIP_SECONDS / 2)
    elif selection.points:
        place.go_to(result, float(selection.points[0]["x"]))


def _alt(result: RecordingReading, network: str, part: tuple[float, float]) -> str:
    return (
        f"Envelope of {result.cut.recording}, {result.cut.lead.name}, {clock(result.cut.lead.seconds)} long, with marks where beats "
        f"are unlike the training beats ({int(result.unlike.sum()):,}), where large deflections are not classified "
        f"({len(result.cut.unclassified):,}), and where least noise changes the reading by {loaders.title(network)}. Shown below: "
        f"{clock(part[0])} to {clock(part[1])}."
    )


def overview(result: RecordingReading, network: str, part: tuple[float, float], colours: Ink) -> go.Figure:
    """The envelope of the lead with marks above it, and the part that is shown below shaded; 4,000 points at most.

    Args:
        part: start and stop, in seconds.
    """
    lead = result.cut.lead
    whole = envelope(lead, PARTS)
    outline = {"type": "scatter", "mode": "lines", "showlegend": False, "hoverinfo": "skip", "x": whole.time_s}
    line = {"color": colours.trace, "width": 0.6}
    data: list[Part] = [
        outline | {"y": whole.low, "line": line, "name": "lowest"},
        outline | {"y": whole.high, "line": line, "fill": "tonexty", "fillcolor": colours.muted, "name": "highest"},
        *_marks(result, network, colours),
    ]
    start, stop = place.bounds(result)
    ticks = round_times(start, stop)
    x = axis(colours, "", range=[start, stop], tickvals=ticks, ticktext=[clock(at) for at in ticks], fixedrange=True)
    # A few artefacts would leave nothing of the beats: the envelope's usual extremes fill the panel.
    low, high = np.nanquantile(whole.low, 0.01), np.nanquantile(whole.high, 0.99)
    room = 0.05 * max(float(high - low), 1e-9)
    y = axis(
        colours,
        "mV" if lead.in_mv else "",
        range=[low - room, high + room],
        domain=[0, 0.68],
        fixedrange=True,
        nticks=4,
    )
    y2 = axis(colours, "", range=[-0.6, 2.6], domain=[0.72, 1], visible=False, fixedrange=True)
    shapes = [stretch(*part, colours.noise, 0.18), *(upright(at, colours.noise, dash="solid") for at in part)]
    if part == (start, stop):
        shapes = []
    no_box = {"line": {"width": 1, "color": colours.noise}}
    look = layout(
        colours,
        HEIGHT_PX,
        {"l": 52, "r": 8, "b": 28},
        xaxis=x,
        yaxis=y,
        yaxis2=y2,
        shapes=shapes,
        dragmode="select",
        selectdirection="h",
        newselection=no_box,
        activeselection={"fillcolor": "rgba(0,0,0,0)"},
        hovermode="closest",
        uirevision=result.cut.key,
    )
    return go.Figure({"data": data, "layout": look})


def _marks(result: RecordingReading, network: str, colours: Ink) -> list[Part]:
    """A row of marks for each kind, the first in each part of the recording."""
    cut, reading = result.cut, result.networks[network]
    time_s = cut.time_s[cut.row]
    found = np.flatnonzero(np.isfinite(reading.flips_at))
    most = int(np.clip(FRAGILE_SHARE * len(time_s), *FRAGILE))
    fragile = found[np.argsort(reading.flips_at[found], kind="stable")[:most]]
    kinds = (
        ("not classified", cut.unclassified_s, "x-thin", colours.attacked),
        ("unlike the training beats", time_s[result.unlike], "triangle-down", colours.attacked),
        (f"the {len(fragile)} most fragile", time_s[fragile], "line-ns", colours.noise),
    )
    parts = []
    for row, (name, at, symbol, colour) in enumerate(kinds):
        shown = at[first_of_each(at, cut.lead.start_s, cut.lead.seconds, MARKS)]
        if not len(shown):
            continue
        parts.append(
            {
                "type": "scatter",
                "x": shown,
                "y": np.full(len(shown), 2 - row),
                "yaxis": "y2",
                "mode": "markers",
                "name": f"{name} ({len(at):,})" if row < 2 else name,
                "marker": {"symbol": symbol, "size": 8, "color": colour, "line": {"width": 1.5, "color": colour}},
                "unselected": {"marker": {"opacity": 1}},
                "hovertext": [f"{clock(each)}: {name}" for each in shown.tolist()],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    return parts
