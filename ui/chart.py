"""A figure on a page: the drawing, its words for those who cannot see it, its numbers, and its files."""

import html
import io
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nsr_core import DISCLAIMER, __version__
from nsr_core.data.beats import CITATION
from nsr_core.writing import finite
from ui import presenting
from ui.theme import DARK, LIGHT

#: Of Plotly's words where a figure says nothing else.
FONT_SIZE = 12
#: Plotly's own buttons that no one needs here.
_REMOVED = ["select2d", "lasso2d", "autoScale2d", "toggleSpikelines"]


def draw(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    on_select: Any = "ignore",
    selection_mode: Any = "points",
    buttons: bool = True,
) -> Any:
    """Draw a figure; where it can be saved, what it must not be used for stands in its corner.

    Args:
        key: names the figure on its page; its picture is saved under it.
        alt: what the figure shows, for a screen reader.
        on_select, selection_mode: as in ``st.plotly_chart``.
        buttons: whether zoom and camera buttons appear over it, for all but the smallest.
    """
    if presenting.is_on():
        figure.update_layout(font_size=FONT_SIZE * presenting.LARGER)
    picture = {"format": st.session_state.get("picture_format", "svg"), "filename": key, "scale": 2}
    config = {"displaylogo": False, "modeBarButtonsToRemove": _REMOVED, "toImageButtonOptions": picture}
    return st.plotly_chart(
        stamp(figure) if buttons else figure,
        width="stretch",
        key=key,
        alt=alt,
        on_select=on_select,
        selection_mode=selection_mode,
        theme=None,  # the figure has all its colours, here and in a saved file alike
        config=config | {"displayModeBar": "hover" if buttons else False},
    )


def roll(key: str, least_px: int) -> DeltaGenerator:
    """A container whose figure is at least so wide: a phone scrolls sideways over it, as one unrolls paper."""
    inner = f".st-key-{key} :is([data-testid=stPlotlyChart], [data-testid=stElementContainer])"
    st.html(f"<style>.st-key-{key} {{overflow-x: auto}} {inner} {{min-width: {least_px}px}}</style>")
    return st.container(key=key)


def stamp(figure: go.Figure) -> go.Figure:
    """The figure with the disclaimer in its lower right corner."""
    words = {"text": DISCLAIMER, "font": {"size": 9}, "pad": {"b": 2, "r": 4}}
    place = {"x": 1, "xref": "container", "xanchor": "right", "y": 0, "yref": "container", "yanchor": "bottom"}
    figure.layout.title = words | place  # by update_layout it takes 8 ms instead of 0.4
    return figure


def numbers(
    table: pd.DataFrame,
    *,
    name: str,
    shown: pd.DataFrame | None = None,
    figures: Callable[[], dict[str, go.Figure]] | None = None,
    facts: dict[str, Any] | None = None,
    label: str = "Data and downloads",
    expanded: bool = False,
    column_config: dict[str, Any] | None = None,
) -> None:
    """The table under a figure, and downloads of all of it.

    Args:
        table: the figure's numbers, rounded as they should be read.
        name: of the files, without an ending.
        shown: what of it the page shows, where all of it is too much for a browser.
        figures: makes those that are offered as a web page, by title; called when the page is asked for.
        expanded: whether the table shows at once.
        facts: what each file should say beside the table: settings, seed, checkpoint digests.
    """
    facts = facts or {}
    with st.expander(label, expanded, icon=":material/table:"):
        st.dataframe(
            table if shown is None else shown, hide_index=True, column_config=column_config, key=f"{name}_table"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            download_csv(table, name, "CSV", facts)
            st.download_button(
                "JSON",
                partial(as_json, facts, table),
                f"{name}.json",
                "application/json",
                key=f"{name}_json",
                on_click="ignore",
                icon=":material/download:",
            )
            if figures:
                st.download_button(
                    "Figure (HTML)",
                    partial(as_page, figures, facts),
                    f"{name}.html",
                    "text/html",
                    key=f"{name}_html",
                    on_click="ignore",
                    icon=":material/download:",
                )
                st.segmented_control(
                    "Camera button saves",
                    ["svg", "png"],
                    default="svg",
                    required=True,
                    key=f"{name}_picture",
                    format_func=str.upper,
                    on_change=_choose_picture,
                    args=(f"{name}_picture",),
                    help="The camera appears over a figure when you point at it.",
                )


def download_csv(table: pd.DataFrame, name: str, label: str, facts: dict[str, Any]) -> None:
    """A button that saves a table as ``name.csv``, with the facts as in ``numbers``."""
    st.download_button(
        label,
        partial(as_csv, facts, table),
        f"{name}.csv",
        "text/csv",
        key=f"{name}_csv",
        on_click="ignore",
        icon=":material/download:",
    )


def _choose_picture(key: str) -> None:
    st.session_state["picture_format"] = st.session_state[key]


def as_csv(facts: dict[str, Any], table: pd.DataFrame) -> str:
    """Comma-separated, below a comment line for each fact (pandas: ``read_csv(..., comment="#")``)."""
    text = io.StringIO()
    for name, value in _result(facts).items():
        text.write(f"# {name}: {_on_one_line(value)}\n")
    table.to_csv(text, index=False)
    return text.getvalue()


def _on_one_line(value: Any) -> str:
    plain = isinstance(value, str) and value.isprintable()
    return value if plain else json.dumps(value, ensure_ascii=False, allow_nan=False)


def as_json(facts: dict[str, Any], table: pd.DataFrame) -> str:
    """The table's rows below all facts about them."""
    rows = json.loads(table.to_json(orient="records"))
    return json.dumps(_result(facts) | {"rows": rows}, indent=2, allow_nan=False)


def _result(facts: dict[str, Any]) -> dict[str, Any]:
    """What a file says beside its table: disclaimer, program and data first, whose places no fact takes."""
    fixed = {"use": DISCLAIMER, "nsr_core": __version__, "citation": CITATION}
    return fixed | finite(facts) | fixed


def as_page(make_figures: Callable[[], dict[str, go.Figure]], facts: dict[str, Any]) -> str:
    """Figures and facts as one HTML file that needs no network."""
    parts = [
        f"<h2>{html.escape(title)}</h2>" + _on_a_page(figure).to_html(full_html=False, include_plotlyjs=number == 0)
        for number, (title, figure) in enumerate(make_figures().items())
    ]
    result = html.escape(json.dumps(facts, indent=2))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>ECG robustness lab</title>"
        "<body style='font-family:sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem'>"
        f"<p><strong>{html.escape(DISCLAIMER)}</strong></p>{''.join(parts)}<pre>{result}</pre>"
        f"<p><small>{html.escape(CITATION)}</small></p></body></html>"
    )


def _on_a_page(figure: go.Figure) -> go.Figure:
    """The figure with the page's own background behind it, which on a dark page is dark."""
    dark = figure.layout.font.color == DARK.text
    return go.Figure(figure).update_layout(paper_bgcolor=DARK.page if dark else LIGHT.page)
