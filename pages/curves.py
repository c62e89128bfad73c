"""Robustness curves: how accuracy falls with the noise, for any checkpoints under any of their attacks."""

import numpy as np
import pandas as pd
import streamlit as st

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
FLIP_OF, FLIP_AT = "flips_of", "flips_at"


def main() -> None:
    with frame.page("Robustness curves", LEAD):
        names = [name for name in frame.checkpoint_names() if loaders.readings_of(name)]
        if not names:
            st.info("No checkpoint here was attacked yet: `python -m nsr_core evaluate FOLDER`")
            return
        controls, result = st.columns([1, 3.1], gap="large")
        with controls:
            chosen, reading, measure, natural, alone, bands, published = _choose(names)
        with result:
            _show([name for name in chosen if reading in loaders.readings_of(name)], reading, measure, natural, alone,
                  bands, published)  # fmt: skip
        _evaluate_more(frame.checkpoint_names())


def _choose(names: list[str]) -> tuple[list[str], str, str, bool, bool, bool, bool]:
    chosen = st.multiselect(
        "Checkpoints", names, [name for name in FIRST_NETWORKS if name in names] or names[:4], key="checkpoints",
        bind="query-params", placeholder="Choose any number", help="Network and training method.",
    )  # fmt: skip
    known = list(dict.fromkeys(reading for name in names for reading in loaders.readings_of(name)))
    reading = st.selectbox(
        "Attack", known, known.index(FIRST_READING) if FIRST_READING in known else 0, key="under", bind="query-params",
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
    return chosen, reading, measure, natural, alone, bands, published


def _show(
    names: list[str], reading: str, measure: str, natural: bool, alone: bool, bands: bool, published: bool
) -> None:
    if not names:
        st.info(f"None of the chosen checkpoints has results under {reading}. Choose others, or attack them below.")
        return
    lines = [_line(name, reading, measure, natural, alone, published) for name in names]
    title = MEASURES[measure].title + (", natural prevalence" if natural else "")
    st.markdown(f"#### {title} under {ATTACK_TITLES.get(reading, reading)}")
    figure = robustness(lines, title, ink(), bands=bands)
    table = _table(lines)
    chart.draw(
        figure, key="curves", on_select=_click,
        alt=f"{title} against noise level. At 0.1: "
        + "; ".join(f"{line.title} {_at(line.curve, 0.1):.2f}" for line in lines),
    )  # fmt: skip
    st.caption(" ".join(sorted({_protocol(name, reading) for name in names})))
    if published and all(line.published is None for line in lines):
        st.caption("The paper has no such curve: it reports accuracy and precision at equal priors only.")
    chart.numbers(
        table, name=f"curves-{reading}-{measure}",
        figures=lambda: {title: robustness(lines, title, ink(), bands=bands)},
        facts={"attack": reading, "measure": measure, "natural": natural, "each_level_alone": alone,
               "protocols": {name: _protocol(name, reading) for name in names},
               "weights": {name: loaders.checkpoint(name).digest for name in names}},
    )  # fmt: skip
    _flips(lines, reading)


def _line(name: str, reading: str, measure: str, natural: bool, alone: bool, published: bool) -> Line:
    network, method = loaders.split_name(name)
    theirs = None
    if published and not natural and not name.startswith(loaders.OWN):
        tables = paper_tables()
        wanted = (tables["network"] == network) & (tables["method"] == method) & (tables["attack"] == reading)
        theirs = tables[wanted & (tables["metric"] == measure)].sort_values("eps")
    return Line(
        name, loaders.title(name), network, method, loaders.curve(name, reading, measure, natural, alone),
        None if theirs is None or theirs.empty else theirs,
    )  # fmt: skip


def _at(curve: pd.DataFrame, eps: float) -> float:
    return float(np.interp(eps, curve["eps"], curve["value"]))


def _table(lines: list[Line]) -> pd.DataFrame:
    parts = []
    for line in lines:
        part = line.curve.assign(checkpoint=line.name)
        if line.published is not None:
            part = part.merge(line.published[["eps", "value"]].rename(columns={"value": "published"}), "left", on="eps")
        parts.append(part)
    table = pd.concat(parts, ignore_index=True).round(4)
    return table[
        ["checkpoint", "eps", "value", "low", "high", "beats", *(["published"] if "published" in table else [])]
    ]


def _protocol(name: str, reading: str) -> str:
    """Under which rules these results came about, from the card."""
    card = loaders.checkpoint(name).card
    attack = "pgd" if reading.startswith("pgd") and reading[3:].isdigit() else reading
    ran = card["results"]["attacks"][attack]
    where = "signal samples only" if ran["signal_only"] else "padding included"
    return (
        f"Protocol: {ran['protocol']}; {ran['beats']}, {where}; split by {card['split']['name']} "
        f"`{card['split']['fingerprint']}`; attack seed {ran['seed']}, training seed {card['config']['seed']}, "
        f"{card['config']['epochs']} epochs. An attack that fails proves nothing."
    )


def _click() -> None:
    """A click on a point chooses whose beats are listed."""
    points = st.session_state["curves"].selection.points
    if points and points[0].get("customdata"):
        name, eps = points[0]["customdata"]
        st.session_state[FLIP_OF], st.session_state[FLIP_AT] = name, float(eps)


def _flips(lines: list[Line], reading: str) -> None:
    st.markdown("#### The beats that flip at a point")
    names = [line.name for line in lines]
    levels = sorted({float(eps) for line in lines for eps in line.curve["eps"]})
    if st.session_state.get(FLIP_OF) not in [None, *names]:
        del st.session_state[FLIP_OF]
    which, where = st.columns(2)
    name = which.selectbox("Checkpoint", names, key=FLIP_OF, bind="query-params")
    level = where.selectbox("Noise level ε", levels, min(2, len(levels) - 1), key=FLIP_AT, bind="query-params")
    if level and level not in loaders.curve(name, reading, "acc", False, False)["eps"].tolist():
        st.info(f"{loaders.title(name)} was not attacked at {level:g}.")
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
