"""What the Beat lab asks the core for, and how it says the answers: one attack on one beat, network by network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.attacks import ATTACKS, Attack
from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ, Beats
from nsr_core.evaluation.single import BeatAttack, NoiseLevel, attack_beat
from nsr_core.evaluation.sweep import Sweep, sweep_beat
from ui import loaders
from ui.attack_choice import AttackChoice
from ui.memo import memo

#: What a percentage means and what it does not.
PERCENTAGES = (
    "Softmax of the five outputs. Networks trained on squared error (mse, mseMargin, loss1, loss2) give outputs near 0 and 1, "
    "which softmax turns into 40 % at most: compare readings between networks, not percentages."
)


@dataclass(frozen=True)
class Answer:
    """What one network did: its name, title, network and method, the attack, and the sweep over noise levels."""

    name: str
    title: str
    network: str
    method: str
    told: BeatAttack
    sweep: Sweep


def sweep_attack(choice: AttackChoice) -> Attack:
    """The attack that the sweep runs: the chosen one, or PGD in the place of one that is too slow for it."""
    return choice.attack if choice.quick else ATTACKS["pgd"]


def ask(names: list[str], beats: Beats, row: int, choice: AttackChoice) -> list[Answer]:
    """One answer for each network that has one; a slow attack shows how far it is and can be stopped."""
    waiting = _Waiting(choice, len(names))
    answers = []
    for number, name in enumerate(names):
        found = _answer(name, beats, row, choice, waiting.listener(number))
        if found is None:
            break
        answers.append(found)
    waiting.end()
    return answers


def _answer(
    name: str, beats: Beats, row: int, choice: AttackChoice, listener: Callable[[], Callable | None]
) -> Answer | None:
    checkpoint = loaders.checkpoint(name)
    network, method = loaders.split_name(name)
    beat = (name, checkpoint.digest, beats.source, str(beats.names()[row]), choice.seed, choice.signal_only)
    key = ("attack", *beat, choice.attack, choice.eps)
    settings = {"seed": choice.seed, "signal_only": choice.signal_only}
    if key not in memo() and (progress := listener()) is None:
        return None
    told = memo().get(
        key, lambda: attack_beat(checkpoint, choice.attack, beats, row, choice.eps, progress=progress, **settings)
    )
    quick = sweep_attack(choice)
    swept = memo().get(("sweep", *beat, quick), lambda: sweep_beat(checkpoint, quick, beats, row, **settings))
    return Answer(name, loaders.title(name), network, method, told, swept)


class _Waiting:
    """The bar and the stop button of a slow attack; nothing at all for a quick one."""

    def __init__(self, choice: AttackChoice, networks: int) -> None:
        self._choice, self._networks = choice, networks
        self._job = repr(choice)
        self._place = st.empty()
        self._bar: st.delta_generator.DeltaGenerator | None = None

    def listener(self, number: int) -> Callable[[], Callable | None]:
        """Asked only where there is something to compute: the attack's progress, or None where it was stopped."""

        def begin() -> Callable | None:
            if self._choice.quick:
                return lambda done, total, what: None
            if st.session_state.get("stopped") == self._job:
                return None
            if self._bar is None:
                with self._place.container(horizontal=True, vertical_alignment="center"):
                    self._bar = st.progress(0.0)
                    st.button("Stop", icon=":material/stop:", key="stop", on_click=self._stop)
            return lambda done, total, what: self._tell(number, done, total, what)

        return begin

    def end(self) -> None:
        self._place.empty()
        if st.session_state.get("stopped") == self._job:
            with self._place.container(horizontal=True, vertical_alignment="center"):
                st.warning("Stopped. The networks that had not answered are not shown.", icon=":material/stop:")
                st.button("Go on", icon=":material/play_arrow:", key="go_on", on_click=self._go_on)

    def _tell(self, number: int, done: int, total: int, what: str) -> None:
        queries = f"{done * getattr(self._choice.attack, 'samples', 1):,} evaluations of the network"
        share = (number + done / max(total, 1)) / self._networks
        assert self._bar is not None
        self._bar.progress(min(share, 1.0), f"Network {number + 1} of {self._networks}, {what}, {queries}")

    def _stop(self) -> None:
        st.session_state["stopped"] = self._job

    def _go_on(self) -> None:
        st.session_state.pop("stopped", None)


def verdict(told: BeatAttack) -> str:
    """One line: what became of the reading."""
    if told.class_before != told.true_class:
        return ":material/help: misread before any noise"
    if told.flipped:
        return f":material/warning: flipped after {told.step} {'step' if told.step == 1 else 'steps'}"
    return ":material/check_circle: held"


def readings(told: BeatAttack) -> str:
    """What the network reads before and after, in plain words."""
    before = f"{CLASS_NAMES[told.class_before]} ({told.before.max():.0%})"
    after = f"{CLASS_NAMES[told.class_after]} ({told.after.max():.0%})"
    truth = f" In truth: {CLASS_NAMES[told.true_class]}." if told.class_before != told.true_class else ""
    if told.class_before == told.class_after:
        return f"Read as **{before}**, with noise {told.after.max():.0%}.{truth}"
    return f"Read as {before}, with noise as **{after}**.{truth}"


def in_units(level: NoiseLevel) -> str:
    """A noise level in the units that people think in."""
    if level.eps == 0:
        return "no noise"
    parts = [f"±{level.eps:g} of the beat's range"]
    if np.isfinite(level.mv):
        parts += [f"±{level.mv:.3f} mV", f"±{level.mm:.1f} mm on paper"]
    return " · ".join([*parts, f"at least {level.least_snr_db:.0f} dB SNR"])


def smallest(answer: Answer) -> str:
    """The smallest level at which the sweep's attack flipped the beat, in words."""
    level = answer.sweep.smallest
    if np.isnan(level):
        return f"not up to {answer.sweep.eps.max():g}"
    if level == 0:
        return "0 (misread)"
    mv = level * answer.told.mv_range
    return f"{level:.3f}" + (f" (±{mv:.2f} mV)" if np.isfinite(mv) else "")


def protocol(told: BeatAttack) -> str:
    """Under which rules this was found; the paper's name only where all is as published."""
    where = "the signal samples only" if told.signal_only else "all 187 samples, padding included"
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.settings.items())
    return (
        f"Protocol: {'paper' if told.protocol == 'paper' else 'custom, after the paper'} "
        f"({told.attack}{': ' if settings else ''}{settings}; noise on {where}). Beat {told.beat}, seed {told.seed}. "
        "That an attack fails does not prove that none succeeds."
    )


def table(answers: list[Answer]) -> pd.DataFrame:
    """A row for each network: the readings, what it took, and the noise-to-signal numbers."""
    return pd.DataFrame([_row(answer) for answer in answers])


def _row(answer: Answer) -> dict[str, object]:
    told = answer.told
    return {
        "network": answer.title,
        "before": told.class_before,
        "p before": round(float(told.before.max()), 4),
        "after": told.class_after,
        "p after": round(float(told.after.max()), 4),
        "step": told.step,
        "evaluations": told.queries,
        "smallest ε": round(answer.sweep.smallest, 4),
        "largest noise": round(told.largest_noise, 5),
        "‖w_y‖₁": round(told.w_l1, 3),
        "|z_y|": round(abs(told.z), 3),
        "bound R₂": round(told.bound, 3),
        "NSR on the line": round(told.reached_on_line, 3),
        "NSR reached": round(told.reached, 3),
        "protocol": told.protocol,
        "weights": told.weights,
    }


def signals(answers: list[Answer]) -> pd.DataFrame:
    """The beat without noise and, for each network, with noise: a row a sample, in [0, 1] and in mV where known."""
    first = answers[0].told
    columns = {"sample": np.arange(len(first.x)), "time_ms": np.arange(len(first.x)) * (1000 / FS_HZ)}
    columns |= {"is_signal": np.arange(len(first.x)) < first.length}
    for name, x in [("clean", first.x)] + [(answer.name, answer.told.x_adv) for answer in answers]:
        columns[name] = x
        if np.isfinite(first.mv_range):
            columns[f"{name}_mv"] = first.mv_min + first.mv_range * x
    return pd.DataFrame(columns)


def sweep_table(answers: list[Answer]) -> pd.DataFrame:
    """The sweep of every network: a row for each level."""
    parts = [
        pd.DataFrame(
            {"network": one.title, "ε": one.sweep.eps, "p right": one.sweep.p_true, "read as": one.sweep.label}
        )
        for one in answers
    ]
    return pd.concat(parts, ignore_index=True).round(4)


def way_table(told: BeatAttack) -> pd.DataFrame:
    """The attack's way: a row for each step, with the loss and the probability of each class."""
    table = pd.DataFrame(told.path.probabilities, columns=[f"p {label}" for label in CLASSES]).round(4)
    table.insert(0, "step", np.arange(len(table)))
    table.insert(1, "loss", told.path.loss.round(5))
    return table


def sensitivity_table(answers: list[Answer]) -> pd.DataFrame:
    """The beat and w_y of every network: a row for each signal sample."""
    first = answers[0].told
    shown = slice(0, first.length)
    columns = {"sample": np.arange(first.length), "beat": first.x[shown]}
    columns |= {f"w_y {answer.title}": answer.told.w[shown] for answer in answers}
    return pd.DataFrame(columns).round(5)
