"""Beat lab: one beat, one trained network, one attack, and what the network reads before and after."""

import numpy as np
import streamlit as st

from nsr_core.attacks import PGD
from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.errors import UserError
from nsr_core.evaluation.single import BeatAttack, NoiseLevel, attack_beat, noise_level
from nsr_core.methods import METHODS
from ui import ecg, frame, loaders
from ui.theme import ink

LEAD = (
    "A neural network reads one heartbeat. An attack adds a little noise, chosen to make it read another. "
    "Turn the noise up and see when the reading flips, and how networks trained in other ways hold out."
)


def main() -> None:
    with frame.page("Beat lab", LEAD):
        names = loaders.checkpoint_names()
        if not names:
            st.error("No checkpoint is here. Train one: `python -m nsr_core train mlp ce --out checkpoints/mlp-ce`")
            return
        controls, result = st.columns([1, 2.6], gap="large")
        with controls:
            attacked = _choose_and_attack(names)
        if attacked is not None:
            with result:
                _show(attacked)


def _choose_and_attack(names: list[str]) -> BeatAttack | None:
    """The controls, and the attack that they ask for; an error in its place where it cannot be run."""
    beats = loaders.demo_beats()
    name = st.selectbox("Network", names, format_func=_network_title, key="network")
    label = st.selectbox(
        "Beat", CLASSES, index=CLASSES.index("V"), format_func=lambda c: f"{CLASS_NAMES[c]} ({c})", key="beat_class"
    )
    rows = np.flatnonzero(beats.y == CLASSES.index(label))
    number = st.slider("Which of them", 1, len(rows), 1, key="beat_number")
    row = int(rows[number - 1])
    eps = st.slider(
        "Noise level ε", 0.0, 0.3, 0.1, 0.005, format="%.3f", key="eps",
        help="The most that the noise may add to or take from any sample, where the whole beat spans 0 to 1.",
    )  # fmt: skip
    st.caption(_in_units(noise_level(beats, row, eps)))
    steps = st.select_slider("Attack steps (PGD)", (1, 5, 10, 20, 50, 100), 100, key="steps")
    signal_only = st.toggle(
        "Noise on the signal only", value=True, key="signal_only",
        help="Beats are filled up with zeros to 187 samples. The published attack changes the filling too, which "
        "no electrode could do.",
    )  # fmt: skip
    try:
        return attack_beat(loaders.checkpoint(name), PGD(steps=steps), beats, row, eps, signal_only=signal_only)
    except UserError as error:
        st.error(str(error))
        return None


def _show(told: BeatAttack) -> None:
    colours = ink()
    st.subheader(_verdict(told), anchor=False)
    st.markdown(_sentence(told))
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        figure = ecg.attacked_beat(told, colours)
        st.plotly_chart(figure, width="stretch", key="beat_figure", config={"displaylogo": False})
    with right:
        st.markdown("**What the network reads**")
        names = [CLASS_NAMES[label] for label in CLASSES]
        figure = ecg.probabilities(told, names, colours)
        st.plotly_chart(figure, width="stretch", key="probability_figure", config={"displayModeBar": False})
        st.markdown("**Noise-to-signal ratio**")
        reached, bound = st.columns(2)
        reached.metric("reached", f"{told.reached:.2f}", border=True, help="|change of z_y| / |z_y| under this noise.")
        bound.metric(
            "bound, eq. 9", f"{told.bound:.2f}", border=True,
            help="‖w_y‖₁ ε / |z_y|: the most that noise of this size can change the right class's output, as long as "
            "it switches no unit of the network on or off.",
        )  # fmt: skip
    st.caption(_protocol(told))


def _protocol(told: BeatAttack) -> str:
    """Under which rules this was found; the paper's name only where all is as published."""
    where = "the signal samples only" if told.signal_only else "all 187 samples, padding included"
    return (
        f"Protocol: {'paper' if told.protocol == 'paper' else 'custom, after the paper'} (PGD on the cross-entropy, "
        f"{told.settings['steps']} steps, Adamax "
        f"over signs at 0.01, noise on {where}), {told.checkpoint} ({told.weights}), beat {told.beat}, seed {told.seed}, "
        f"{told.queries} evaluations of the network. That this attack fails does not prove that none succeeds."
    )


def _verdict(told: BeatAttack) -> str:
    if told.class_before != told.true_class:
        return ":material/help: Misread before any noise"
    if told.flipped:
        return f":material/warning: The reading flipped after {told.step} {'step' if told.step == 1 else 'steps'}"
    return ":material/check_circle: The reading held"


def _sentence(told: BeatAttack) -> str:
    before = f"Without noise: **{CLASS_NAMES[told.class_before]}** ({told.before.max():.0%})."
    after = f"With noise: **{CLASS_NAMES[told.class_after]}** ({told.after.max():.0%})."
    truth = f" In truth: **{CLASS_NAMES[told.true_class]}**." if told.class_before != told.true_class else ""
    return f"{before} {after}{truth}"


def _in_units(level: NoiseLevel) -> str:
    if level.eps == 0:
        return "no noise"
    parts = [f"±{level.eps:g} of the beat's range"]
    if np.isfinite(level.mv):
        parts += [f"±{level.mv:.3f} mV", f"±{level.mm:.1f} mm on paper"]
    return " · ".join([*parts, f"at least {level.least_snr_db:.0f} dB SNR"])


def _network_title(name: str) -> str:
    network, _, method = name.partition("-")
    return f"{network.upper()}, {METHODS[method].title.lower()} ({method})" if method in METHODS else name


main()
