"""The tab Origin: where one beat comes from, as far as its source tells."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.data import CLASSES, Beats
from nsr_core.data.beats import BEAT_LENGTH
from nsr_core.data.demo import LEVELS, NOISE_STD, WANDER_AMPLITUDE
from nsr_core.data.mitbih import download
from nsr_core.data.strip import find_records, read_strip
from nsr_core.data.summary import csv_line, template_table
from nsr_core.errors import UserError
from ui import address, chart, links, sources
from ui.beat_choice import row_of
from ui.data import choice, strip, strip_figures
from ui.plain import in_words
from ui.serving import is_public
from ui.theme import ink

SECONDS = (3, 6, 10)
#: How much of the strip lies before the beat: little, so that a narrow screen shows the beat before it is scrolled.
BEFORE = 0.2


def show(beats: Beats) -> None:
    first, seconds = choice.first_row(beats), SECONDS[-1]
    choices = st.container(horizontal=True, vertical_alignment="bottom")
    with choices:
        name = choice.beat_field(beats, first)
        if beats.source == "mitbih":
            seconds = st.segmented_control(
                "Strip, seconds",
                SECONDS,
                default=SECONDS[-1],
                key="seconds",
                bind=address.bound("seconds"),
                required=True,
            )
    row = row_of(beats, name, first)
    with choices:
        settings = {"beat": beats.name(row)}
        links.page_link("beat", "Open in the Beat lab", settings)
    if beats.source == "mitbih":
        _in_record(beats, row, seconds)
    elif beats.source == "kaggle":
        _in_csv(beats, row)
    else:
        _synthetic(beats, row)


def _in_record(beats: Beats, row: int, seconds: int) -> None:
    st.subheader(choice.title_of(beats, row), anchor=False)
    try:
        folder = find_records(sources.root_of("mitbih"))
        outcome = read_strip(
            folder, str(beats.record[row]), int(beats.sample[row]), seconds * BEFORE, seconds * (1 - BEFORE)
        )
    except UserError as error:
        _without_records(beats, row, error)
        return
    strip.show(outcome, beats, row, _facts(beats, row))


def _without_records(beats: Beats, row: int, error: UserError) -> None:
    """The cut beats are kept apart from the records, so they may be here alone."""
    st.info(f"The beat is here, but the strip around it cannot be shown. {in_words(error)}")
    if not is_public() and st.button(
        "Download the records from PhysioNet (92 MB)", key="download_records", icon=":material/download:"
    ):
        bar = st.progress(0.0, "starting")
        try:
            download(progress=lambda done, total, what: bar.progress(done / max(total, 1), what))
        except UserError as failed:
            bar.empty()
            st.error(in_words(failed))
            return
        st.rerun()
    _numbers(beats, row)


def _in_csv(beats: Beats, row: int) -> None:
    st.subheader(choice.title_of(beats, row), anchor=False)
    st.markdown(
        f"Line **{csv_line(beats, row):,}** of `mitbih_{beats.record[row]}.csv`. The file names no record, no lead and no "
        f"mV, so the strip cannot be found again. Signal: **{beats.length[row]} samples**, up to the last that is not 0; "
        "the true length may be a few more."
    )
    _numbers(beats, row)


def _synthetic(beats: Beats, row: int) -> None:
    label, length = CLASSES[beats.y[row]], int(beats.length[row])
    made = template_table().set_index("class").loc[label]
    st.subheader(f"{choice.title_of(beats, row)}, synthetic", anchor=False)
    st.markdown("This beat was **never recorded**: it has no record, no patient and no place in a strip.")
    steps, result = st.columns([1, 2], gap="large")
    steps.markdown(
        f"1. Real beats of class {label} were sorted into **{made['clusters']} groups** of {made['fewest']:,} to "
        f"{made['most']:,} and averaged. One average was drawn.\n"
        f"2. It was stretched to **{length} samples** at 120 Hz, a length drawn from that group.\n"
        f"3. A little noise (standard deviation {NOISE_STD}) and a slow wave like breathing (amplitude "
        f"{WANDER_AMPLITUDE}) were added.\n"
        f"4. The lowest became 0 and the highest 1; **{BEAT_LENGTH - length} zeros** of padding make {BEAT_LENGTH} numbers.\n"
        f"5. The range in mV, **{beats.mv_min[row]:.3f} to {beats.mv_max[row]:.3f} mV**, was drawn from the group's "
        f"({LEVELS[0]:.0%} to {LEVELS[-1]:.0%} of its beats)."
    )
    steps.caption(f"To see a beat in its strip, {choice.CHOOSE_RECORDS}.")
    with result:
        _numbers(beats, row)


def _numbers(beats: Beats, row: int) -> None:
    """What is known of a beat without its record: the 187 numbers, and in mV where their range is kept."""
    length, low = int(beats.length[row]), float(beats.mv_min[row])
    if np.isfinite(low):
        figure = strip_figures.from_range(beats.x[row], low, float(beats.mv_range[row]), length, ink())
    else:
        figure = strip_figures.only_numbers(beats.x[row], length, ink())
    chart.draw(figure, key="made", alt=strip.made_alt(length))
    table = pd.DataFrame({"sample": np.arange(BEAT_LENGTH), "value": beats.x[row].astype(float).round(4)})
    chart.numbers(table, name="beat", figures=lambda: {"Beat": figure}, facts=_facts(beats, row))


def _facts(beats: Beats, row: int) -> dict[str, object]:
    return {
        "source": beats.source,
        "beat": beats.name(row),
        "class": CLASSES[beats.y[row]],
        "signal_samples": int(beats.length[row]),
        "numbers": [round(float(value), 4) for value in beats.x[row]],
    }
