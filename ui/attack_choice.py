"""Choosing an attack and its settings, the same way on every page."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nsr_core.attacks import ATTACKS, Attack, attack_title
from nsr_core.errors import UserError
from nsr_core.settings import described_fields, update
from ui import address, live
from ui.forms import settings_form, whole_number
from ui.pick import pick_one
from ui.plain import in_words
from ui.theme import ink

#: The noise levels to choose from, and the one that a page opens on.
EPS_PLACES = np.round(np.linspace(0, 0.3, 301), 3)
FIRST_EPS = 0.05
STEPS = (1, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class AttackChoice:
    """What the widgets say: the attack with its settings, its table name, the noise, the seed, and where it may act."""

    name: str
    attack: Attack
    eps: float
    seed: int
    signal_only: bool

    @property
    def quick(self) -> bool:
        """Whether it answers at once; SPSA evaluates the network 2,048 times a step."""
        return "samples" not in described_fields(self.attack)


def choose_attack(in_units: Callable[[list[float]], list[str]], noise: DeltaGenerator) -> AttackChoice | None:
    """The widgets; None, with the reason on the page, where their values do not go together.

    Args:
        in_units: what noise levels mean on the chosen beat, in words.
        noise: where the dial of the noise level goes: above what follows it.
    """
    name = pick_one("Attack", {name: attack_title(name) for name in ATTACKS}, key="attack")
    attack = ATTACKS[name]
    st.caption(attack.summary)
    with noise:
        eps = _choose_eps(in_units)
    changes = {}
    if "steps" in described_fields(attack):
        changes["steps"] = st.select_slider(
            "Attack steps",
            STEPS,
            100,
            key="steps",
            bind=address.bound("steps"),
            help="How many steps the attack may take. It stops as soon as the beat is misread.",
        )
    signal_only = st.toggle(
        "Noise on the signal only",
        value=True,
        key="signal",
        bind=address.bound("signal"),
        help="Beats are filled up with zeros to 187 samples. The published attack changes the filling too, which "
        "no electrode could do.",
    )
    with st.popover("More settings", icon=":material/tune:"):
        seed = whole_number(
            "Seed",
            0,
            2**31 - 1,
            0,
            key="seed",
            bind=address.bound("seed"),
            help="Where the attack's chance comes from.",
        )
        more = [field for field in described_fields(attack) if field not in changes]
        changes |= settings_form(attack, prefix=f"{name}_", names=more, bound=True)
    try:
        return AttackChoice(name, update(attack, changes), eps, seed, signal_only)
    except UserError as error:
        st.error(in_words(error))
        return None


def _choose_eps(in_units: Callable[[list[float]], list[str]]) -> float:
    """The dial of the noise level; the page's address keeps where it rests."""
    st.markdown(
        "Noise level ε",
        help="The most that the noise may add to or take from any sample, where the whole beat spans 0 to 1.",
    )
    eps = _eps_in_address()
    _tell_eps(eps)
    live.dial(
        key="eps",
        channel="eps",
        label="Noise level ε",
        play="Play: let the noise grow",
        places=EPS_PLACES,
        at=eps,
        words=in_units(EPS_PLACES.tolist()),
        colours=ink(),
        on_rest=_keep_eps,
    )
    return eps


def _eps_in_address() -> float:
    try:
        asked = float(st.query_params.get("eps", FIRST_EPS))
    except ValueError:
        return FIRST_EPS
    return asked if EPS_PLACES[0] <= asked <= EPS_PLACES[-1] else FIRST_EPS


def _keep_eps() -> None:
    _tell_eps(float(st.session_state["eps"]["value"]))


def _tell_eps(eps: float) -> None:
    address.tell("eps", [] if eps == FIRST_EPS else [f"{eps:g}"])
