"""What the Beat lab asks the core for: one attack on one beat, network by network."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from nsr_core.attacks import ATTACKS, Attack
from nsr_core.beat.attack import BeatAttack, attack_beat
from nsr_core.beat.sweep import Sweep, sweep_beat
from nsr_core.data import Beats
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress
from ui import loaders, serving, sources
from ui.attack_choice import AttackChoice
from ui.memo import memo_for
from ui.plain import in_words, plain

#: An attack that takes no longer shows no bar.
QUIET_SECONDS = 0.5
#: Between two looks at whether it is still wanted, and two words on how far it is.
TELL_EVERY_SECONDS = 0.1
#: What is under way where another visitor has asked for the same attack just before.
ELSEWHERE = "the same attack for another visitor"


@dataclass(frozen=True)
class Answer:
    """What one network did: its name, title, network and method, the attack, and the sweep over noise levels."""

    name: str
    title: str
    network: str
    method: str
    result: BeatAttack
    sweep: Sweep


def sweep_attack(choice: AttackChoice) -> Attack:
    """The attack that the sweep runs: the chosen one, or PGD in the place of one that is too slow for it."""
    return choice.attack if choice.quick else ATTACKS["pgd"]


def ask(names: list[str], beats: Beats, row: int, choice: AttackChoice) -> list[Answer]:
    """One answer for each network that has one; a slow attack shows how far it is and can be stopped."""
    waiting = _Waiting(choice, len(names))
    answers = []
    with serving.turn():
        for number, name in enumerate(names):
            try:
                found = _answer(name, beats, row, choice, waiting.listener(number))
            except UserError as error:  # a damaged checkpoint, say: the others still answer
                st.error(f"{plain(loaders.title(name))}: {in_words(error)}")
                continue
            if found is None:
                break
            answers.append(found)
    waiting.end()
    return answers


def _answer(
    name: str, beats: Beats, row: int, choice: AttackChoice, listener: Callable[[], Progress | None]
) -> Answer | None:
    checkpoint = loaders.checkpoint(name)
    beat = (name, checkpoint.digest, beats.source, beats.name(row), choice.seed, choice.signal_only)
    key = ("attack", *beat, choice.attack, choice.eps)
    settings: dict[str, Any] = {"seed": choice.seed, "signal_only": choice.signal_only}
    memo = memo_for(beats.source)
    attacking = no_progress if key in memo else listener()
    if attacking is None:
        return None
    result = memo.get(
        key,
        lambda: attack_beat(checkpoint, choice.attack, beats, row, choice.eps, progress=attacking, **settings),
        lambda: attacking(0, 1, ELSEWHERE),
    )
    quick = sweep_attack(choice)
    sweep_key = ("sweep", *beat, quick)
    sweeping = no_progress if sweep_key in memo else listener()
    if sweeping is None:
        return None
    swept = memo.get(
        sweep_key,
        lambda: sweep_beat(checkpoint, quick, beats, row, progress=sweeping, **settings),
        lambda: sweeping(0, 1, ELSEWHERE),
    )
    return Answer(name, loaders.title(name), checkpoint.config.network, checkpoint.config.method, result, swept)


class _Waiting:
    """The bar and the stop button of a slow attack, or of a quick one with settings that make it slow.

    Drawing is also how an attack heeds a stop: Streamlit ends a script that is no longer wanted where it draws.
    """

    def __init__(self, choice: AttackChoice, networks: int) -> None:
        self._choice, self._networks = choice, networks
        self._job = repr(choice)
        self._place = st.empty()
        self._bar: st.delta_generator.DeltaGenerator | None = None
        self._told = time.monotonic()

    def listener(self, number: int) -> Callable[[], Progress | None]:
        """Asked only where there is something to compute: the attack's progress, or None where it was stopped."""

        def begin() -> Progress | None:
            if st.session_state.get("stopped") == self._job:
                return None
            if not self._choice.quick:
                self._open()
            return serving.limited(lambda done, total, what: self._tell(number, done, total, what))

        return begin

    def end(self) -> None:
        self._place.empty()
        if st.session_state.get("stopped") == self._job:
            with self._place.container(horizontal=True, vertical_alignment="center"):
                st.warning("Stopped. The networks that had not answered are not shown.", icon=":material/stop:")
                st.button("Resume", icon=":material/play_arrow:", key="go_on", on_click=self._go_on)

    def _tell(self, number: int, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - self._told < (QUIET_SECONDS if self._bar is None else TELL_EVERY_SECONDS):
            return
        self._told = now
        self._open()
        queries = f"{done * getattr(self._choice.attack, 'samples', 1):,} evaluations of the network"
        share = (number + done / max(total, 1)) / self._networks
        assert self._bar is not None
        self._bar.progress(min(share, 1.0), f"Network {number + 1} of {self._networks}, {what}, {queries}")

    def _open(self) -> None:
        if self._bar is None:
            with self._place.container(horizontal=True, vertical_alignment="center"):
                self._bar = st.progress(0.0)
                st.button("Stop", icon=":material/stop:", key="stop", on_click=self._stop)

    def _stop(self) -> None:
        st.session_state["stopped"] = self._job

    def _go_on(self) -> None:
        st.session_state.pop("stopped", None)


def trained_on(answers: list[Answer], beats: Beats, row: int) -> list[str]:
    """The titles of the networks that this beat trained, or that it helped to choose settings for."""
    found = []
    for answer in answers:
        config = loaders.checkpoint(answer.name).config
        if config.source != beats.source:
            continue  # synthetic beats trained none of the shipped networks
        split = loaders.split_of(beats.source, sources.root_of(beats.source), config.split, config.split_seed)
        if row not in split.test:
            found.append(answer.title)
    return found
