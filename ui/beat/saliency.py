"""Where each network looks on the beat, beside where the attack pushed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from nsr_core.beat.attack import BeatAttack
from nsr_core.beat.saliency import POINTS, Saliency, saliency
from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ
from ui import chart, loaders
from ui.beat.answers import Answer
from ui.memo import memo_for
from ui.parts import note, panel, stack
from ui.theme import Ink, axis, layout, looks

TITLES = ("the beat", "gradient x input", "integrated gradients", "where the attack pushed")
WORDS = (
    "How much each sample of the beat without noise adds to the output of the class that the network reads. **Gradient x "
    "input** looks at the beat alone. **Integrated gradients** average the gradient over the way from an empty beat (zeros) to "
    "this one; they are complete: they add up to the change of the output on that way. Above zero a sample speaks for the "
    "class, below it against. An attack need not push where the network looks."
)


def show(answers: list[Answer], name: str, colours: Ink) -> None:
    """The figure, how complete the integrated gradients are, and the numbers.

    Args:
        name: of the files.
    """
    found = {answer.title: (answer.network, answer.method, answer.result, _of(answer)) for answer in answers}
    drawn = figure(found, colours)
    st.markdown(WORDS)
    chart.draw(
        drawn,
        key="saliency",
        alt="Four panels over time: the beat, gradient x input, integrated gradients and the attack's noise. "
        + " ".join(_complete(title, one) for title, (*_, one) in found.items()),
    )
    for title, (*_, result, one) in found.items():
        st.markdown(f"**{title}**: {_complete(title, one)} {_pushed(result, one)}")
    chart.numbers(
        _table(found),
        name=name,
        figures=lambda: {"Where it looks": drawn},
        facts={
            "baseline": "zeros",
            "points": POINTS,
            "class": {title: one.target for title, (*_, one) in found.items()},
            "sum": {title: float(one.integrated.sum()) for title, (*_, one) in found.items()},
            "change": {title: one.change for title, (*_, one) in found.items()},
            "attacks": [answer.result.to_json() for answer in answers],
        },
    )


def _of(answer: Answer) -> Saliency:
    result = answer.result
    key = ("saliency", answer.name, result.weights, result.source, result.beat)
    network, target = loaders.checkpoint(answer.name).network, CLASSES.index(result.class_before)
    return memo_for(result.source).get(key, lambda: saliency(network, result.x, target))


def _complete(title: str, found: Saliency) -> str:
    return (
        f"Read as {CLASS_NAMES[found.target].lower()}; integrated gradients add up to {found.integrated.sum():.3f}, the output "
        f"changes by {found.change:.3f} (gap {abs(found.gap):.1g})."
    )


def _pushed(result: BeatAttack, found: Saliency) -> str:
    share = found.share_against(result.x_adv - result.x)
    if np.isnan(share):
        return "No noise."
    return f"The attack moved {share:.0%} of its samples so that this output falls, by the gradient at the beat."


def figure(found: Mapping[str, tuple[str, str, BeatAttack, Saliency]], colours: Ink) -> go.Figure:
    """The beat, gradient x input, integrated gradients and the attack's noise, one below the other.

    Args:
        found: by title: network, method, the attacked beat (the same for all) and where the network looks.
    """
    first = next(iter(found.values()))[2]
    shown = slice(0, first.length)
    shared = {"type": "scatter", "mode": "lines", "x": np.arange(first.length) * (1000 / FS_HZ)}
    hover = "%{x:.0f} ms: %{y:.3g}<extra>"
    beat: dict[str, Any] = {"y": first.x[shown], "name": "the beat", "showlegend": False}
    beat |= {"line": {"color": colours.trace, "width": 1.6}, "hovertemplate": f"{hover}the beat</extra>"}
    data = [shared | beat]
    drawn = looks([(network, method) for network, method, *_ in found.values()], colours)
    for (title, (*_, result, one)), look in zip(found.items(), drawn, strict=True):
        rows = (one.gradient_x_input, one.integrated, result.x_adv - result.x)
        for number, values in enumerate(rows, 1):
            line = {"color": look.colour, "width": 1.6, "dash": look.dash}
            trace = {"y": values[shown], "name": title, "yaxis": panel(number), "line": line}
            data.append(shared | trace | {"showlegend": number == 1, "hovertemplate": f"{hover}{title}</extra>"})
    zero = axis(colours, nticks=4, zeroline=True, zerolinecolor=colours.muted)
    panels = [axis(colours, nticks=3), zero, zero, zero]
    place = {"xref": "paper", "xanchor": "left", "yanchor": "bottom", "font": {"size": 13, "color": colours.text}}
    titles = [note(title, 0, 1, yref=f"{panel(at)} domain", **place) for at, title in enumerate(TITLES)]
    page = layout(colours, 640, {"t": 64}, annotations=titles, uirevision="saliency")
    page["legend"] = {**page["legend"], "y": 1.06}
    return go.Figure({"data": data, "layout": page | stack(axis(colours, "time after the R peak, ms"), panels, 0.07)})


def _table(found: Mapping[str, tuple[str, str, BeatAttack, Saliency]]) -> pd.DataFrame:
    """A row for each signal sample."""
    first = next(iter(found.values()))[2]
    shown = slice(0, first.length)
    columns: dict[str, np.ndarray] = {"sample": np.arange(first.length), "beat": first.x[shown]}
    for title, (*_, result, one) in found.items():
        columns |= {
            f"gradient x input {title}": one.gradient_x_input[shown],
            f"integrated {title}": one.integrated[shown],
            f"noise {title}": (result.x_adv - result.x)[shown],
        }
    return pd.DataFrame(columns).round(5)
