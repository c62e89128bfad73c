"""Colours: one for one thing, on light pages and dark ones; one for each method on every page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st


@dataclass(frozen=True)
class Ink:
    """The colours of a figure on a light or on a dark page."""

    name: str
    trace: str
    attacked: str
    noise: str
    fine: str
    bold: str
    paper: str
    text: str
    muted: str
    grid: str
    page: str


@dataclass(frozen=True)
class Style:
    """How a method is drawn: a colour on light pages, one on dark pages, and a marker as a second cue."""

    light: str
    dark: str
    marker: str

    def colour(self, ink: Ink) -> str:
        return self.dark if ink.name == "dark" else self.light


LIGHT = Ink(
    "light",
    "#1B2530",
    "#D55E00",
    "#0072B2",
    "#F9DCDC",
    "#EFB3B3",
    "#FFFAFA",
    "#1B2530",
    "#5B6875",
    "#E3E8ED",
    "#FFFFFF",
)
DARK = Ink(
    "dark", "#E8EDF2", "#FF9E4A", "#56B4E9", "#332328", "#53343B", "#181417", "#E8EDF2", "#9AA7B4", "#2B3540", "#12171D"
)

#: After Okabe & Ito, whose colours stay apart for the colour-blind; yellow is too faint on white and left out.
METHOD_STYLES = {
    "ce": Style("#1B2530", "#E8EDF2", "circle"),
    "mse": Style("#8A8F94", "#8A8F94", "square"),
    "mseMargin": Style("#C98A00", "#E69F00", "diamond"),
    "loss1": Style("#CC79A7", "#CC79A7", "triangle-up"),
    "loss2": Style("#D55E00", "#FF7A1A", "star"),
    "jacob": Style("#009E73", "#00B887", "cross"),
    "adv0.1": Style("#56B4E9", "#8FD0F7", "triangle-down"),
    "adv0.2": Style("#0072B2", "#3FA0DC", "pentagon"),
    "adv0.3": Style("#5B4B9A", "#9E8CE0", "hexagon"),
    "at0.1": Style("#8B1E3F", "#F0708F", "bowtie"),
    "trades0.1": Style("#5E7D1B", "#A8CF4C", "hourglass"),
    "mtl-ibp0.05": Style("#00736B", "#3FD0C4", "star-square"),
    "mtl-ibp0.1": Style("#7A1FA2", "#D98CF5", "star-diamond"),
}
#: Of the five classes, on light pages and on dark ones; a letter always says it too.
CLASS_COLOURS = {
    "N": ("#A9D8C8", "#2C6E5A"),
    "S": ("#F3CF86", "#8A6410"),
    "V": ("#F2A585", "#A1421A"),
    "F": ("#E5B5D2", "#86497A"),
    "Q": ("#B3D6EF", "#2F648A"),
}
OTHER_STYLE = Style("#7A5C3E", "#C9A27E", "x")
#: A network's lines are dashed in its own way wherever two networks share a figure.
NETWORK_DASHES = {"mlp": "solid", "cnn": "dash"}
OTHER_DASH, PAPER_DASH = "dashdot", "dot"
#: Dots are the paper's; the others tell apart lines of one method.
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot")
#: In pixels. Below there is room for the numbers at the axis, its title, and under both the line of ``chart.stamp``.
MARGIN = {"l": 8, "r": 16, "t": 40, "b": 64}


#: Up to this width in pixels Streamlit puts columns under each other.
NARROW_PX = 640
#: The words on a button, a tag or whatever else has the primary colour behind it (see .streamlit/config.toml).
ON_PRIMARY = {"light": "#FFFFFF", "dark": DARK.page}


def style(ink: Ink) -> str:
    """What Streamlit's theme cannot say of every page: no void above it, words that can be read, nothing that covers another."""
    return f"""<style>
.stMainBlockContainer {{padding-top: 4.75rem}}
/* Streamlit fades captions until they cannot be read. */
[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] * {{opacity: 1}}
[data-testid=stCaptionContainer] :is(p, li) {{color: {ink.muted}}}
/* So it does with an answer that was given. */
[data-testid=stSlider]:has(input:disabled) p {{color: {ink.muted}}}
button[kind^=primary], button[kind^=primary] *, [data-tag], [data-tag] * {{color: {ON_PRIMARY[ink.name]}}}
/* What can be switched on is seen while it is off. */
[data-testid=stRadioOption]:not([data-selected], [data-disabled]) > div > div:first-child {{border-color: {ink.muted}}}
[data-testid=stCheckbox] > label:not([data-selected], [data-disabled]):has([role=switch]) > span + div {{background-color: {ink.muted}}}
/* All of what was chosen, on as many lines as it takes. */
[data-testid=stMultiSelect] .react-aria-ComboBox, [data-testid=stMultiSelect] .react-aria-ComboBox > [role=group],
[data-testid=stMultiSelectTagsContainer] {{height: auto; max-height: none}}
[data-testid=stMultiSelectTagsContainer] {{overflow: visible; mask: none; min-width: 0; flex: 1 1 0}}
[data-testid=stMultiSelectTagsContainer] > [role=group] > span {{min-width: 0; max-width: 100%; height: auto; flex-shrink: 1}}
[data-testid=stMultiSelectTagsContainer] > [role=group] > span > span {{white-space: normal; max-width: none}}
[data-testid=stMultiSelectTagsContainer], [data-testid=stMultiSelectTagsContainer] > [role=group] {{display: flex; flex-wrap: wrap; gap: 4px}}
/* Room for the strokes that reach out of a formula's box, which made it a region to be scrolled by a pixel or two. */
.katex-display {{padding: 8px 2px 8px 0; overflow-y: hidden}}
/* Beside something else on a tablet. */
@media (641px <= width <= 1100px) {{.katex-display {{font-size: 0.75em}}}}
@media (641px <= width <= 860px) {{.katex-display {{font-size: 0.6em}}}}
/* Plotly's buttons, which appear over the legend otherwise: in the lower left corner, where nothing is. */
.js-plotly-plot .plotly .modebar-container {{top: auto !important; bottom: 0}}
.js-plotly-plot .plotly .modebar {{top: auto; right: auto; bottom: 2px; left: 2px}}
/* On a phone a page's first words leave room for its answer. */
@media (max-width: {NARROW_PX}px) {{
.stMainBlockContainer {{padding-top: 4rem}}
.stMainBlockContainer h1 {{font-size: 1.75rem; padding: 0.25rem 0}}
.stMainBlockContainer h4 {{font-size: 1.1rem; padding: 0.25rem 0}}
}}
</style>"""


def ink() -> Ink:
    """The colours for the theme that the reader has chosen."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def class_colour(name: str, ink: Ink) -> str:
    """The colour of a class, light enough (on a dark page: dark enough) for words on it."""
    return CLASS_COLOURS[name][ink.name == "dark"]


@dataclass(frozen=True)
class Look:
    """How one network's line is drawn in a figure."""

    colour: str
    dash: str
    marker: str


def looks(lines: Iterable[tuple[str, str]], ink: Ink) -> list[Look]:
    """The lines of a figure: a method's own colour, and never one look for two.

    Args:
        lines: network and method of each; two may be alike, such as the same trained on other patients or from another seed.
    """
    given: list[Look] = []
    for network, method in lines:
        style = method_style(method)
        colour, usual = style.colour(ink), NETWORK_DASHES.get(network, OTHER_DASH)
        others = [dash for dash in DASHES if dash != usual]
        # Marker by marker; the dash that says the network comes first.
        possible = (
            Look(colour, dash, marker) for marker in (style.marker, f"{style.marker}-open") for dash in (usual, *others)
        )
        given.append(next((look for look in possible if look not in given), Look(colour, usual, style.marker)))
    return given


#: What a marker of one method may look like besides.
_MARKER_KINDS = ("", "-open", "-dot", "-open-dot")


def symbols(methods: Iterable[str]) -> list[str]:
    """The markers of networks that are drawn without lines: a method's own, of another kind for each more of one method."""
    given: list[str] = []
    for method in methods:
        marker = method_style(method).marker
        kinds = [marker + kind for kind in _MARKER_KINDS]
        given.append(next((kind for kind in kinds if kind not in given), marker))
    return given


def method_style(method: str) -> Style:
    return METHOD_STYLES.get(method, OTHER_STYLE)


def axis(ink: Ink, title: str = "", /, **changes: object) -> dict[str, Any]:
    """An axis as all figures but ECG paper have it: a faint grid and no box."""
    words = {"title": axis_title(ink, title)} if title else {}
    quiet = {"tickfont": {"color": ink.muted}, "gridcolor": ink.grid, "linecolor": ink.grid}
    return quiet | {"zeroline": False, "automargin": True} | words | changes


def axis_title(ink: Ink, text: str) -> dict[str, Any]:
    """An axis's words, smaller and fainter than the figure's own."""
    return {"text": text, "standoff": 8, "font": {"size": 12, "color": ink.muted}}


def layout(ink: Ink, height: int, margin: dict[str, int] | None = None, **changes: object) -> dict[str, Any]:
    """The layout that all figures share: no background, the legend above.

    A figure that is made in one piece, ``go.Figure({"data": ..., "layout": layout(...)})``, is made in 2 ms; one that is
    updated part by part takes 20 to 40.

    Args:
        margin: the sides that are not as usual.
        changes: take the place of what is shared.
    """
    shared = {
        "height": height,
        "margin": MARGIN | (margin or {}),
        "plot_bgcolor": "rgba(0,0,0,0)",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": ink.text, "family": '"Source Sans", "Source Sans Pro", sans-serif', "size": 13},
        "template": "none",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": ink.text}},
        "hoverlabel": {"namelength": -1},
    }
    return shared | changes
