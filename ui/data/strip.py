"""One beat back in its record: the strip around it on ECG paper, and the way from there to 187 numbers."""

from typing import Any

import pandas as pd
import streamlit as st

from nsr_core.data import Beats
from nsr_core.data.beats import BEAT_LENGTH, RECORD_FS_HZ
from nsr_core.data.cutting import CLASS_OF_SYMBOL
from nsr_core.data.strip import Strip
from ui import chart, ecg
from ui.data import strip_figures
from ui.data.strip_figures import clock
from ui.theme import ink


def show(outcome: Strip, beats: Beats, row: int, facts: dict[str, Any]) -> None:
    st.markdown(_words(outcome, beats, row))
    figure = strip_figures.strip(outcome, ink())
    with chart.roll("strip_roll", strip_figures.STRIP_WIDTH_PX):
        chart.draw(figure, key="strip", alt=_alt(outcome))
    st.caption(_caption(outcome))
    st.subheader(f"From the strip to {BEAT_LENGTH} numbers", anchor=False)
    steps, result = st.columns([1, 2], gap="large")
    steps.markdown(_steps(outcome, beats, row))
    length = int(beats.length[row])
    made = strip_figures.from_window(outcome.window_mv, beats.x[row], length, ink())
    with result:
        chart.draw(made, key="made", alt=made_alt(length))
    table = pd.DataFrame({"time_s": outcome.time_s.round(4), "mv": outcome.mv.round(4)})
    chart.numbers(
        table,
        name="strip",
        figures=lambda: {"Strip": figure, "From the strip to the beat": made},
        facts=facts | {"record": outcome.record, "lead": outcome.lead, "fs_hz": RECORD_FS_HZ},
    )


def _words(outcome: Strip, beats: Beats, row: int) -> str:
    if beats.truncated[row]:
        end = f"its end, shaded in grey, did not fit into {BEAT_LENGTH} samples and is lost"
    elif beats.cut_short[row]:
        end = f"it was cut short by a mark that is no beat (`{outcome.ended_by}`)"
    else:
        end = "it ends a little after the next one, so it holds the start of the next beat too"
    return (
        f"Record **{outcome.record}**, lead **{outcome.lead}**, **{clock(outcome.start_s, 1)}** (min:s) after its "
        f"start. Shaded in blue: what was cut out as this beat. It begins on the beat's own mark; {end}."
    )


def _caption(outcome: Strip) -> str:
    words = "A small square is 40 ms by 0.1 mV. Letters are the cardiologists' marks"
    others = sorted({symbol for symbol in outcome.symbols if symbol not in CLASS_OF_SYMBOL})
    if others:
        words += f"; those in grey ({' '.join(others)}) mark no beat"
    return words + ecg.result_scale(True, strip_figures.SPEED)


def _alt(outcome: Strip) -> str:
    return (
        f"ECG paper with {outcome.time_s[-1] - outcome.time_s[0]:.0f} s of record {outcome.record}, lead {outcome.lead}, from "
        f"{clock(outcome.time_s[0])}; marks {' '.join(outcome.symbols)}; the window from {clock(outcome.start_s, 2)} to "
        f"{clock(outcome.stop_s, 2)} is shaded."
    )


def _steps(outcome: Strip, beats: Beats, row: int) -> str:
    length, low, high = int(beats.length[row]), float(beats.mv_min[row]), float(beats.mv_max[row])
    ended = "the next beat" if outcome.ended_by in CLASS_OF_SYMBOL else "a mark that is no beat"
    lost = len(outcome.decimated_mv) - length
    last = f"{length} numbers and **{BEAT_LENGTH - length} zeros** of padding make {BEAT_LENGTH}."
    if lost > 0:
        last = f"The first {BEAT_LENGTH} are kept, the last **{lost}** are lost. No padding."
    return (
        f"1. **{len(outcome.window_mv)} samples** at 360 Hz ({1000 * (outcome.stop_s - outcome.start_s):.0f} ms), from the beat's "
        f"mark to a fifth of the following interval after the next mark (`{outcome.ended_by}`, {ended}).\n"
        f"2. Every third of them: **{len(outcome.decimated_mv)} samples** at 120 Hz.\n"
        f"3. The lowest of these, **{low:.3f} mV**, becomes 0 and the highest, **{high:.3f} mV**, becomes 1; "
        f"so 1 stands for **{high - low:.3f} mV**.\n"
        f"4. {last}"
    )


def made_alt(length: int) -> str:
    """What the figure of a beat's making shows."""
    return (
        f"Above, the signal in mV; below, the {BEAT_LENGTH} numbers from 0 to 1 made of it: {length} of signal, "
        f"{BEAT_LENGTH - length} of padding."
    )
