"""What stands below the cards: the sweep, the attack's way, noise-to-signal, the numbers."""

from dataclasses import asdict

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nsr_core.data import Beats
from ui import address, chart, ecg, live
from ui.attack_choice import AttackChoice
from ui.beat import figures, frames, known, saliency, tables, words
from ui.beat.answers import Answer, sweep_attack
from ui.theme import Ink, ink


def show(answers: list[Answer], beats: Beats, row: int, choice: AttackChoice, colours: Ink) -> None:
    """The views below the cards, of which one is open."""
    views = {
        "Noise from 0 to 0.3": lambda: _sweep(answers, choice, colours),
        "What is known": lambda: known.show(answers, beats, row, choice, colours),
        "Step by step": lambda: _way(answers),
        "Where it looks": lambda: saliency.show(answers, _file_name(answers, "saliency"), colours),
        "Noise-to-signal": lambda: _noise_to_signal(answers, colours),
        "Numbers and files": lambda: _numbers(answers, choice, colours),
    }
    for tab, show in zip(
        st.tabs(list(views), on_change="rerun", key="view", bind=address.bound("view")), views.values(), strict=True
    ):
        if tab.open:  # the others cost nothing until they are looked at
            with tab:
                show()


def _sweep_figure(answers: list[Answer], choice: AttackChoice, colours: Ink) -> go.Figure:
    lines = {answer.title: (answer.network, answer.method, answer.sweep) for answer in answers}
    return figures.sweep(lines, choice.eps, colours)


def _sweep(answers: list[Answer], choice: AttackChoice, colours: Ink) -> None:
    attack = sweep_attack(choice)
    chart.draw(
        _sweep_figure(answers, choice, colours),
        key="sweep",
        alt="Probability of the right reading against noise level. Smallest flipping levels: "
        + "; ".join(f"{answer.title} {words.smallest(answer)}" for answer in answers),
    )
    instead = "" if choice.quick else f" {choice.attack.title} would take too long here, so {attack.title} stands in."
    st.caption(
        f"The same beat attacked at every level by {attack.title}; a marker is the smallest level at which it was "
        f"misread. An attack may miss at a larger level what it found at a smaller one.{instead}"
    )
    chart.numbers(
        tables.sweep_table(answers),
        name=_file_name(answers, "sweep"),
        figures=lambda: {"Noise from 0 to 0.3": _sweep_figure(answers, choice, colours)},
        facts={"attack": attack.name, "settings": asdict(attack), "attacks": [one.result.to_json() for one in answers]},
    )


@st.fragment
def _way(answers: list[Answer]) -> None:
    by_title = {answer.title: answer for answer in answers}
    title = st.segmented_control("Network", list(by_title), default=next(iter(by_title)), required=True, key="of")
    answer = by_title.get(title) or answers[0]
    result, last = answer.result, len(answer.result.path.loss) - 1
    if last == 0:
        st.info("The attack took no step: the beat was misread where it began.")
        return
    colours, channel = ink(), f"way_{answer.name}_{last}"
    steps = frames.of_steps(result)
    live.dial(
        key=f"at_{channel}",
        channel=channel,
        label="Step of the attack",
        play="Play: step by step",
        places=np.arange(last + 1),
        at=last,
        words=[f"step {step} of {last}" for step in range(last + 1)],
        colours=colours,
    )
    live.picture(
        result,
        steps,
        last,
        colours,
        key=f"way_{answer.name}",
        channel=channel,
        alt=f"The beat after {last} steps of the attack; the loss goes from {result.path.loss[0]:.2f} to {result.path.loss[-1]:.2f}.",
        y_range=ecg.common_range([result]),
        tracks=[frames.true_reading(steps, result, colours), frames.loss(result, colours)],
    )
    chart.numbers(
        tables.way_table(result),
        name=_file_name(answers, f"way-{answer.name}"),
        facts={"attack": result.to_json()},
        figures=lambda: {"Loss and reading": figures.way(result, last, colours)},
    )


def _noise_to_signal(answers: list[Answer], colours: Ink) -> None:
    st.markdown(
        "Near this beat the network is a straight line: the right class's output is $z_y = w_y^T x + b_y$ (eq. 2). "
        "$w_y$ says how much each sample moves it. Noise of at most ε can move it by $\\|w_y\\|_1 ε$, which over "
        "$|z_y|$ is the bound $R_2$ (eq. 9). The flatter $w_y$ beside a large $z_y$, the less noise can do."
    )

    def figure() -> go.Figure:
        lines = {answer.title: (answer.network, answer.method, answer.result) for answer in answers}
        return figures.sensitivity(lines, colours)

    chart.draw(
        figure(),
        key="sensitivity",
        alt="Sensitivity of the right class's output to each sample. L1 norms: "
        + "; ".join(f"{answer.title} {answer.result.w_l1:.1f}" for answer in answers),
    )
    columns = ["network", "‖w_y‖₁", "|z_y|", "bound R₂", "NSR on the line", "NSR reached"]
    st.dataframe(
        tables.table(answers)[columns],
        hide_index=True,
        key="nsr_table",
        column_config={
            "bound R₂": st.column_config.NumberColumn(help="‖w_y‖₁ ε / |z_y|, eq. 9"),
            "NSR on the line": st.column_config.NumberColumn(help="|w_y·noise| / |z_y| for this noise, eq. 8"),
            "NSR reached": st.column_config.NumberColumn(help="|change of z_y| / |z_y| as it really came out"),
        },
    )
    chart.numbers(
        tables.sensitivity_table(answers),
        name=_file_name(answers, "sensitivity"),
        figures=lambda: {"w_y": figure()},
        facts={"attacks": [answer.result.to_json() for answer in answers]},
    )


def _numbers(answers: list[Answer], choice: AttackChoice, colours: Ink) -> None:
    def pictures() -> dict[str, go.Figure]:
        y_range = ecg.common_range([answer.result for answer in answers])
        beats = {answer.title: ecg.attacked_beat(answer.result, colours, y_range=y_range) for answer in answers}
        return {**beats, "Noise from 0 to 0.3": _sweep_figure(answers, choice, colours)}

    facts = {"attacks": [answer.result.to_json() for answer in answers]}
    chart.numbers(tables.table(answers), name=_file_name(answers, "beat"), figures=pictures, facts=facts, expanded=True)
    chart.download_csv(tables.signals(answers), _file_name(answers, "signals"), "Signals (CSV)", facts)


def _file_name(answers: list[Answer], what: str) -> str:
    return f"{what}-{answers[0].result.beat}".replace(":", "-").replace("/", "-")
