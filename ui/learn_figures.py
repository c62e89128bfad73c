"""The figures of the lesson: plain results of ``nsr_core.evaluation.lesson`` in, a figure out."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nsr_core.data import FS_HZ
from nsr_core.evaluation.lesson import (
    STEPS_PER_BUDGET,
    AgainstChance,
    Alignment,
    Climbs,
    Knowledge,
    Ratios,
    StraightLine,
    Survivors,
)
from ui.theme import Ink, lay_out, method_style

ATTACK_TITLES = {
    "pgd1": "PGD, 1 step",
    "pgd5": "PGD, 5 steps",
    "pgd20": "PGD, 20 steps",
    "pgd100": "PGD, 100 steps",
    "spsa": "SPSA, no gradient",
    "all": "PGD 100 and SPSA",
}
#: Where the number line of the last step ends.
LINE_FROM, LINE_TO = 1e-4, 0.5


def _look(figure: go.Figure, ink: Ink, height: int, **changes: object) -> go.Figure:
    """The shared look, with room below the axis title for the line that every figure carries."""
    return lay_out(figure, ink, height, **changes).update_layout(margin={"b": 84})


def margins(told: AgainstChance, ink: Ink) -> go.Figure:
    """How far the right class leads after each coin noise, and after the chosen noise; below 0 the reading has flipped."""
    figure = go.Figure(
        go.Histogram(
            x=told.coin_margin, nbinsx=24, marker={"color": ink.noise}, name="coin noise",
            hovertemplate="lead %{x}: %{y} draws<extra>coin noise</extra>",
        )
    )  # fmt: skip
    marks = (("no noise", told.clean_margin, ink.trace, 1.0), ("chosen noise", told.attack_margin, ink.attacked, 0.82))
    for name, at, colour, height in marks:
        figure.add_vline(x=at, line={"color": colour, "width": 3})
        figure.add_annotation(
            x=at, y=height, yref="paper", text=f"{name} {at:.1f}", font={"color": colour}, showarrow=False,
            xanchor="right" if name == "no noise" else "left", xshift=-6 if name == "no noise" else 6, bgcolor=ink.page,
        )  # fmt: skip
    low = min(told.attack_margin, float(told.coin_margin.min()), 0)
    high = max(told.clean_margin, float(told.coin_margin.max()))
    room = 0.08 * (high - low)
    figure.add_vrect(x0=low - room, x1=0, fillcolor=ink.attacked, opacity=0.1, line_width=0, layer="below")
    figure.add_annotation(x=0, y=0.5, yref="paper", text="misread", textangle=-90, xshift=-10, showarrow=False)
    _look(figure, ink, 300, showlegend=False, bargap=0.04, uirevision="margins")
    figure.update_xaxes(title_text="lead, in logits", range=[low - room, high + room])
    figure.update_yaxes(title_text="of 200 draws")
    return figure.update_layout(margin={"t": 16})


def losses(told: Climbs, ink: Ink, revealed: bool) -> go.Figure:
    """The loss on FGSM's straight way and, once revealed, on PGD's, at the same noise size up to the tenth step."""
    figure = go.Figure()
    lines = [("FGSM, straight on", told.fgsm_loss, ink.noise, "square")]
    if revealed:
        lines.append(("PGD, turning at every step", told.pgd_loss, ink.attacked, "circle"))
    for name, loss, colour, symbol in lines:
        figure.add_scatter(
            x=np.arange(len(loss)), y=loss, name=name, mode="lines+markers", line={"color": colour, "width": 2.2},
            marker={"symbol": symbol, "size": 7}, hovertemplate=f"%{{x}} steps: loss %{{y:.3g}}<extra>{name}</extra>",
        )  # fmt: skip
    figure.add_vline(x=STEPS_PER_BUDGET, line={"color": ink.muted, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=STEPS_PER_BUDGET, y=1, yref="paper", yanchor="top", xanchor="left", xshift=6, showarrow=False,
        text="ε used up", font={"color": ink.muted},
    )  # fmt: skip
    _look(figure, ink, 400, uirevision="losses")
    figure.update_xaxes(title_text="steps of ε/10", range=[-0.6, len(told.pgd_loss) - 0.4])
    figure.update_yaxes(title_text="loss (cross-entropy)", rangemode="tozero")
    return figure


def straight_line(told: StraightLine, eps: float, ink: Ink, revealed: bool) -> go.Figure:
    """z_y along FGSM's direction; once revealed, the straight line beside it and below the units that switched."""
    figure = make_subplots(2 if revealed else 1, 1, shared_xaxes=True, vertical_spacing=0.08)
    lines = [("the network", told.z, ink.trace, "solid")]
    if revealed:
        lines.append(("the straight line of eq. 7", told.line, ink.attacked, "dash"))
    for name, z, colour, dash in lines:
        line = go.Scatter(
            x=told.eps, y=z, name=name, mode="lines", line={"color": colour, "width": 2.2, "dash": dash},
            hovertemplate=f"ε %{{x:.3f}}: z_y %{{y:.2f}}<extra>{name}</extra>",
        )  # fmt: skip
        figure.add_trace(line, 1, 1)
    if revealed:
        steps = go.Scatter(
            x=told.eps, y=told.switched, name="units switched", mode="lines", fill="tozeroy", showlegend=False,
            line={"color": ink.noise, "width": 1.6, "shape": "hv"},
            hovertemplate=f"ε %{{x:.3f}}: %{{y}} of {told.units} units<extra></extra>",
        )  # fmt: skip
        figure.add_trace(steps, 2, 1)
    figure.add_vline(x=eps, line={"color": ink.muted, "width": 1, "dash": "dot"})
    _look(figure, ink, 480 if revealed else 340, uirevision="line")
    figure.update_yaxes(title_text="logit z<sub>y</sub>", row=1, col=1)
    if revealed:
        figure.update_yaxes(title_text=f"switched, of {told.units}", rangemode="tozero", row=2, col=1)
    figure.update_xaxes(title_text="noise level ε", row=2 if revealed else 1, col=1)
    return figure


def strengths(w: np.ndarray, ink: Ink, length: int) -> go.Figure:
    """|w_y| sample by sample: the height of all bars together is ||w_y||_1."""
    colours = np.where(np.arange(len(w)) < length, ink.noise, ink.muted)
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(w)) * 1000 / FS_HZ, y=np.abs(w), marker={"color": colours, "line": {"width": 0}},
            hovertemplate="%{x:.0f} ms: |w| %{y:.3f}<extra></extra>",
        )
    )  # fmt: skip
    _look(figure, ink, 340, bargap=0.1, uirevision="strengths")
    figure.update_xaxes(title_text="time, ms; grey: padding")
    figure.update_yaxes(title_text="|w<sub>y</sub>| of each sample")
    return figure.update_layout(margin={"t": 16})


def ratios(told: Ratios, ink: Ink) -> go.Figure:
    """From the bound of eq. 9 down to what two attacks reach."""
    rows = {
        "bound R₂ (eq. 9)": (told.bound, ink.muted),
        "most within [0, 1],<br>signal only": (told.allowed, ink.muted),
        "FGSM on the line": (told.fgsm_line, ink.noise),
        "FGSM, really": (told.fgsm_real, ink.attacked),
        "PGD, really": (told.pgd_real, ink.attacked),
    }
    values = [value for value, _ in rows.values()]
    figure = go.Figure(
        go.Bar(
            y=list(rows), x=values, orientation="h", marker={"color": [colour for _, colour in rows.values()]},
            text=[f"{value:.2f}" for value in values], textposition="outside", cliponaxis=False,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=1, line={"color": ink.text, "width": 1, "dash": "dot"})
    _look(figure, ink, 340, showlegend=False, bargap=0.35, uirevision="ratios")
    figure.update_xaxes(title_text="noise-to-signal ratio", range=[0, 1.15 * max(*values, 1)])
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix="  ")
    return figure.update_layout(margin={"t": 16})


def directions(told: Mapping[str, Alignment], ink: Ink) -> go.Figure:
    """The directions of the beat and of each network's w_y, at their true angles (Figure 3); all drawn equally long."""
    figure = go.Figure()
    arrows = [("the beat x", 0.0, ink.trace, "the beat x")]
    arrows += [
        (method, found.angle_deg, method_style(method).colour(ink), f"w<sub>y</sub> {method}, {found.angle_deg:.0f}°")
        for method, found in told.items()
    ]
    for number, (name, angle, colour, label) in enumerate(arrows):
        # ce is drawn in the colour of the beat; the dash tells them apart.
        dash = "solid" if number == 0 else "dash" if colour == ink.trace else "solid"
        x, y = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        figure.add_scatter(
            x=[0, x], y=[0, y], mode="lines+markers", name=name, line={"color": colour, "width": 3, "dash": dash},
            marker={"symbol": "arrow", "size": [0, 16], "angleref": "previous", "color": colour, "opacity": 1}, hovertemplate=f"{label}<extra></extra>",
        )  # fmt: skip
        figure.add_annotation(
            x=x, y=y, text=label, font={"color": colour}, showarrow=False, yshift=16, xshift=-24 if not number else 0
        )
        if number:
            turn = np.radians(np.linspace(0, angle, 40))
            radius = 0.18 + 0.12 * number
            figure.add_scatter(
                x=radius * np.cos(turn), y=radius * np.sin(turn), mode="lines", line={"color": colour, "width": 1},
                hoverinfo="skip", name=f"{name}, angle",
            )  # fmt: skip
    hidden = {"visible": False, "fixedrange": True}
    left = min(-0.25, *(np.cos(np.radians(found.angle_deg)) - 0.35 for found in told.values()))
    _look(figure, ink, 340, showlegend=False)
    figure.update_xaxes(**hidden, range=[left, 1.2])
    figure.update_yaxes(**hidden, range=[-0.1, 1.25], scaleanchor="x", scaleratio=1)
    return figure.update_layout(margin={"t": 8, "b": 28})


def over_time(x: np.ndarray, told: Mapping[str, Alignment], length: int, ink: Ink) -> go.Figure:
    """The beat above each network's w_y, over time."""
    time_ms = np.arange(length) * 1000 / FS_HZ
    figure = make_subplots(1 + len(told), 1, shared_xaxes=True, vertical_spacing=0.06)
    rows = [("beat x", x, ink.trace)] + [
        (f"w<sub>y</sub> {method}", found.w, method_style(method).colour(ink)) for method, found in told.items()
    ]
    for row, (name, values, colour) in enumerate(rows, start=1):
        line = go.Scatter(
            x=time_ms, y=values[:length], name=name, mode="lines", line={"color": colour, "width": 1.8},
            hovertemplate=f"%{{x:.0f}} ms: %{{y:.3f}}<extra>{name}</extra>",
        )  # fmt: skip
        figure.add_trace(line, row, 1)
        figure.update_yaxes(title_text=name, nticks=4, zeroline=row > 1, zerolinecolor=ink.muted, row=row, col=1)
    _look(figure, ink, 430, showlegend=False, uirevision="over_time")
    figure.update_yaxes(zeroline=True, zerolinecolor=ink.muted)
    figure.update_xaxes(title_text="time, ms", row=len(rows), col=1)
    return figure.update_layout(margin={"t": 16})


def medians(told: Mapping[str, float], ink: Ink) -> go.Figure:
    """||w_y||_1 / |z_y| of the median beat, a bar for each method, on a logarithmic axis."""
    known = {method: value for method, value in told.items() if np.isfinite(value)}
    figure = go.Figure(
        go.Bar(
            y=list(known), x=list(known.values()), orientation="h",
            marker={"color": [method_style(method).colour(ink) for method in known]},
            text=[f"{value:.3g}" for value in known.values()], textposition="outside", cliponaxis=False,
            hovertemplate="%{y}: %{x:.3g}<extra></extra>",
        )
    )  # fmt: skip
    low, high = min(known.values()), max(known.values())
    _look(figure, ink, 360, showlegend=False, bargap=0.3, uirevision="medians")
    span = [np.floor(np.log10(low)) - 0.1, np.log10(high) + 0.5]
    figure.update_xaxes(
        title_text="‖w<sub>y</sub>‖<sub>1</sub> / |z<sub>y</sub>|, median beat", type="log", range=span, dtick=1
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix="  ")
    return figure.update_layout(margin={"t": 8})


def accuracies(
    eps: Sequence[float], published: Mapping[str, np.ndarray], signal: Mapping[str, np.ndarray] | None, ink: Ink
) -> go.Figure:
    """ACC against the noise level: the published attack, and dotted the same attack kept off the padding."""
    figure = go.Figure()
    for curves, dash, where in ((published, "solid", "as published"), (signal or {}, "dot", "signal only")):
        for method, values in curves.items():
            style = method_style(method)
            figure.add_scatter(
                x=list(eps), y=values, name=f"{method}, {where}" if signal else method, mode="lines+markers",
                line={"color": style.colour(ink), "width": 2.2, "dash": dash}, marker={"symbol": style.marker, "size": 9},
                hovertemplate=f"ε %{{x:g}}: %{{y:.0%}}<extra>{method}, {where}</extra>",
            )  # fmt: skip
    _look(figure, ink, 420, uirevision="accuracies")
    figure.update_xaxes(title_text="noise level ε", range=[-0.01, 0.31])
    figure.update_yaxes(title_text="accuracy (ACC)", tickformat=".0%", range=[-0.03, 1.03])
    return figure


def survivors(told: Survivors, ink: Ink, revealed: bool) -> go.Figure:
    """Beats still read correctly under each attack; SPSA only once revealed."""
    shown = [
        (name, int(left)) for name, left in zip(told.attacks, told.left, strict=True) if revealed or name[:3] == "pgd"
    ]
    shares = [left / told.beats for _, left in shown]
    figure = go.Figure(
        go.Bar(
            y=[ATTACK_TITLES[name] for name, _ in shown], x=shares, orientation="h",
            marker={"color": [ink.noise if name[:3] == "pgd" else ink.attacked for name, _ in shown]},
            text=[f"{share:.0%}" for share in shares], textposition="outside", cliponaxis=False,
            customdata=[left for _, left in shown], hovertemplate="%{y}: %{customdata} beats, %{x:.1%}<extra></extra>",
        )
    )  # fmt: skip
    _look(figure, ink, 120 + 40 * len(shown), showlegend=False, bargap=0.3, uirevision="survivors")
    figure.update_xaxes(title_text="still read correctly", tickformat=".0%", range=[0, 1.08])
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix="  ")
    return figure.update_layout(margin={"t": 8})


def known(told: Mapping[str, Knowledge], ink: Ink) -> go.Figure:
    """One row a network, from no noise to much: proved safe, not known, broken; where each attack first succeeds."""
    figure = go.Figure()
    names = list(told)
    parts: dict[str, tuple[str, list[float], list[float]]] = {
        "proved: no noise flips it": ("#009E73", [], []),
        "not known": (ink.grid, [], []),
        "broken": (ink.attacked, [], []),
    }
    for found in told.values():
        safe = max(found.proved, LINE_FROM)
        broken = LINE_TO if np.isnan(found.broken) else max(found.broken, LINE_FROM)
        for (_, base, width), start, end in zip(
            parts.values(), (LINE_FROM, safe, broken), (safe, broken, LINE_TO), strict=True
        ):
            base.append(start)
            width.append(end - start)
    for title, (colour, base, width) in parts.items():
        figure.add_bar(
            y=names, x=width, base=base, orientation="h", name=title, marker={"color": colour}, hoverinfo="skip"
        )
    for attack, symbol, size in (("pgd", "circle", 17), ("spsa", "diamond", 9)):
        at = [getattr(found, attack) for found in told.values()]
        figure.add_scatter(
            x=at, y=names, mode="markers", name=f"first flip by {attack.upper()}",
            marker={"color": ink.page, "size": size, "symbol": symbol, "line": {"color": ink.text, "width": 2}},
            hovertemplate=f"{attack.upper()} flips it at ε %{{x:.3f}}<extra>%{{y}}</extra>",
        )  # fmt: skip
    _look(figure, ink, 130 + 56 * len(names), barmode="overlay", bargap=0.45, uirevision="known")
    figure.update_xaxes(
        title_text="noise level ε", type="log", range=[np.log10(LINE_FROM), np.log10(LINE_TO)],
        tickvals=[1e-4, 1e-3, 1e-2, 1e-1], ticktext=["0.0001", "0.001", "0.01", "0.1"],
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix="  ")
    return figure.update_layout(margin={"t": 64})
