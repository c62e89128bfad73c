"""Choosing an attack and its settings, the same way on every page."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from nsr_core.attacks import ATTACKS, Attack, attack_title
from nsr_core.errors import UserError
from nsr_core.settings import described_fields, update
from ui.forms import settings_form, whole_number
from ui.pick import pick_one
from ui.plain import told

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


def choose_attack(in_units: Callable[[float], str]) -> AttackChoice | None:
    """The widgets; None, with the reason on the page, where their values do not go together.

    Args:
        in_units: what a noise level means on the chosen beat, in words.
    """
    name = pick_one("Attack", {name: attack_title(name) for name in ATTACKS}, key="attack")
    attack = ATTACKS[name]
    st.caption(attack.summary)
    eps = st.slider(
        "Noise level ε",
        0.0,
        0.3,
        0.05,
        0.001,
        format="%.3f",
        key="eps",
        bind="query-params",
        help="The most that the noise may add to or take from any sample, where the whole beat spans 0 to 1.",
    )
    st.caption(in_units(eps))
    changes = {}
    if "steps" in described_fields(attack):
        changes["steps"] = st.select_slider(
            "Attack steps",
            STEPS,
            100,
            key="steps",
            bind="query-params",
            help="How many steps the attack may take. It stops as soon as the beat is misread.",
        )
    signal_only = st.toggle(
        "Noise on the signal only",
        value=True,
        key="signal",
        bind="query-params",
        help="Beats are filled up with zeros to 187 samples. The published attack changes the filling too, which "
        "no electrode could do.",
    )
    with st.popover("More settings", icon=":material/tune:"):
        seed = whole_number(
            "Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help="Where the attack's chance comes from."
        )
        more = [field for field in described_fields(attack) if field not in changes]
        changes |= settings_form(attack, prefix=f"{name}_", names=more, bound=True)
    try:
        return AttackChoice(name, update(attack, changes), eps, seed, signal_only)
    except UserError as error:
        st.error(told(error))
        return None
