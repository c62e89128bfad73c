"""What several figures are made of: panels one below the other, upright lines, shaded stretches, notes, arrows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Part = dict[str, Any]
#: An axis that nothing is read off.
HIDDEN_AXIS = {"visible": False, "fixedrange": True}


def panel(number: int) -> str:
    """The y axis of a panel, counted from 0 at the top, as a trace names it: ``y``, ``y2``, ..."""
    return "y" if number == 0 else f"y{number + 1}"


def stack(x: Part, panels: Sequence[Part], gap: float) -> dict[str, Part]:
    """The axes of panels of one height, one below the other on one x axis.

    Args:
        x: that axis.
        panels: the y axes from the top down.
        gap: between two panels, as a share of the whole height.
    """
    height = (1 - gap * (len(panels) - 1)) / len(panels)
    axes = {"xaxis": x | {"anchor": panel(len(panels) - 1)}}
    for number, y in enumerate(panels):
        bottom = max((len(panels) - 1 - number) * (height + gap), 0)
        axes[panel(number).replace("y", "yaxis")] = y | {"domain": [bottom, min(bottom + height, 1)]}
    return axes


def upright(at: float, colour: str, width: float = 1, dash: str = "dot", yref: str = "paper") -> Part:
    """A line from the bottom to the top of a figure, or of one panel (``yref="y2 domain"``)."""
    line = {"color": colour, "width": width, "dash": dash}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": yref, "line": line}


def stretch(start: float, stop: float, colour: str, opacity: float, yref: str = "paper") -> Part:
    """A shaded part of the x axis, behind the traces."""
    look = {"fillcolor": colour, "opacity": opacity, "line": {"width": 0}, "layer": "below"}
    return {"type": "rect", "x0": start, "x1": stop, "y0": 0, "y1": 1, "yref": yref} | look


def note(text: str, x: float, y: float, **changes: object) -> Part:
    """Words in a figure, at its own axes unless ``changes`` say otherwise."""
    return {"text": text, "x": x, "y": y, "showarrow": False} | changes


def arrow(tip: Sequence[float] | np.ndarray, colour: str, name: str, result: str, dash: str = "solid") -> Part:
    """An arrow from the origin; ``result`` is said where it is pointed at."""
    head = {"symbol": "arrow", "angleref": "previous", "size": [0, 16], "color": colour, "opacity": 1}
    return {
        "type": "scatter",
        "x": np.array([0.0, tip[0]]),
        "y": np.array([0.0, tip[1]]),
        "name": name,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 3, "dash": dash},
        "marker": head | {"line": {"width": 0}},
        "hovertemplate": f"{result}<extra>{name}</extra>",
    }


def arc(angle_deg: float, radius: float, colour: str, name: str) -> Part:
    """The arc of an angle at the origin, from the x axis on."""
    turn = np.radians(np.linspace(0, angle_deg, 40))
    return stroke(radius * np.cos(turn), radius * np.sin(turn), colour, name)


def stroke(
    x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, colour: str, name: str, dash: str = "solid"
) -> Part:
    """A thin line that only helps the eye."""
    return {
        "type": "scatter",
        "x": np.asarray(x),
        "y": np.asarray(y),
        "name": name,
        "mode": "lines",
        "hoverinfo": "skip",
        "line": {"color": colour, "width": 1.2, "dash": dash},
    }


def two_lines(title: str) -> str:
    """A network's title beside an axis, where a phone has no room for one line."""
    return title.replace(" (", "<br>(", 1)


def faint(colour: str, opacity: float) -> str:
    """A colour that lets through what is behind it, for the area under a line."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
