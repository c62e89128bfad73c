"""Figure 8: one beat at the paper's seven noise levels, and what the network reads in each."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.beat.attack import BeatAttack, noise_level
from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from nsr_core.paper.growing_noise import FIGURE_8_EPS, noisy_beats
from ui import chart, ecg, loaders, sources
from ui.beat import words
from ui.beat_choice import choose_beat
from ui.links import page_link
from ui.paper import figures
from ui.paper.ours import tell_absent
from ui.theme import ink

NETWORK = "mlp-ce"
#: Of one panel; a narrow phone holds one, a wide screen four.
PANEL_PX = 292


def show() -> None:
    if tell_absent((NETWORK,)):
        return
    st.markdown(
        "One beat under PGD (100 steps) on the MLP trained by cross-entropy, at the paper's seven noise levels. When does the network "
        "misread it, and when would you?"
    )
    beats = sources.banner()
    with st.popover("Choose another beat", icon=":material/ecg_heart:"):
        row = choose_beat(beats, NETWORK)
    _panels(beats, row)


def _panels(beats: Beats, row: int) -> None:
    result = noisy_beats(loaders.checkpoint(NETWORK), beats, row)
    mv = [noise_level(beats, row, one.eps).mv for one in result]
    y_range = ecg.common_range(result)
    drawn = {f"Noise level {one.eps:g}": figures.noisy_beat(one, y_range, PANEL_PX, ink()) for one in result}
    with st.container(horizontal=True, gap="small"):
        for one, in_mv, (title, figure) in zip(result, mv, drawn.items(), strict=True):
            with st.container(width=PANEL_PX, gap="small"):
                st.markdown(f"**{title}**" + (f" · ±{in_mv:.2g} mV" if np.isfinite(in_mv) and one.eps else ""))
                chart.draw(
                    figure,
                    key=f"noise_{FIGURE_8_EPS.index(one.eps)}",
                    buttons=False,
                    alt=f"Beat {one.beat}, {title.lower()}: read as {CLASS_NAMES[one.class_after]}.",
                )
                st.markdown(_reading(one))
    st.caption(_caption(result[0]))
    page_link("beat", "Try this beat in the Beat lab", {"beat": result[0].beat})
    table = pd.DataFrame([_table_row(one, in_mv) for one, in_mv in zip(result, mv, strict=True)])
    facts = {"attacks": [one.to_json() for one in result]}
    chart.numbers(table, name="paper-figure-8", figures=lambda: drawn, facts=facts)


def _caption(first: BeatAttack) -> str:
    known = bool(np.isfinite(first.mv_range))
    return (
        f"In truth {CLASS_NAMES[first.true_class]}; {first.checkpoint} ({first.weights}), each noise level attacked alone. "
        f"{words.protocol(first)} The faint trace is without noise; padding is not drawn"
        f"{ecg.result_scale(known, figures.speed_of(first))}"
    )


def _reading(result: BeatAttack) -> str:
    icon = ":material/check_circle:" if result.class_after == result.true_class else ":material/cancel:"
    return f"{icon} reads **{CLASS_NAMES[result.class_after]}**, {result.after.max():.0%}"


def _table_row(result: BeatAttack, mv: float) -> dict[str, object]:
    return {
        "noise level": result.eps,
        "mV": round(mv, 4),
        "read as": result.class_after,
        "probability": round(float(result.after.max()), 4),
        "probability of the true class": round(float(result.after[CLASSES.index(result.true_class)]), 4),
        "flipped": result.flipped,
        "step": result.step,
    }
