"""Beat lab: one beat, up to four networks, one attack, and what each reads before and after."""

from dataclasses import asdict

import plotly.graph_objects as go
import streamlit as st

from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from nsr_core.evaluation.single import noise_level
from ui import chart, ecg, frame, lab, lab_figures
from ui.attack_choice import AttackChoice, choose_attack
from ui.beat_choice import choose_beat
from ui.lab import Answer
from ui.theme import Ink, ink

LEAD = (
    "One heartbeat, the same small noise budget, and up to four trained networks. Turn the noise up and see which "
    "reading flips first. The address of this page holds every setting: share it, and others see the same numbers."
)
MOST_NETWORKS = 4
FIRST_NETWORKS = ("mlp-ce", "mlp-loss2")


def main() -> None:
    with frame.page_on_beats("Beat lab", LEAD) as beats:
        names = frame.checkpoint_names()
        if not names:
            return
        controls, result = st.columns([1, 3.1], gap="large")
        with controls:
            networks = _choose_networks(names)
            with st.container(border=True):
                row = choose_beat(beats, networks[0] if networks else None)
            with st.container(border=True):
                choice = choose_attack(lambda eps: lab.in_units(noise_level(beats, row, eps)))
        with result:
            if not networks:
                st.info("Choose at least one network.")
            elif choice is not None:
                _show(networks, beats, row, choice)


def _choose_networks(names: list[str]) -> list[str]:
    return st.multiselect(
        "Networks", names, [name for name in FIRST_NETWORKS if name in names] or names[:1], key="models",
        bind="query-params", max_selections=MOST_NETWORKS, placeholder="Choose up to four",
        help="MLP: fully connected. CNN: convolutional. After it the training method; Learn explains them.",
    )  # fmt: skip


def _show(networks: list[str], beats: Beats, row: int, choice: AttackChoice) -> None:
    true = CLASSES[beats.y[row]]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.markdown(f"#### {CLASS_NAMES[true]} · `{beats.names()[row]}`", width="content")
        speed = st.segmented_control(
            "Paper, mm/s", ecg.SPEEDS, default=ecg.SPEED, required=True, key="speed", bind="query-params"
        )
    answers = lab.ask(networks, beats, row, choice)
    if not answers:
        return
    colours = ink()
    y_range = ecg.common_range([answer.told for answer in answers])
    wide = len(answers) > 1
    for pair in [answers[at : at + 2] for at in range(0, len(answers), 2)]:
        for column, answer in zip(st.columns(2 if wide else 1, gap="medium"), pair, strict=False):
            with column:
                _card(answer, y_range, colours, speed, wide)
    st.caption(lab.protocol(answers[0].told))
    _more(answers, choice, colours)


def _card(answer: Answer, y_range: tuple[float, float], colours: Ink, speed: int, narrow: bool) -> None:
    told = answer.told
    with st.container(border=True):
        st.markdown(f"**{answer.title}** &nbsp; {lab.verdict(told)}")
        trace, bars = (st.container(), st.container()) if narrow else st.columns([1.7, 1], gap="medium")
        with trace:
            chart.draw(
                ecg.attacked_beat(told, colours, y_range=y_range, height=430 if narrow else 520, speed=speed),
                key=f"beat_{answer.name}",
                alt=f"Beat {told.beat} without noise and with noise of at most {told.eps:g}; {answer.title}: "
                f"read as {CLASS_NAMES[told.class_before]} before and {CLASS_NAMES[told.class_after]} after.",
            )
        with bars:
            st.markdown(lab.readings(told), help=lab.PERCENTAGES)
            chart.draw(
                lab_figures.probabilities(told, colours),
                key=f"probabilities_{answer.name}",
                alt="; ".join(
                    f"{CLASS_NAMES[label]} {before:.0%} without noise and {after:.0%} with"
                    for label, before, after in zip(CLASSES, told.before, told.after, strict=True)
                ),
                buttons=False,
            )
            st.markdown(
                f"Smallest flipping ε: **{lab.smallest(answer)}** · noise-to-signal: **{told.reached:.2f}** reached, "
                f"{told.bound:.2f} bound",
                help="The smallest level of the sweep below at which the attack succeeded. Noise-to-signal: change of the "
                "right class's output over that output; the bound is eq. 9 and holds as long as noise switches no unit "
                "on or off.",
            )


def _more(answers: list[Answer], choice: AttackChoice, colours: Ink) -> None:
    views = {
        "Noise from 0 to 0.3": lambda: _sweep(answers, choice, colours),
        "Step by step": lambda: _way(answers),
        "Noise-to-signal": lambda: _noise_to_signal(answers, colours),
        "Numbers and files": lambda: _numbers(answers, choice, colours),
    }
    for tab, show in zip(
        st.tabs(list(views), on_change="rerun", key="view", bind="query-params"), views.values(), strict=True
    ):
        if tab.open:  # the others cost nothing until they are looked at
            with tab:
                show()


def _sweep_figure(answers: list[Answer], choice: AttackChoice, colours: Ink) -> go.Figure:
    lines = {answer.title: (answer.network, answer.method, answer.sweep) for answer in answers}
    return lab_figures.sweep(lines, choice.eps, colours)


def _sweep(answers: list[Answer], choice: AttackChoice, colours: Ink) -> None:
    attack = lab.sweep_attack(choice)
    chart.draw(
        _sweep_figure(answers, choice, colours),
        key="sweep",
        alt="Probability of the right reading against noise level. Smallest flipping levels: "
        + "; ".join(f"{answer.title} {lab.smallest(answer)}" for answer in answers),
    )
    instead = "" if choice.quick else f" {choice.attack.title} would take too long here, so {attack.title} stands in."
    st.caption(
        f"The same beat attacked at every level by {attack.title}; a marker is the smallest level at which it was "
        f"misread. An attack may miss at a larger level what it found at a smaller one.{instead}"
    )
    chart.numbers(
        lab.sweep_table(answers), name=_file_name(answers, "sweep"),
        figures=lambda: {"Noise from 0 to 0.3": _sweep_figure(answers, choice, colours)},
        facts={"attack": attack.name, "settings": asdict(attack), "attacks": [one.told.to_json() for one in answers]},
    )  # fmt: skip


@st.fragment
def _way(answers: list[Answer]) -> None:
    by_title = {answer.title: answer for answer in answers}
    title = st.segmented_control("Network", list(by_title), default=next(iter(by_title)), required=True, key="of")
    answer = by_title.get(title) or answers[0]
    told, last = answer.told, len(answer.told.path.loss) - 1
    if last == 0:
        st.info("The attack took no step: the beat was misread where it began.")
        return
    at = st.slider("Step", 0, last, last, key=f"at_{answer.name}_{last}", help="Move it, or use the arrow keys.")
    colours = ink()
    trace, way = st.columns([1.2, 1], gap="medium")
    with trace:
        figure = ecg.attacked_beat(
            told, colours, y_range=ecg.common_range([told]), x_adv=told.path.x_adv[at], height=420
        )
        chart.draw(figure, key="way_beat", alt=f"The beat after {at} steps of the attack.")
    with way:
        read = CLASSES[int(told.path.probabilities[at].argmax())]
        st.markdown(f"After step {at} of {last}: **{CLASS_NAMES[read]}** ({told.path.probabilities[at].max():.0%})")
        chart.draw(
            lab_figures.way(told, at, colours),
            key="way",
            alt=f"Loss from {told.path.loss[0]:.2f} to {told.path.loss[-1]:.2f} over {last} steps.",
        )
    chart.numbers(
        lab.way_table(told), name=_file_name(answers, f"way-{answer.name}"), facts={"attack": told.to_json()},
        figures=lambda: {f"{answer.title}, step {at}": figure, "Loss and reading": lab_figures.way(told, at, colours)},
    )  # fmt: skip


def _noise_to_signal(answers: list[Answer], colours: Ink) -> None:
    st.markdown(
        "Near this beat the network is a straight line: the right class's output is $z_y = w_y^T x + b_y$ (eq. 2). "
        "$w_y$ says how much each sample moves it. Noise of at most ε can move it by $\\|w_y\\|_1 ε$, which over "
        "$|z_y|$ is the bound $R_2$ (eq. 9). The flatter $w_y$ beside a large $z_y$, the less noise can do."
    )

    def figure() -> go.Figure:
        lines = {answer.title: (answer.network, answer.method, answer.told) for answer in answers}
        return lab_figures.sensitivity(lines, colours)

    chart.draw(
        figure(),
        key="sensitivity",
        alt="Sensitivity of the right class's output to each sample. L1 norms: "
        + "; ".join(f"{answer.title} {answer.told.w_l1:.1f}" for answer in answers),
    )
    columns = ["network", "‖w_y‖₁", "|z_y|", "bound R₂", "NSR on the line", "NSR reached"]
    st.dataframe(
        lab.table(answers)[columns], hide_index=True, key="nsr_table",
        column_config={
            "bound R₂": st.column_config.NumberColumn(help="‖w_y‖₁ ε / |z_y|, eq. 9"),
            "NSR on the line": st.column_config.NumberColumn(help="|w_y·noise| / |z_y| for this noise, eq. 8"),
            "NSR reached": st.column_config.NumberColumn(help="|change of z_y| / |z_y| as it really came out"),
        },
    )  # fmt: skip
    chart.numbers(
        lab.sensitivity_table(answers), name=_file_name(answers, "sensitivity"), figures=lambda: {"w_y": figure()},
        facts={"attacks": [answer.told.to_json() for answer in answers]},
    )  # fmt: skip


def _numbers(answers: list[Answer], choice: AttackChoice, colours: Ink) -> None:
    def figures() -> dict[str, go.Figure]:
        y_range = ecg.common_range([answer.told for answer in answers])
        beats = {answer.title: ecg.attacked_beat(answer.told, colours, y_range=y_range) for answer in answers}
        return {**beats, "Noise from 0 to 0.3": _sweep_figure(answers, choice, colours)}

    chart.numbers(
        lab.table(answers),
        name=_file_name(answers, "beat"),
        figures=figures,
        facts={"attacks": [answer.told.to_json() for answer in answers]},
        expanded=True,
    )
    chart.download_csv(lab.signals(answers), _file_name(answers, "signals"), "Signals (CSV)")


def _file_name(answers: list[Answer], what: str) -> str:
    return f"{what}-{answers[0].told.beat}".replace(":", "-").replace("/", "-")


main()
