"""The section Gradient masking: whether a network hides its gradient, sign by sign."""

import pandas as pd
import streamlit as st

from nsr_core.verdict.masking import MaskingCheck
from ui import chart, loaders, results
from ui.verdict import network

#: A light by colour, shape and word.
LIGHTS = {
    "green": ":green[:material/check_circle:]",
    "amber": ":orange[:material/warning:]",
    "red": ":red[:material/error:]",
}


def show(levels: dict[str, pd.DataFrame]) -> None:
    st.markdown(
        "A gradient attack that fails has two possible reasons: the network is robust, or its gradient leads nowhere. The "
        "second is called **gradient masking**, and makes a network look robust that is not. The signs below tell them apart."
    )
    checks = {name: found for name in levels if (found := results.masking(name))}
    if not checks:
        st.info("No network was checked yet. The command line's masking command does it.")
        return
    name = network.choose(list(checks))
    check = checks[name]
    st.markdown(f"#### {LIGHTS[check.light]} {loaders.title(name)}: {check.light}")
    st.markdown(check.verdict)
    _signs(check)
    drawn = ", ".join(f"{count} {label}" for label, count in check.beats.items())
    noise = " and ".join(f"{eps:g}" for eps in check.eps)
    st.caption(
        f"{check.caveat} Beats: {drawn}, {check.beats_from}; read correctly without noise; noise levels {noise}; seed "
        f"{check.seed}; weights `{check.weights}`."
    )
    st.markdown("#### All networks")
    table = _all(checks)
    chart.numbers(
        table,
        name="masking-check",
        expanded=True,
        label="Signs by network, and downloads",
        facts={name: check.to_json() for name, check in checks.items()},
    )


def _signs(check: MaskingCheck) -> None:
    for sign in sorted(check.signs, key=lambda sign: -list(LIGHTS).index(sign.light)):
        st.markdown(f"{LIGHTS[sign.light]} **{sign.title}** ({sign.light}). {sign.sentence}", help=sign.reason)


def _all(checks: dict[str, MaskingCheck]) -> pd.DataFrame:
    rows = [
        {"sign": title} | {loaders.title(name): _light_of(check, title) for name, check in checks.items()}
        for title in [sign.title for sign in next(iter(checks.values())).signs]
    ]
    return pd.DataFrame(
        [{"sign": "all together"} | {loaders.title(name): check.light for name, check in checks.items()}, *rows]
    )


def _light_of(check: MaskingCheck, title: str) -> str:
    return next((sign.light for sign in check.signs if sign.title == title), "not looked at")
