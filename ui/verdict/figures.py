"""The Verdict page's figures: what is proved, open and overstated of each network; one network's curves; what broke it."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.parts import Part, faint, note, two_lines
from ui.theme import PAPER_DASH, Ink, axis, layout

#: The noise levels on the axes of curves; no proof of ours is at issue below.
LEVELS = (0.001, 0.33)
_ROW_PX = 44
#: For the attacks that broke beats, from the most successful; after Okabe & Ito.
ATTACK_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8F94", "#5B4B9A", "#7A5C3E")


def ladder(table: pd.DataFrame, ink: Ink) -> go.Figure:
    """A row for each checkpoint: proved, undecided, and published though a stronger attack breaks it; clean as a mark.

    Args:
        table: of ``nsr_core.verdict.levels.table_of``, with the columns ``title`` and ``group``, from the top down,
            each group together, and ``ceiling``, NaN where it is not known. A group has a heading, a row of its own, and its
            name is not said again in those below.
    """
    starts = ~table["group"].astype(str).duplicated().to_numpy()
    rows = np.arange(len(table)) + starts.cumsum()
    height = len(table) + int(starts.sum())
    proved, worst = table["proved"].fillna(0).to_numpy(), table["worst"].to_numpy()
    published = table["published"].fillna(table["worst"]).to_numpy()
    result = [_row_hover(row) for row in table.to_dict("records")]
    parts = (
        ("proved", proved, ink.noise, ""),
        ("undecided", worst - proved, faint(ink.noise, 0.35), ""),
        ("published, yet broken by stronger attacks", published - worst, faint(ink.attacked, 0.6), "/"),
    )
    data: list[Part] = [
        {
            "type": "bar",
            "orientation": "h",
            "y": rows,
            "x": values,
            "name": name,
            "text": result,
            "textposition": "none",
            "marker": {
                "color": colour,
                "pattern": {"shape": shape, "fgcolor": ink.attacked, "size": 6},
                "line": {"width": 0},
            },
            "hovertemplate": "%{text}<extra></extra>",
        }
        for name, values, colour, shape in parts
    ]
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "y": rows,
            "x": table["clean"].to_numpy(),
            "name": "without noise",
            "marker": {"symbol": "line-ns-open", "size": 20, "color": ink.text, "line": {"width": 2}},
            "text": result,
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    data += _ceilings(table, rows, ink)
    look = layout(ink, _ROW_PX * height + 150, {"t": 64}, barmode="stack", bargap=0.35, hovermode="closest")
    look["legend"] = {**look["legend"], "traceorder": "normal"}
    axes = {
        # In two lines: on a phone the networks' names leave it little room.
        "xaxis": axis(ink, "accuracy, every<br>class counting the same", range=[0, 1.005], tickformat=".1f"),
        "yaxis": axis(
            ink,
            range=[height - 0.5, -0.5],
            tickvals=[*(rows[starts] - 1), *rows],
            ticktext=[_heading(some) for _, some in table.groupby("group", sort=False, observed=True)] + _titles(table),
            showgrid=False,
            ticksuffix="  ",
            fixedrange=True,
        ),
    }
    return go.Figure({"data": data, "layout": look | axes})


def _ceilings(table: pd.DataFrame, rows: np.ndarray, ink: Ink) -> list[Part]:
    """A vertical line through the rows of each group whose ceiling is known."""
    known = table.assign(row=rows).dropna(subset="ceiling")
    if known.empty:
        return []
    x: list[float] = []
    y: list[float] = []
    for _, some in known.groupby("group", sort=False, observed=True):
        x += [some["ceiling"].max()] * 2 + [np.nan]
        y += [some["row"].min() - 0.5, some["row"].max() + 0.5, np.nan]
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": "any classifier, at most (whole test split)",
        "line": {"color": ink.text, "width": 1.6, "dash": "dot"},
        "hovertemplate": "any classifier, at most %{x:.3f}<extra></extra>",
    }
    return [line]


def _heading(rows: pd.DataFrame) -> str:
    beats = " to ".join(f"{count:,.0f}" for count in sorted({rows["beats"].min(), rows["beats"].max()}))
    return f"<b>{rows['group'].iloc[0]}</b><br>{beats} beats"


def _titles(table: pd.DataFrame) -> list[str]:
    """Each row's network, without what its group's heading says."""
    pairs = zip(table["title"], table["group"], strict=True)
    return [two_lines(title.removesuffix(f", {group}")) for title, group in pairs]


def _row_hover(row: Mapping[Hashable, Any]) -> str:
    proof = "no certificate" if np.isnan(row["proved"]) else f"proved {row['proved']:.3f}"
    return (
        f"<b>{row['title']}</b> at noise level {row['eps']:g}<br>without noise {row['clean']:.3f}<br>PGD (100 steps) as published "
        f"{row['published']:.3f}<br>worst case {row['worst']:.3f} ({row['low']:.3f} to {row['high']:.3f})<br>{proof}"
    )


def curves(levels: pd.DataFrame, known: pd.DataFrame | None, colour: str, ink: Ink, height: int = 460) -> go.Figure:
    """One checkpoint against the noise level: published, worst case, proved, and the undecided band between the last two.

    Args:
        levels: of a ``Verdict``.
        known: of ``nsr_core.certificates.band`` at many levels, or None where there is no certificate.
    """
    attacked = levels[levels["eps"] > 0]
    # What an attack leaves holds from its level on until the next one that was attacked: all such lines have steps, so
    # that none seems to cross another where neither was measured.
    x = np.array([LEVELS[0], *attacked["eps"]])
    worst = levels["worst"].to_numpy()
    data: list[Part] = []
    if known is not None:
        upper = (known["proved"] + known["undecided"]).to_numpy()
        data += [
            _line(known["eps"], upper, ink.noise, "", width=0) | {"showlegend": False, "hoverinfo": "skip"},
            _line(known["eps"], known["proved"], ink.noise, "proved", width=2.4)
            | {"fill": "tonexty", "fillcolor": faint(ink.noise, 0.18)},
        ]
    data += [
        _line(x, worst, colour, "worst case", width=2.6) | {"line": {"color": colour, "width": 2.6, "shape": "hv"}},
    ]
    dotted = {
        "signal": (colour, "worst case, signal only", "dash", "diamond-open"),
        "published": (ink.text, "PGD (100 steps), as published", PAPER_DASH, "circle-open"),
    }
    data += [_points(attacked, column, *drawn) for column, drawn in dotted.items() if attacked[column].notna().any()]
    look = layout(ink, height, {"t": 64}, hovermode="closest", uirevision="verdict")
    if known is not None:
        look["annotations"] = [_undecided(known, ink)]
    axes = {
        "xaxis": axis(
            ink,
            "noise level ε, share of the beat's range",
            type="log",
            range=np.log10(LEVELS).tolist(),
            tickvals=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
        ),
        "yaxis": axis(ink, "accuracy, every class counting the same", range=[-0.02, 1.02], tickformat=".1f"),
    }
    return go.Figure({"data": data, "layout": look | axes})


def _undecided(known: pd.DataFrame, ink: Ink) -> Part:
    """The word in the band, where it is highest."""
    widest = known.iloc[int(known["undecided"].to_numpy().argmax())]
    return note(
        "undecided",
        float(np.log10(widest["eps"])),
        float(widest["proved"] + widest["undecided"] / 2),
        font={"color": ink.muted},
    )


def _line(x: np.ndarray | pd.Series, y: np.ndarray | pd.Series, colour: str, name: str, width: float) -> Part:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.asarray(x),
        "y": np.asarray(y),
        "name": name,
        "line": {"color": colour, "width": width},
        "hovertemplate": f"ε %{{x:.3g}}: <b>%{{y:.3f}}</b><extra>{name}</extra>",
    }


def _points(levels: pd.DataFrame, column: str, colour: str, name: str, dash: str, symbol: str) -> Part:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": levels["eps"].to_numpy(),
        "y": levels[column].to_numpy(),
        "name": name,
        "line": {"color": colour, "width": 1.6, "dash": dash, "shape": "hv"},
        "marker": {"symbol": symbol, "size": 8, "color": colour},
        "hovertemplate": f"ε %{{x:g}}: <b>%{{y:.3f}}</b><extra>{name}</extra>",
    }


def broken_by(counts: pd.DataFrame, ink: Ink, height: int = 460) -> go.Figure:
    """How many beats each attack was the first to break, level by level.

    Args:
        counts: of ``nsr_core.verdict.verdict.breaks``.
    """
    data = [
        {
            "type": "bar",
            "x": [f"{eps:g}" for eps in counts.index],
            "y": counts[attack].to_numpy(),
            "name": attack,
            "marker": {"color": ATTACK_COLOURS[number % len(ATTACK_COLOURS)]},
            "hovertemplate": f"ε %{{x}}: %{{y}} beats<extra>{attack}</extra>",
        }
        for number, attack in enumerate(counts.columns)
    ]
    look = layout(ink, height, {"t": 84}, barmode="stack", bargap=0.35)
    look["legend"] |= {"maxheight": 0.6}  # a phone has an attack a line: all of them, and still room for the bars
    axes = {
        "xaxis": axis(ink, "noise level ε at which they broke", type="category", showgrid=False),
        "yaxis": axis(ink, "beats"),
    }
    return go.Figure({"data": data, "layout": look | axes})
