"""The paper's tables and figures drawn from our results, with the published values beside them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from nsr_core.data import FS_HZ
from nsr_core.evaluation.replication import Alignment
from nsr_core.evaluation.report import ATTACK_TITLES, METRIC_TITLES
from nsr_core.evaluation.single import BeatAttack
from ui.ecg import MV_PER_MM, SPEEDS, line, paper_axes, paper_layout, scale_of
from ui.theme import PAPER_DASH, Ink, axis_title, lay_out, method_style

#: Differences and mean distances beyond these have the full colour.
FULL_DIFFERENCE, FULL_DISTANCE = 0.3, 0.15
#: Blue to orange, which the colour-blind tell apart; pale enough for text on top. By the page's theme.
_DIVERGING = {"light": ("#7DB4DE", "#F3F5F7", "#F0A868"), "dark": ("#14588C", "#1C242D", "#A0520A")}
_SEQUENTIAL = {"light": ("#F3F5F7", "#B3A4E0"), "dark": ("#1C242D", "#6A57B5")}
NO_VALUE = "\N{EN DASH}"
_CELL_PX = 48
_ROW_PX = 29


def signed(value: float) -> str:
    """A difference with its sign and two decimals; none where it rounds to zero."""
    text = f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
    return "0.00" if text[1:] == "0.00" else text


def table_title(row: pd.Series) -> str:
    """A table in words: ``ACC, MLP, 100-PGD``."""
    return f"{METRIC_TITLES[row['metric']]}, {row['network'].upper()}, {ATTACK_TITLES[row['attack']]}"


def overview(distances: pd.DataFrame, chosen: int, ink: Ink) -> go.Figure:
    """The mean distance to each table by method, a block a network; a click on a cell carries its table's number.

    Args:
        distances: of ``nsr_core.evaluation.replication.distances``.
        chosen: the table that is marked.
    """
    methods = list(dict.fromkeys(distances["method"]))
    figure = go.Figure()
    heights: dict[int, float] = {}
    labels: list[str] = []
    for network, block in distances.groupby("network", sort=False):
        top = len(heights) + 1.0 if heights else 0.0  # a blank row above the second network
        tables = list(dict.fromkeys(block["table"]))
        at = [top + number for number in range(len(tables))]
        heights |= dict(zip(tables, at, strict=True))
        values = np.stack([block[block["table"] == table]["distance"].to_numpy() for table in tables])
        first = [block[block["table"] == table].iloc[0] for table in tables]
        labels += [
            f"{METRIC_TITLES[one['metric']]} {ATTACK_TITLES[one['attack']]} <b>{one['table']}</b>" for one in first
        ]
        figure.add_trace(_heat(values, at, _SEQUENTIAL[ink.name], 0, FULL_DISTANCE, name=str(network)))
        custom = np.stack([block[block["table"] == table]["protocol"].to_numpy() == "custom" for table in tables])
        figure.add_trace(_heat_text(values, custom, at, ink))
        figure.add_trace(_targets(block, methods, tables, at))
        figure.add_annotation(
            text=f"<b>{str(network).upper()}</b>", x=-0.5, y=top - 0.5, xanchor="right", yanchor="bottom", showarrow=False
        )  # fmt: skip
    lay_out(figure, ink, height=int(_ROW_PX * (max(heights.values()) + 2)) + 96, showlegend=False)
    figure.add_shape(
        type="rect", x0=-0.5, x1=len(methods) - 0.5, y0=heights[chosen] - 0.5, y1=heights[chosen] + 0.5,
        line={"color": ink.text, "width": 2},
    )  # fmt: skip
    figure.update_xaxes(
        tickvals=list(range(len(methods))), ticktext=methods, side="top", tickangle=-45, showgrid=False, fixedrange=True,
        range=[-0.55, len(methods) - 0.45], ticks="", showline=False,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(heights.values()), ticktext=labels, showgrid=False, fixedrange=True, ticks="", showline=False,
        range=[max(heights.values()) + 0.55, -1.1],
    )  # fmt: skip
    return figure.update_layout(margin={"l": 8, "r": 26, "t": 8, "b": 20}, clickmode="event+select")


def _heat(
    values: np.ndarray, at: Sequence[float], colours: Sequence[str], low: float, high: float, name: str, x=None
) -> go.Heatmap:
    scale = [[number / (len(colours) - 1), colour] for number, colour in enumerate(colours)]
    return go.Heatmap(
        z=values, y=np.asarray(at, float), x=np.arange(values.shape[1]) if x is None else x, name=name,
        colorscale=scale, zmin=low, zmax=high, showscale=False, xgap=2, ygap=2, hoverinfo="skip",
    )  # fmt: skip


def _heat_text(values: np.ndarray, custom: np.ndarray, at: Sequence[float], ink: Ink) -> go.Scatter:
    """The values in hundredths, which leaves room on a phone; a star where the protocol is not the paper's."""
    rows, columns = np.indices(values.shape)
    return go.Scatter(
        x=columns.ravel(),
        y=np.asarray(at, float)[rows.ravel()],
        text=[
            f"{100 * value:.0f}{'*' * int(starred)}" if np.isfinite(value) else NO_VALUE
            for value, starred in zip(values.ravel(), custom.ravel(), strict=True)
        ],
        mode="text",
        textfont={"size": 11, "color": ink.text},
        hoverinfo="skip",
    )


def _targets(block: pd.DataFrame, methods: list[str], tables: list[int], at: Sequence[float]) -> go.Scatter:
    """What is pointed at and clicked: a heat map itself cannot be selected."""
    places = dict(zip(tables, at, strict=True))
    words = [
        f"Table {row.table}, {row.method}<br>"
        + (
            f"mean distance {row.distance:.3f} over {row.levels} noise levels, protocol {row.protocol}"
            if np.isfinite(row.distance)
            else "ours is missing"
        )
        for row in block.itertuples()
    ]
    unseen = {"marker": {"opacity": 0}}
    return go.Scatter(
        x=[methods.index(method) for method in block["method"]],
        y=[places[table] for table in block["table"]],
        customdata=block["table"].to_numpy(),
        text=words,
        mode="markers",
        marker={"size": 26, "opacity": 0, "symbol": "square"},
        selected=unseen,
        unselected=unseen,
        hovertemplate="%{text}<extra></extra>",
    )


def cells(rows: pd.DataFrame, ink: Ink) -> go.Figure:
    """One of the paper's tables: in each cell ours, the paper's below it and the difference, which gives the colour.

    Args:
        rows: of ``nsr_core.evaluation.replication.replication``, of one table.
    """
    methods, levels = list(dict.fromkeys(rows["method"])), sorted(rows["eps"].unique())
    shape = (len(methods), len(levels))
    difference = rows["difference"].to_numpy().reshape(shape)
    there = rows["missing"].to_numpy().reshape(shape) == ""
    at = list(range(len(methods)))
    mean_at = len(levels) + 0.2
    figure = go.Figure(_heat(difference, at, _DIVERGING[ink.name], -FULL_DIFFERENCE, FULL_DIFFERENCE, "difference"))
    grid_y, grid_x = np.indices(shape)
    figure.add_trace(
        go.Scatter(
            x=grid_x.ravel(), y=grid_y.ravel(), text=[_cell_text(row) for row in rows.itertuples()], mode="text",
            textfont={"size": 11, "color": ink.text}, name="cells", hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=grid_x.ravel(), y=grid_y.ravel(), text=[_cell_hover(row) for row in rows.itertuples()], mode="markers",
            marker={"size": 30, "opacity": 0, "symbol": "square"}, name="hover", hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip
    means = np.array(
        [np.abs(line[known]).mean() if known.any() else np.nan for line, known in zip(difference, there, strict=True)]
    )
    figure.add_trace(_heat(means[:, None], at, _SEQUENTIAL[ink.name], 0, FULL_DISTANCE, "mean distance", x=[mean_at]))
    figure.add_trace(
        go.Scatter(
            x=np.full(len(methods), mean_at), y=at, mode="text", name="mean distance", hoverinfo="skip",
            text=[f"{mean:.3f}" if np.isfinite(mean) else NO_VALUE for mean in means],
            textfont={"size": 11, "color": ink.text},
        )
    )  # fmt: skip
    custom = set(rows.loc[rows["protocol"] == "custom", "method"])
    lay_out(figure, ink, height=_CELL_PX * len(methods) + 96, showlegend=False)
    figure.update_xaxes(
        tickvals=[*range(len(levels)), mean_at], ticktext=[*(f"{level:g}" for level in levels), "mean<br>|diff.|"],
        tickangle=0, side="top", showgrid=False, fixedrange=True, range=[-0.55, mean_at + 0.55], automargin=False,
        ticks="", showline=False,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=at, ticktext=[f"{method} *" if method in custom else method for method in methods], showgrid=False,
        fixedrange=True, range=[len(methods) - 0.45, -0.55], ticks="", showline=False,
    )  # fmt: skip
    return figure.update_layout(margin={"l": 8, "r": 8, "t": 40, "b": 20})


def _cell_text(row) -> str:
    small = "<span style='font-size:10px'>"
    if row.missing:
        return f"{NO_VALUE}<br>{small}({row.paper:.2f})</span>"
    return f"<b>{row.ours:.2f}</b><br>{small}({row.paper:.2f})</span><br>{small}{signed(row.difference)}</span>"


def _cell_hover(row) -> str:
    head = f"{row.method} at noise level {row.eps:g}<br>paper {row.paper:.2f}"
    if row.missing:
        return f"{head}<br>ours: {row.missing}"
    known = f" (95 % interval {row.low:.3f} to {row.high:.3f})" if np.isfinite(row.low) else ""
    return (
        f"{head}<br>ours {row.ours:.3f}{known}<br>difference {signed(row.difference)}<br>"
        f"{row.beats:,.0f} beats, protocol {row.protocol}, {row.epochs:.0f} epochs<br>{row.checkpoint} ({row.digest})"
    )


def curves(rows: pd.DataFrame, ink: Ink, overlay: bool) -> go.Figure:
    """A metric against the noise level by method, the published curve dotted over it.

    Args:
        rows: of ``replication``, of one table.
        overlay: whether the published curves are drawn.
    """
    figure = go.Figure()
    for method, of_method in rows.groupby("method", sort=False):
        style = method_style(str(method))
        known = of_method[of_method["missing"] == ""]
        starred = "" if set(known["protocol"]) <= {"paper"} else " *"
        colour = style.colour(ink)
        if len(known):
            figure.add_trace(
                go.Scatter(
                    x=known["eps"].to_numpy(), y=known["ours"].to_numpy(), name=f"{method}{starred}", mode="lines+markers",
                    line={"color": colour, "width": 2}, marker={"symbol": style.marker, "size": 8}, legendgroup=method,
                    hovertemplate=f"%{{y:.3f}} at %{{x:g}}<extra>{method}{starred}, ours</extra>",
                )
            )  # fmt: skip
        if overlay:
            figure.add_trace(
                go.Scatter(
                    x=of_method["eps"].to_numpy(), y=of_method["paper"].to_numpy(), name=f"{method}, paper", mode="lines+markers",
                    line={"color": colour, "width": 1.5, "dash": PAPER_DASH}, legendgroup=method,
                    marker={"symbol": f"{style.marker}-open", "size": 6}, showlegend=not len(known),
                    hovertemplate=f"%{{y:.2f}} at %{{x:g}}<extra>{method}, paper</extra>",
                )
            )  # fmt: skip
    metric = rows["metric"].iloc[0]
    lay_out(figure, ink, height=460, uirevision=f"{metric}", margin={"l": 8, "r": 8, "t": 8, "b": 52})
    figure.update_xaxes(title_text="noise level ε", range=[-0.008, 0.308], tickvals=[0, 0.05, 0.1, 0.2, 0.3])
    figure.update_yaxes(title_text=METRIC_TITLES[metric], range=[-0.02, 1.0], tickformat=".1f")
    return figure


def directions(told: Alignment, ink: Ink) -> go.Figure:
    """x and w_y as arrows in the plane that holds both: true angle, true relative length.

    In units of the length of x / (x x), the vector that loss1 pulls w_y to: x is drawn that long.
    """
    angle = np.radians(told.angle_deg)
    tip = told.relative_length * np.array([np.cos(angle), np.sin(angle)])
    reach = max(1.0, told.relative_length)
    style = method_style(told.method)
    bow = np.linspace(0, angle, 40)
    radius = 0.22 * reach
    figure = go.Figure()
    end = 1.12 * max(1.0, abs(tip[0]), reach)
    dotted = {"color": ink.muted, "width": 1, "dash": "dot"}
    figure.add_trace(_stroke([0, end], [0, 0], dotted, "direction of x"))
    figure.add_trace(_stroke([tip[0], tip[0]], [tip[1], 0], dotted, "what of w_y lies along x"))
    figure.add_trace(
        _stroke(radius * np.cos(bow), radius * np.sin(bow), {"color": ink.muted, "width": 1.5}, "angle")
    )  # fmt: skip
    figure.add_trace(_arrow(tip, style.colour(ink), "w_y", told.relative_length))
    figure.add_trace(_arrow(np.array([1.0, 0.0]), ink.noise, "x", 1.0))
    for text, x, y, colour, shift in (
        ("x", 1.0, 0.0, ink.noise, (0, -16)),
        ("w<sub>y</sub>", *tip, style.colour(ink), (0, 16)),
        (
            f"{told.angle_deg:.0f}°", 1.25 * radius * np.cos(angle / 2), 1.25 * radius * np.sin(angle / 2), ink.text, (8, 4)
        ),
    ):  # fmt: skip
        figure.add_annotation(
            text=f"<b>{text}</b>", x=x, y=y, xshift=shift[0], yshift=shift[1], showarrow=False, font={"color": colour, "size": 15}
        )  # fmt: skip
    lay_out(figure, ink, height=340, showlegend=False, margin={"l": 8, "r": 8, "t": 16, "b": 48})
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(**hidden, range=[min(-0.12 * reach, tip[0] - 0.1 * reach), end])
    return figure.update_yaxes(
        **hidden, range=[-0.14 * reach, max(0.45 * reach, tip[1] + 0.14 * reach)], scaleanchor="x"
    )


def _stroke(x, y, line: dict, name: str) -> go.Scatter:
    return go.Scatter(x=np.asarray(x), y=np.asarray(y), mode="lines", line=line, name=name, hoverinfo="skip")


def _arrow(tip: np.ndarray, colour: str, name: str, length: float) -> go.Scatter:
    return go.Scatter(
        x=np.array([0.0, tip[0]]), y=np.array([0.0, tip[1]]), mode="lines+markers", name=name,
        line={"color": colour, "width": 3},
        marker={"symbol": "arrow", "angleref": "previous", "size": [0, 15], "color": colour, "opacity": 1, "line": {"width": 0}},
        hovertemplate=f"{length:.3g} times as long as x / xᵀx<extra>{name}</extra>",
    )  # fmt: skip


def speed_of(told: BeatAttack) -> int:
    """The paper speed for a panel, in mm/s: a long beat needs the slower one to fit."""
    slow, fast = SPEEDS
    return fast if told.length / FS_HZ < 0.9 else slow


def noisy_beat(told: BeatAttack, y_range: tuple[float, float], width: int, ink: Ink) -> go.Figure:
    """One panel of Figure 8: the noisy beat on ECG paper, the clean one faint behind it.

    In mV with square millimetres where the beat's range is known, else in relative amplitude. Padding is not drawn.

    Args:
        y_range: of all panels.
        width: of the panel in pixels, from which its height follows.
    """
    offset, scale, unit = scale_of(told)
    time_ms = np.arange(told.length) * (1000 / FS_HZ)
    clean, noisy = (offset + scale * signal[: told.length] for signal in (told.x, told.x_adv))
    colour = ink.trace if told.class_after == told.true_class else ink.attacked
    data = [line(time_ms, noisy, "with noise" if told.eps else "without noise", colour, unit)]
    if told.eps:
        data.insert(0, line(time_ms, clean, "without noise", ink.muted, unit) | {"opacity": 0.7})
    known = unit == "mV"
    x, y = paper_axes(ink, known, speed_of(told))
    end_ms = time_ms[-1] + 1000 / speed_of(told)
    left, right, top, bottom = 44, 6, 6, 40
    plot = width - left - right
    px_per_mm = plot / (end_ms * speed_of(told) / 1000)
    tall = (y_range[1] - y_range[0]) / MV_PER_MM * px_per_mm if known else 0.6 * plot
    axes = {
        "xaxis": x | {"range": [0, end_ms], "title": axis_title(ink, "ms after the R peak"), "fixedrange": True},
        "yaxis": y
        | {"range": list(y_range), "title": axis_title(ink, unit if known else "amplitude"), "fixedrange": True},
    }
    margin = {"l": left, "r": right, "t": top, "b": bottom}
    look = paper_layout(ink, int(tall) + top + bottom) | {"margin": margin, "showlegend": False}
    return go.Figure({"data": data, "layout": look | axes})
