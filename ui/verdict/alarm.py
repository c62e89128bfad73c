"""The section Alarm: whether a network hides its gradient, sign by sign."""

import pandas as pd
import streamlit as st

from nsr_core.verdict.masking import Alarm
from ui import chart, loaders
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
    alarms = {name: found for name in levels if (found := loaders.alarm(name))}
    if not alarms:
        st.info("No network was looked at yet: `python -m nsr_core honesty FOLDER --keep`")
        return
    name = network.choose(list(alarms))
    alarm = alarms[name]
    st.markdown(f"#### {LIGHTS[alarm.light]} {loaders.title(name)}: {alarm.light}")
    st.markdown(alarm.verdict)
    _signs(alarm)
    drawn = ", ".join(f"{count} {label}" for label, count in alarm.beats.items())
    levels = " and ".join(f"{eps:g}" for eps in alarm.eps)
    st.caption(
        f"{alarm.caveat} Beats: {drawn}, {alarm.beats_from}; read correctly without noise; noise levels {levels}; seed "
        f"{alarm.seed}; weights `{alarm.weights}`."
    )
    st.markdown("#### All networks")
    table = _all(alarms)
    chart.numbers(
        table, name="masking-alarm", expanded=True, label="Signs by network, and files to take away",
        facts={name: alarm.to_json() for name, alarm in alarms.items()},
    )  # fmt: skip


def _signs(alarm: Alarm) -> None:
    for sign in sorted(alarm.signs, key=lambda sign: -list(LIGHTS).index(sign.light)):
        st.markdown(f"{LIGHTS[sign.light]} **{sign.title}** ({sign.light}). {sign.sentence}", help=sign.reason)


def _all(alarms: dict[str, Alarm]) -> pd.DataFrame:
    rows = [
        {"sign": title} | {name: _light_of(alarm, title) for name, alarm in alarms.items()}
        for title in [sign.title for sign in next(iter(alarms.values())).signs]
    ]
    return pd.DataFrame([{"sign": "all together"} | {name: alarm.light for name, alarm in alarms.items()}, *rows])


def _light_of(alarm: Alarm, title: str) -> str:
    return next((sign.light for sign in alarm.signs if sign.title == title), "not looked at")
