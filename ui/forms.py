"""Forms made from settings that describe themselves: a field's type, bounds, unit and help become a widget."""

import math
from collections.abc import Iterable
from typing import Any

import streamlit as st

from nsr_core.settings import SettingInfo, described_fields
from ui import address

#: Fields whose values read better as words than as the names that the core gives them.
LABELS = {
    "steps": "Attack steps",
    "step_size": "Size of a step",
    "move": "How a step is made",
    "random_start": "Start at random",
    "samples": "Evaluations per step",
    "delta": "Distance of the evaluations",
    "draws": "Draws",
    "restarts": "Starts",
    "reach": "How far the steps travel together",
    "share": "Length of the first segments",
    "widest": "Width of the budget at first",
    "narrowest_ms": "Narrowest smoothing",
    "widest_ms": "Widest smoothing",
    "ramp": "Share of the training with growing noise",
    "eps": "Noise level ε",
    "eps_max": "Largest noise ε_max",
    "beta": "Weight β",
    "batch_size": "Beats per step",
    "learning_rate": "Learning rate",
    "schedule": "Learning rate over time",
    "clean_share": "Weight of the clean beats",
    "alpha": "Weight of the bounds",
    "bounded": "Half-width of the bounded box",
    "optimiser": "Optimiser",
    "gradient_clip": "Largest gradient",
    "precision": "Precision of the attack's gradients",
    "normalise_kernels": "Scale kernels to unit norm",
    "weight_decay": "Weight decay",
    "bias": "Bias terms",
    "restart_dead_kernels": "Restart dead kernels",
}


def settings_form(
    settings: Any, *, prefix: str = "", names: Iterable[str] | None = None, bound: bool = False
) -> dict[str, Any]:
    """A widget for each setting, its default where the instance has it.

    Args:
        settings: a settings instance; its values are the form's defaults.
        prefix: of the widgets' keys.
        names: which settings; all by default.
        bound: whether the values stand in the page's address.

    Returns:
        The values by name.
    """
    described = described_fields(settings)
    return {
        name: _widget(name, getattr(settings, name), info, prefix + name, bound)
        for name, (_, info) in described.items()
        if names is None or name in names
    }


def _widget(name: str, value: Any, info: SettingInfo, key: str, bound: bool) -> Any:
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    settings: dict[str, Any] = {"key": key, "help": _help(info), "bind": address.bound(key) if bound else None}
    if isinstance(value, bool):
        return st.toggle(label, value, **settings)
    if info.choices:
        return st.selectbox(label, list(info.choices), list(info.choices).index(value), **settings)
    if isinstance(value, int):
        return whole_number(label, _whole(info.low), _whole(info.high), value, **settings)
    return st.number_input(label, info.low, info.high, value, step=_step(value), format="%g", **settings)


def whole_number(label: str, low: int | None, high: int | None, value: int, *, key: str, **settings: Any) -> int:
    """A number input for whole numbers whose address may hold anything.

    Streamlit turns an infinite number in the address into a whole one, and fails: such an address is not listened to.
    """
    if _is_infinite(st.query_params.get(key, "")):
        settings["bind"] = None
    return int(st.number_input(label, low, high, value, key=key, **settings))


def _is_infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def _help(info: SettingInfo) -> str:
    bounds = f" From {_said(info.low)} to {_said(info.high)}" if None not in (info.low, info.high) else ""
    return f"{info.help}{bounds}{' ' + info.unit if info.unit else ''}{'.' if bounds else ''}"


def _said(bound: float | None) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _step(value: float) -> float:
    """A tenth of the value's own order: 0.01 moves by 0.001."""
    return 10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 0.01
