"""Robustness curves: how accuracy falls with the noise, for any checkpoints under any of their attacks."""

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nsr_core.attacks import ATTACKS
from nsr_core.data import CLASSES
from nsr_core.errors import UserError
from nsr_core.evaluation.curves import MEASURES
from nsr_core.evaluation.paper import paper_tables
from nsr_core.evaluation.report import ATTACK_TITLES
from nsr_core.jobs import submit
from nsr_core.jobs.copies import own_copy
from nsr_core.jobs.tasks import Evaluation
from ui import chart, frame, loaders, run_list, sources
from ui.curve_figures import Line, robustness
from ui.links import page_link
from ui.theme import ink

LEAD = (
    "How much of a network's accuracy is left when every beat is attacked? Every point is counted from stored results, "
    "beat by beat; click one to see the beats behind it."
)
FIRST_NETWORKS = ("mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-adv0.1")
FIRST_READING = "pgd100"
FLIPS_OF, FLIPS_UNDER, FLIPS_AT = "flips_of", "flips_under", "flips_at"


@dataclass(frozen=True)
class View:
    """What the widgets say."""

    names: list[str]
    readings: list[str]
    measure: str
    natural: bool
    alone: bool
    bands: bool
    published: bool

    @property
    def title(self) -> str:
        return MEASURES[self.measure].title + (", natural prevalence" if self.natural else "")


def main() -> None:
    with frame.page("Robustness curves", LEAD):
        names = [name for name in frame.checkpoint_names() if loaders.readings_of(name)]
        if not names:
            st.info("No checkpoint here was attacked yet: `python -m nsr_core evaluate FOLDER`")
            return
        controls, result = st.columns([1, 3.1], gap="large")
        with controls:
            view = _choose(names)
        with result:
            _show(view)
        _evaluate_more(frame.checkpoint_names())


def _choose(names: list[str]) -> View:
    chosen = st.multiselect(
        "Checkpoints", names, [name for name in FIRST_NETWORKS if name in names] or names[:4], key="checkpoints",
        bind="query-params", placeholder="Choose any number", help="Network and training method.",
    )  # fmt: skip
    known = list(dict.fromkeys(reading for name in names for reading in loaders.readings_of(name)))
    readings = st.multiselect(
        "Attacks", known, [FIRST_READING] if FIRST_READING in known else known[:1], key="under", bind="query-params",
        help="pgd20 and pgd100: the published PGD with 20 and 100 steps. spsa: a black-box attack, on fewer beats.",
    )  # fmt: skip
    measure = st.selectbox("Measure", list(MEASURES), key="measure", bind="query-params")
    st.caption(MEASURES[measure].title)
    natural = st.toggle(
        "Natural prevalence", key="natural", bind="query-params",
        help="Off: every class counts the same, as in the paper. On: classes as frequent as among the beats, where nine "
        "of ten are normal.",
    )  # fmt: skip
    alone = st.toggle(
        "Each noise level alone", key="alone", bind="query-params",
        help="Off: a beat that was broken at one noise level counts as broken at every larger one, which contains it. "
        "On: as the paper reports, where an attack's misses at larger levels count as robustness.",
    )  # fmt: skip
    bands = st.toggle(
        "Intervals", value=True, key="bands", bind="query-params",
        help="95 %, from 1,000 resamples of the beats. Beats of one patient are not independent, so for new patients "
        "they read too narrow.",
    )  # fmt: skip
    published = st.toggle(
        "Published curves", key="with_published", bind="query-params",
        help="The paper's own values, dotted. They are read with each noise level alone.",
    )  # fmt: skip
    return View(chosen, readings, measure, natural, alone, bands, published)


def _show(view: View) -> None:
    panels = {
        reading: [name for name in view.names if reading in loaders.readings_of(name)] for reading in view.readings
    }
    panels = {reading: names for reading, names in panels.items() if names}
    if not panels:
        st.info("Choose a checkpoint and an attack that it has results of; or attack one anew below.")
        return
    lines = {reading: [_line(name, reading, view) for name in names] for reading, names in panels.items()}
    for column, reading in zip(_places(len(lines)), lines, strict=True):
        with column:
            _panel(lines[reading], reading, view, height=520 if len(lines) == 1 else 420)
    for sentence in sorted({loaders.protocol(line.name, reading) for reading in lines for line in lines[reading]}):
        st.caption(sentence)
    if view.published and all(line.published is None for part in lines.values() for line in part):
        st.caption("The paper has no such curve: it reports accuracy and precision at equal priors only.")
    chart.numbers(
        _table(lines), name=f"curves-{'-'.join(lines)}-{view.measure}",
        figures=lambda: {
            _heading(reading, view): robustness(part, view.title, ink(), bands=view.bands) for reading, part in lines.items()
        },
        facts={"view": asdict(view),
               "protocols": {f"{line.name} {reading}": loaders.protocol(line.name, reading) for reading in lines for line in lines[reading]},
               "weights": {name: loaders.checkpoint(name).digest for names in panels.values() for name in names}},
    )  # fmt: skip
    _flips(lines)


def _places(count: int) -> list[DeltaGenerator]:
    """Where so many panels go: one over the whole width, more in rows of two."""
    if count == 1:
        return [st.container()]
    rows = [st.columns(2, gap="medium") for _ in range(0, count, 2)]
    return [column for row in rows for column in row][:count]


def _heading(reading: str, view: View) -> str:
    return f"{view.title} under {ATTACK_TITLES.get(reading, reading)}"


def _panel(lines: list[Line], reading: str, view: View, height: int) -> None:
    st.markdown(f"#### {_heading(reading, view)}")
    chart.draw(
        robustness(lines, view.title, ink(), bands=view.bands, height=height),
        key=f"curves_{reading}", on_select=partial(_click, reading),
        alt=f"{_heading(reading, view)} against noise level. At 0.1: "
        + "; ".join(f"{line.title} {_at(line.curve, 0.1):.2f}" for line in lines),
    )  # fmt: skip


def _line(name: str, reading: str, view: View) -> Line:
    network, method = loaders.split_name(name)
    theirs = None
    if view.published and not view.natural and not name.startswith(loaders.OWN):
        tables = paper_tables()
        wanted = (tables["network"] == network) & (tables["method"] == method) & (tables["attack"] == reading)
        theirs = tables[wanted & (tables["metric"] == view.measure)].sort_values("eps")
    ours = loaders.curve(name, reading, view.measure, view.natural, view.alone)
    return Line(name, loaders.title(name), network, method, ours, None if theirs is None or theirs.empty else theirs)


def _at(curve: pd.DataFrame, eps: float) -> float:
    return float(np.interp(eps, curve["eps"], curve["value"]))


def _table(lines: dict[str, list[Line]]) -> pd.DataFrame:
    parts = []
    for reading, line in ((reading, line) for reading, part in lines.items() for line in part):
        part = line.curve.assign(checkpoint=line.name, attack=reading)
        if line.published is not None:
            part = part.merge(line.published[["eps", "value"]].rename(columns={"value": "published"}), "left", on="eps")
        parts.append(part)
    table = pd.concat(parts, ignore_index=True).round(4)
    columns = ["checkpoint", "attack", "eps", "value", "low", "high", "beats"]
    return table[columns + (["published"] if "published" in table else [])]


def _click(reading: str) -> None:
    """A click on a point chooses whose beats are listed."""
    points = st.session_state[f"curves_{reading}"].selection.points
    if points and points[0].get("customdata"):
        name, eps = points[0]["customdata"]
        st.session_state[FLIPS_OF], st.session_state[FLIPS_UNDER], st.session_state[FLIPS_AT] = (
            name,
            reading,
            float(eps),
        )


def _flips(lines: dict[str, list[Line]]) -> None:
    st.markdown("#### The beats that flip at a point")
    names = list(dict.fromkeys(line.name for part in lines.values() for line in part))
    levels = sorted({float(eps) for part in lines.values() for line in part for eps in line.curve["eps"]})
    for key, options in ((FLIPS_OF, names), (FLIPS_UNDER, list(lines)), (FLIPS_AT, levels)):
        if st.session_state.get(key, options[0]) not in options:
            del st.session_state[key]
    which, under, where = st.columns(3)
    name = which.selectbox("Checkpoint", names, key=FLIPS_OF, bind="query-params")
    reading = under.selectbox("Attack", list(lines), key=FLIPS_UNDER, bind="query-params")
    level = where.selectbox("Noise level ε", levels, min(2, len(levels) - 1), key=FLIPS_AT, bind="query-params")
    known = {line.name: line.curve["eps"].tolist() for line in lines[reading]}
    if level not in known.get(name, []):
        st.info(f"{loaders.title(name)} was not attacked by {reading} at {level:g}.")
        return
    found = loaders.beats_that_flip(name, reading, level)
    st.markdown(
        f"**{len(found):,} beats** are "
        + (
            "misread without any noise."
            if level == 0
            else f"read correctly at every smaller level and misread at {level:g}."
        )
    )
    shown = pd.DataFrame(
        {
            "beat": found["record"].astype(str) + ":" + found["sample"].astype(str),
            "class": np.array(CLASSES)[found["y"]],
            "read as": np.array(CLASSES)[found["pred"]],
            "step": found["step"],
        }
    )
    picked = st.dataframe(
        shown, hide_index=True, height=260, key="flips", on_select="rerun", selection_mode="single-row",
        column_config={"step": st.column_config.NumberColumn(help="The attack's step of first success.")},
    )  # fmt: skip
    _open(shown, picked.selection.rows, name, level)
    chart.download_csv(shown, f"flips-{name.replace('/', '-')}-{reading}-{level:g}", "These beats (CSV)")


def _open(shown: pd.DataFrame, rows: list[int], name: str, level: float) -> None:
    """The way to the Beat lab for the picked beat, where its signal is on this machine."""
    if not rows:
        st.caption("Pick a row to open its beat in the Beat lab.")
        return
    beat = str(shown["beat"].iloc[rows[0]])
    settings = {"beat": beat, "models": name, "eps": f"{max(level, 0.01):g}", "signal": "false"}
    source = loaders.checkpoint(name).config.source
    if not sources.can_show(source):
        st.caption(
            f"Beat {beat} is one of the {sources.TITLES[source]}, which are not on this machine. The Beat lab offers them."
        )
    page_link(
        "pages/beat_lab.py", f"Open {beat} in the Beat lab", ":material/ecg_heart:", settings | {"source": source}
    )


def _evaluate_more(names: list[str]) -> None:
    with st.expander("Attack a checkpoint with something else", icon=":material/play_circle:"):
        st.markdown(
            "A run in the background: it goes on when this page is closed, and its results appear above. A checkpoint that "
            "came with the program is copied first, so that its own results stay as they are."
        )
        with st.form("evaluate", border=False):
            first, second = st.columns(2)
            name = first.selectbox("Checkpoint", names, key="evaluate_name")
            attack = second.selectbox("Attack", list(ATTACKS), list(ATTACKS).index("fgsm"), key="evaluate_attack")
            per_class = first.number_input(
                "Test beats of each class", 1, 20_000, 100, key="evaluate_beats",
                help="The first so many. PGD-100 takes about a second for 500 beats of an MLP, SPSA a hundred times that.",
            )  # fmt: skip
            signal_only = second.toggle("Noise on the signal only", value=True, key="evaluate_signal")
            start = st.form_submit_button("Start", type="primary", icon=":material/play_arrow:")
        if start:
            _start(name, attack, int(per_class), signal_only)
        run_list.show("evaluate")


def _start(name: str, attack: str, per_class: int, signal_only: bool) -> None:
    source = loaders.checkpoint(name).config.source
    if not sources.can_show(source):
        st.error(
            f"{loaders.title(name)} is tested on the {sources.TITLES[source]}, which are not on this machine. Fetch them "
            "first: the Beat lab and the Data page offer it under “Change beats”."
        )
        return
    try:
        folder = own_copy(loaders.folder_of(name))
        submit(
            Evaluation(
                str(folder), (attack,), per_class=per_class, signal_only=signal_only, replace_results=True,
                root=sources.root_of(source),
            )
        )  # fmt: skip
    except UserError as error:
        st.error(str(error))


main()
