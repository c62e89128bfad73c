"""Paper: its twelve tables beside ours, its eight figures from our results, and what we do differently."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.errors import UserError
from nsr_core.evaluation.paper import paper_tables
from nsr_core.evaluation.replication import (
    CLAIMS,
    CURVE_FIGURES,
    DEVIATIONS,
    FIGURE_8_EPS,
    Alignment,
    Replica,
    Verdict,
    aim,
    align,
    angles_deg,
    distances,
    judge,
    noisy_beats,
    outside_aim,
    provenance,
    replication,
    sample_rows,
    table_number,
    typical,
)
from nsr_core.evaluation.report import ATTACK_TITLES, METRIC_TITLES
from nsr_core.evaluation.single import BeatAttack, noise_level
from ui import chart, ecg, frame, loaders, paper_figures, sources
from ui.beat_choice import choose_beat
from ui.links import page_link
from ui.theme import ink

LEAD = (
    "Ma L, Liang L (2020). *Improve Robustness of DNN for ECG Signal Classification: A Noise-to-Signal Ratio "
    "Perspective.* University of Miami · two networks, nine ways to train them, three attacks, MIT-BIH beats · "
    "[the authors' code](https://github.com/SarielMa/ICLR2020_AI4AH)"
)
VIEWS = ("Tables", "Figures", "Differences")
FIGURES = {
    number: f"{ATTACK_TITLES[attack]} on the {network.upper()}" for number, (network, attack) in CURVE_FIGURES.items()
}
FIGURES |= {3: "The beat $x$ and $w_y$ as arrows", 8: "A beat under growing noise"}
FIGURES = {number: FIGURES[number] for number in sorted(FIGURES)}
#: A panel of Figure 8; a narrow phone holds one, a wide screen four.
PANEL_PX = 292
ICONS = {
    "holds": ":material/check_circle:", "partly": ":material/contrast:", "fails": ":material/cancel:",
    "open": ":material/pending:",
}  # fmt: skip


def main() -> None:
    with frame.page("Paper", LEAD):
        view = st.segmented_control(
            "Show",
            VIEWS,
            default=VIEWS[0],
            required=True,
            key="section",
            bind="query-params",
            label_visibility="collapsed",
        )
        replicas = _replicas()
        rows = replication(replicas)
        if view == "Figures":
            _figures(rows)
        elif view == "Differences":
            _differences(replicas, rows)
        else:
            _tables(rows)


def _replicas() -> list[Replica]:
    """The shipped checkpoints; one that cannot be read is named and left out."""
    found = []
    for name in loaders.checkpoint_names():
        if name.startswith(loaders.OWN):
            continue
        try:
            found.append(Replica.of(loaders.checkpoint(name), loaders.summary(name)))
        except UserError as error:
            st.warning(f"{name} is left out: {error}")
    return found


# Tables


def _tables(rows: pd.DataFrame) -> None:
    st.markdown(
        "How far our results are from the published ones: the **mean distance** of a method to a table is |ours - "
        "paper|, averaged over the seven noise levels; here in hundredths. Click a cell to open its table."
        + (" A star: not by the paper's protocol; the table says how." if (rows["protocol"] == "custom").any() else "")
    )
    all_tables, one_table = st.columns([1, 1.35], gap="large")
    with one_table:
        table = _choose_table()
        _one_table(rows[rows["table"] == table])
    with all_tables:
        found = distances(rows)
        figure = paper_figures.overview(found, table, ink())
        chart.draw(figure, key="overview", alt=_overview_alt(found), on_select=_open_clicked)
        shown = found.rename(columns={"distance": "mean distance", "levels": "noise levels"})
        chart.numbers(
            shown.round({"mean distance": 4}), name="distances-to-the-paper", figures=lambda: {"Mean distance": figure},
            facts=provenance(rows), label="All mean distances",
        )  # fmt: skip


def _choose_table() -> int:
    """Network, attack and metric name a table, and its number names them; whichever changes, the others follow."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        table = st.selectbox(
            "Table", sorted(paper_tables()["table"].unique().tolist()), index=4, key="table", bind="query-params", width=90,
            help="Its number in the paper.",
        )  # fmt: skip
        first = paper_tables()[paper_tables()["table"] == table].iloc[0]
        words = {
            "network": ("Network", {"mlp": "MLP", "cnn": "CNN"}, "MLP: fully connected. CNN: convolutional."),
            "attack": ("Attack", ATTACK_TITLES, "PGD climbs the gradient for 20 or 100 steps. SPSA needs no gradient."),
            "metric": (
                "Metric", METRIC_TITLES,
                "ACC: share of beats read correctly. PREC: how often a reading is right. Both with all classes equally "
                "frequent, mean over the five classes.",
            ),
        }  # fmt: skip
        for key, (label, titles, told) in words.items():
            st.session_state[f"table_{key}"] = str(first[key])
            st.segmented_control(
                label, list(titles), required=True, format_func=titles.__getitem__, key=f"table_{key}", help=told,
                on_change=_follow,
            )  # fmt: skip
    return table


def _follow() -> None:
    chosen = (st.session_state[f"table_{key}"] for key in ("network", "attack", "metric"))
    st.session_state["table"] = table_number(*chosen)


def _open_clicked() -> None:
    points = st.session_state["overview"]["selection"]["points"]
    if points:
        clicked = points[0]["customdata"]
        st.session_state["table"] = int(clicked[0] if isinstance(clicked, list) else clicked)


def _overview_alt(found: pd.DataFrame) -> str:
    known = found.dropna(subset="distance")
    if known.empty:
        return "Mean distance to each of the paper's tables; no result of ours is here."
    far = known.loc[known["distance"].idxmax()]
    return (
        f"Mean distance to the paper's tables by method: median {known['distance'].median():.3f}, largest "
        f"{far['distance']:.3f} ({far['method']}, Table {far['table']}); {len(found) - len(known)} of {len(found)} missing."
    )


def _one_table(rows: pd.DataFrame) -> None:
    first = rows.iloc[0]
    title = f"Table {first['table']}: {paper_figures.table_title(first)}"
    st.markdown(f"##### {title}")
    st.caption(
        "**Ours**, (the paper's), and ours - paper. Blue: ours is lower, less robust than published. Orange: ours is higher."
    )
    figure = paper_figures.cells(rows, ink())
    known = rows[rows["missing"] == ""]
    chart.draw(
        figure, key="cells",
        alt=f"{title}, ours beside the paper's. "
        + (
            f"Differences from {known['difference'].min():+.2f} to {known['difference'].max():+.2f}."
            if len(known)
            else "Ours is missing."
        ),
    )  # fmt: skip
    _what_is_missing(rows)
    st.caption(_protocol(rows))
    _starred(rows)
    mended = known.groupby("method", sort=False)["mended"].sum()
    with st.popover("What “mended” means", icon=":material/help:"):
        st.markdown(
            "A larger noise budget contains every smaller one. A beat that was broken at 0.05 and “held” at 0.1 was only "
            "missed there. The paper lets each noise level stand alone, and so do these cells; such a beat counts as right "
            "again. Elsewhere in this app it stays broken: it is **mended**."
        )
        if len(mended):
            counts = ", ".join(f"{method} {count:,.0f}" for method, count in mended.items())
            st.markdown(f"Mended here, all noise levels together: {counts}.")
    columns = [
        "method", "eps", "ours", "paper", "difference", "low", "high", "beats", "mended", "protocol", "departures",
        "epochs", "split", "seed", "attack_seed", "checkpoint", "digest", "missing",
    ]  # fmt: skip
    chart.numbers(
        rows[columns].round({"difference": 5}), name=f"paper-table-{first['table']}", figures=lambda: {title: figure},
        facts={"table": int(first["table"]), "title": title} | provenance(rows),
        column_config={
            "low": st.column_config.NumberColumn(
                help="Lower end of the 95 % bootstrap interval over the beats; where no beat was mended, ACC only"
            ),
            "high": st.column_config.NumberColumn(help="Upper end of that interval"),
        },
    )  # fmt: skip


def _what_is_missing(rows: pd.DataFrame) -> None:
    gone = rows[rows["missing"] != ""]
    for why, methods in gone.groupby("missing", sort=False)["method"].unique().items():
        listed = "All nine methods" if len(methods) == rows["method"].nunique() else ", ".join(methods)
        st.info(f"{listed}: {why}. The published values stand alone.", icon=":material/hourglass_empty:")


def _protocol(rows: pd.DataFrame) -> str:
    """Under which rules our values came about."""
    facts = provenance(rows)
    if not facts["methods"]:
        return "No result of ours is here yet."
    listed = {
        name: " and ".join(f"{value:,}" for value in facts[name]) for name in ("beats", "epochs", "seed", "attack_seed")
    }
    return (
        f"Ours: {len(facts['methods'])} of {rows['method'].nunique()} methods, protocol {' and '.join(facts['protocol'])}, "
        f"{listed['epochs']} epochs, {listed['beats']} test beats, split `{'`, `'.join(facts['split'])}`, training seed "
        f"{listed['seed']}, attack seed {listed['attack_seed']}. Each noise level alone, as published. That an attack fails "
        "does not prove that none succeeds."
    )


def _starred(rows: pd.DataFrame) -> None:
    """What is not by the paper protocol, and how."""
    custom = rows[rows["protocol"] == "custom"].drop_duplicates("method")
    for row in custom.itertuples():
        note = f" {row.note}" if row.note else ""
        st.markdown(
            f"**{row.method} \\*** protocol custom: {row.departures or 'see its card'} ({row.beats:,.0f} beats).{note}"
        )


# Figures


def _figures(rows: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        number = st.segmented_control(
            "Figure of the paper", list(FIGURES), default=1, required=True, key="figure", bind="query-params"
        )
        overlay = number in CURVE_FIGURES and st.toggle(
            "Published curves", value=True, key="published", bind="query-params", help="The paper's own values, dotted."
        )
    st.markdown(f"##### Figure {number}: {FIGURES[number]}")
    if number == 3:
        _figure_3()
    elif number == 8:
        _figure_8()
    else:
        _curves(rows, number, overlay)


def _curves(rows: pd.DataFrame, number: int, overlay: bool) -> None:
    network, attack = CURVE_FIGURES[number]
    shown = rows[(rows["network"] == network) & (rows["attack"] == attack)]
    figures = {}
    for column, part, metric in zip(st.columns(2, gap="medium"), "ab", METRIC_TITLES, strict=True):
        with column:
            of_metric = shown[shown["metric"] == metric]
            title = f"Figure {number} ({part}): {paper_figures.table_title(of_metric.iloc[0])}"
            st.markdown(f"({part}) {METRIC_TITLES[metric]} · Table {of_metric['table'].iloc[0]}")
            figures[title] = paper_figures.curves(of_metric, ink(), overlay)
            chart.draw(figures[title], key=f"curves_{metric}", alt=_curves_alt(title, of_metric))
    lines = "Solid: ours. Dotted: published. " if overlay else ""
    st.caption(f"{lines}Click a method in the legend to hide it, double-click to see it alone. {_protocol(shown)}")
    _what_is_missing(shown)
    _starred(shown)
    _claims(rows, number)
    columns = ["table", "metric", "method", "eps", "ours", "paper", "difference", "beats", "protocol", "departures"]
    chart.numbers(
        shown[columns].round({"difference": 5}),
        name=f"paper-figure-{number}",
        figures=lambda: figures,
        facts=provenance(shown),
    )


def _curves_alt(title: str, rows: pd.DataFrame) -> str:
    at = rows[(rows["eps"] == 0.1) & (rows["missing"] == "")]
    told = "; ".join(f"{row.method} {row.ours:.2f} (paper {row.paper:.2f})" for row in at.itertuples())
    return f"{title} against the noise level. At 0.1: {told or 'ours is missing'}."


def _claims(rows: pd.DataFrame, number: int) -> None:
    verdicts = [judge(claim, rows) for claim in CLAIMS if claim.figure == number]
    judged = [verdict for verdict in verdicts if verdict.outcome != "open"]
    held = sum(verdict.outcome == "holds" for verdict in judged)
    partly = sum(verdict.outcome == "partly" for verdict in judged)
    tally = f": {held} of {len(judged)} hold in ours" + (f", {partly} in part" if partly else "") if judged else ""
    st.markdown(f"##### What the paper reads from this figure{tally}")
    for verdict in verdicts:
        st.markdown(_verdict(verdict))
    if any(verdict.claim.than_attack for verdict in verdicts):
        st.caption(
            "The two attacks are not on the same beats: SPSA is on the first 162 test beats of each class in the paper."
        )


def _verdict(verdict: Verdict) -> str:
    in_paper = sum(level.holds for level in verdict.paper)
    published = f"In the paper's table: {in_paper} of {len(verdict.paper)}."
    head = f"{ICONS[verdict.outcome]} **{verdict.claim.text}.**"
    if verdict.decisive is None:
        return f"{head} Open: ours is missing for {', '.join(verdict.missing)}. {published}"
    held, level = sum(one.holds for one in verdict.ours), verdict.decisive
    how = "Closest" if verdict.outcome == "holds" else "Furthest off"
    rival = ATTACK_TITLES[verdict.claim.than_attack] if verdict.claim.than_attack else level.rival
    custom = "" if verdict.protocol == "paper" else " Protocol custom."
    return (
        f"{head} Ours: {'fails' if not held else 'holds'} at {held or len(verdict.ours)} of {len(verdict.ours)} noise "
        f"{'level' if len(verdict.ours) == 1 else 'levels'}. {how} at {level.eps:g}: {level.value:.2f} against "
        f"{level.rival_value:.2f} ({rival}). {published}{custom}"
    )


def _missing(names: tuple[str, ...]) -> bool:
    gone = [name for name in names if name not in loaders.checkpoint_names()]
    if gone:
        st.info(f"This figure needs {' and '.join(gone)}, which {'is' if len(gone) == 1 else 'are'} not here.")
    return bool(gone)


def _figure_3() -> None:
    names = ("mlp-ce", "mlp-loss1")
    if _missing(names):
        return
    st.markdown(
        "The paper sketches why loss1 should help; here it is measured. Near the beat $x$ the right class's output is "
        "$z_y = w_y^T x + b_y$ (eq. 2), and noise moves it most along $w_y$. If $w_y$ points where $x$ points, noise that "
        "hurts must look like the beat itself."
    )
    beats = sources.banner()
    rows = sample_rows(beats)
    angles = [angles_deg(loaders.checkpoint(name), beats, rows) for name in names]
    controls, result = st.columns([1, 3.1], gap="large")
    with controls, st.container(border=True):
        own = st.segmented_control(
            "Beat", ("Typical", "Own choice"), default="Typical", required=True, key="pick", bind="query-params",
            help="Typical: of those that both networks read correctly, the one whose two angles are nearest to the medians.",
        )  # fmt: skip
        row = choose_beat(beats, names[0]) if own == "Own choice" else int(rows[typical(angles)])
    with result:
        told = [align(loaders.checkpoint(name), beats, row) for name in names]
        figures = {}
        medians = [(float(np.nanmedian(of_one)), int(np.isfinite(of_one).sum())) for of_one in angles]
        for column, name, one, (median, count) in zip(st.columns(2, gap="medium"), names, told, medians, strict=True):
            with column, st.container(border=True):
                st.markdown(f"**{loaders.title(name)}**: {one.angle_deg:.0f}° between $x$ and $w_y$")
                figures[loaders.title(name)] = paper_figures.directions(one, ink())
                chart.draw(
                    figures[loaders.title(name)], key=f"directions_{one.method}", alt=_angle_words(one), buttons=False
                )
                st.markdown(
                    f"$w_y$ is **{one.relative_length:.1f} times** as long as $x / x^Tx$. $z_y = {one.z:.2f}$, of which "
                    f"$w_y^Tx$ is {one.z - one.b:.2f}. {_read(one)} Median angle over {count:,} "
                    f"beats that it reads correctly: {median:.0f}°."
                )
        st.caption(
            f"Beat {told[0].beat}, class {told[0].true_class}. Angles and lengths are true in the plane that holds both "
            "vectors; the panels have their own scales. x is drawn as long as x / xᵀx, where loss1 pulls w_y (eq. 4)."
        )
        table = pd.DataFrame([_angle_row(one) for one in told])
        chart.numbers(
            table, name="paper-figure-3", figures=lambda: figures, facts={"beat": told[0].beat, "source": beats.source}
        )


def _angle_words(told: Alignment) -> str:
    return (
        f"{told.checkpoint}: w_y at {told.angle_deg:.0f} degrees to x and {told.relative_length:.1f} times as long as x / x'x. "
        f"{_read(told)}"
    )


def _read(told: Alignment) -> str:
    right = told.read_class == told.true_class
    return "The network reads the beat correctly." if right else f"The network misreads the beat as {told.read_class}."


def _angle_row(told: Alignment) -> dict[str, object]:
    return {
        "checkpoint": told.checkpoint, "weights": told.weights, "beat": told.beat, "class": told.true_class,
        "read as": told.read_class, "angle, degrees": round(told.angle_deg, 2), "cosine": round(told.cosine, 4),
        "‖x‖": round(told.x_norm, 4), "‖w_y‖": round(told.w_norm, 4), "‖w_y‖‖x‖": round(told.relative_length, 4),
        "z_y": round(told.z, 4), "b_y": round(told.b, 4),
    }  # fmt: skip


def _figure_8() -> None:
    name = "mlp-ce"
    if _missing((name,)):
        return
    st.markdown(
        "One beat under 100-PGD on the MLP trained by cross-entropy, at the paper's seven noise levels. When does the network "
        "misread it, and when would you?"
    )
    beats = sources.banner()
    with st.popover("Choose another beat", icon=":material/ecg_heart:"):
        row = choose_beat(beats, name)
    told = noisy_beats(loaders.checkpoint(name), beats, row)
    mv = [noise_level(beats, row, one.eps).mv for one in told]
    y_range = ecg.common_range(told)
    figures = {f"Noise level {one.eps:g}": paper_figures.noisy_beat(one, y_range, PANEL_PX, ink()) for one in told}
    with st.container(horizontal=True, gap="small"):
        for one, in_mv, (title, figure) in zip(told, mv, figures.items(), strict=True):
            with st.container(width=PANEL_PX, gap="small"):
                st.markdown(f"**{title}**" + (f" · ±{in_mv:.2g} mV" if np.isfinite(in_mv) and one.eps else ""))
                chart.draw(
                    figure, key=f"noise_{FIGURE_8_EPS.index(one.eps)}", buttons=False,
                    alt=f"Beat {one.beat}, {title.lower()}: read as {CLASS_NAMES[one.class_after]}.",
                )  # fmt: skip
                st.markdown(_reading(one))
    first = told[0]
    st.caption(
        f"Beat {first.beat}, in truth {CLASS_NAMES[first.true_class]}; {first.checkpoint} ({first.weights}). Protocol "
        f"{first.protocol}: 100-PGD, each noise level attacked alone, noise also on the padding (not drawn), seed "
        f"{first.seed}. {ecg.told_scale(np.isfinite(mv[0]), paper_figures.speed_of(first)).strip(' ·')}{'; ' if np.isfinite(mv[0]) else ''}the faint trace is without noise. "
        "That an attack fails does not prove that none succeeds."
    )
    page_link("pages/beat_lab.py", "Try this beat in the Beat lab", ":material/ecg_heart:", {"beat": first.beat})
    table = pd.DataFrame([_reading_row(one, in_mv) for one, in_mv in zip(told, mv, strict=True)])
    facts = {"attacks": [one.to_json() for one in told]}
    chart.numbers(table, name="paper-figure-8", figures=lambda: figures, facts=facts)


def _reading(told: BeatAttack) -> str:
    icon = ":material/check_circle:" if told.class_after == told.true_class else ":material/cancel:"
    return f"{icon} reads **{CLASS_NAMES[told.class_after]}**, {told.after.max():.0%}"


def _reading_row(told: BeatAttack, mv: float) -> dict[str, object]:
    return {
        "noise level": told.eps, "mV": round(mv, 4), "read as": told.class_after, "probability": round(float(told.after.max()), 4),
        "probability of the true class": round(float(told.after[CLASSES.index(told.true_class)]), 4), "flipped": told.flipped,
        "step": told.step,
    }  # fmt: skip


# What we do differently


def _differences(replicas: list[Replica], rows: pd.DataFrame) -> None:
    st.markdown(
        "We follow the paper's text. Where it is silent we follow the authors' published code, and where the two disagree "
        "the text wins. What is open, or not the same:"
    )
    left, right = st.columns(2, gap="large")
    for number, one in enumerate(DEVIATIONS):
        with (left, right)[number % 2], st.container(border=True):
            st.markdown(f"**{one.topic}**  \nPaper: {one.paper}  \nHere: {one.here}  \nWhy: {one.why}")
    st.markdown("##### Where ours is further off than we aimed at")
    far = outside_aim(rows)
    st.markdown(
        f"The aim was a mean distance to Tables 1 and 5 of at most {aim('ce'):g}, for loss2 {aim('loss2'):g}. "
        + (f"Outside it: {len(far)}." if len(far) else "None is outside it.")
    )
    for row in far.itertuples():
        st.markdown(f"- **{row.method}**, Table {row.table}: {row.distance:.3f}")
    st.markdown("##### Notes on the checkpoints")
    noted: dict[str, list[str]] = {}
    for replica in replicas:
        for note in [replica.note, "; ".join(replica.training_departures)]:
            if note:
                noted.setdefault(note, []).append(replica.name)
    for note, names in noted.items():
        st.markdown(f"- {', '.join(f'`{name}`' for name in names)}: {note}")
    if not noted:
        st.markdown("No card has a note.")
    chart.numbers(
        pd.DataFrame([vars(one) for one in DEVIATIONS]), name="differences-from-the-paper", label="The list as a file",
        facts=provenance(rows),
    )  # fmt: skip


main()
