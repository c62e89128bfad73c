"""Data: how many beats there are, what they look like, where each comes from, and what the cutting did to them."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.data import CLASS_NAMES, CLASSES, FS_HZ, Beats
from nsr_core.data.beats import BEAT_LENGTH
from nsr_core.data.cutting import CLASS_OF_SYMBOL
from nsr_core.data.demo import LEVELS, NOISE_STD, WANDER_AMPLITUDE
from nsr_core.data.mitbih import download
from nsr_core.data.strip import Strip, find_records, read_strip
from nsr_core.data.summary import (
    PARTS,
    PartCounts,
    class_table,
    count_parts,
    draw_beats,
    length_histogram,
    record_table,
    template_table,
)
from nsr_core.errors import UserError
from nsr_core.evaluation.single import find_beat
from ui import chart, data_figures, frame, links, loaders, sources
from ui.theme import ink

LEAD = (
    "A network learns from heartbeats that were cut out of long recordings. How many there are of each class, "
    "what they look like, where each one comes from, and what the cutting added and took away."
)
COUNTS, BEATS, ORIGIN, CUTTING, RECORDS = "Counts", "Beats", "Origin", "Cutting", "Records"
TABS = (COUNTS, BEATS, ORIGIN, CUTTING, RECORDS)
#: The splits that each source can have, its usual one first.
SPLITS = {"demo": ("beat",), "mitbih": ("beat", "patient"), "kaggle": ("published", "beat")}
SPLIT_WORDS = {
    "beat": "**By beat**, as in the paper: beats are dealt out by chance, class by class. Beats of one patient train "
    "and test, so a network may know the patient already.",
    "patient": "**By patient** (de Chazal et al. 2004): records of DS1 train, records of DS2 test, the four paced "
    "records do neither. A network meets new patients in the test, save one: records 201 (DS1) and 202 (DS2) are of "
    "the same person. Only few Q beats are left.",
    "published": "**As published**: the rows of the test file test, a fifth of the train file validates.",
}
ANY, CUT_SHORT, END_LOST = "any", "cut short", "end lost"
GRID = 12
GRID_WIDTH_PX = 292
SECONDS = (3, 6, 10)
#: How much of the strip lies before the beat: little, so that a narrow screen shows the beat before it is scrolled.
BEFORE = 0.2
#: A phone scrolls sideways over the strip, as one unrolls paper, rather than squeeze it.
STRIP_STYLE = (
    "<style>.st-key-strip_roll{overflow-x:auto}.st-key-strip_roll [data-testid=stPlotlyChart],"
    f".st-key-strip_roll [data-testid=stElementContainer]{{min-width:{data_figures.STRIP_WIDTH_PX}px}}</style>"
)


def main() -> None:
    with frame.page_on_beats("Data", LEAD) as beats:
        drawers = (_counts, _beats, _origin, _cutting, _records)
        tabs = st.tabs(TABS, key="tab", bind="query-params")
        for tab, draw in zip(tabs, drawers, strict=True):
            if tab.open:
                with tab:
                    draw(beats)


# Counts


def _counts(beats: Beats) -> None:
    controls, result = st.columns([1, 2.6], gap="large")
    with controls:
        possible = SPLITS[beats.source]
        name = possible[0]
        if len(possible) > 1:
            name = st.segmented_control(
                "Split by", possible, default=possible[0], key="split", bind="query-params", required=True, wrap=True,
                help="Which beats train the network, which ones watch over the training, and which ones test it.",
            )  # fmt: skip
        view = st.segmented_control(
            "Shown as", data_figures.VIEWS, default="log", key="axis", bind="query-params", required=True, wrap=True,
            help="On the log axis each step to the right is ten times as many, so that rare classes can be seen. The share is "
            "that of a class among the beats of its part.",
        )  # fmt: skip
        split = loaders.split_of(beats.source, sources.root_of(beats.source), name)
        told = count_parts(beats, split)
        st.markdown(SPLIT_WORDS[name])
        st.markdown(_balance_words(told))
        st.caption(
            f"Split `{name}`, fingerprint `{split.fingerprint}`, seed {split.seed}. "
            "Results can be compared only where the fingerprints agree."
        )
    with result:
        st.subheader(_counts_title(beats), anchor=False)
        figure = data_figures.class_counts(told, view, ink())
        chart.draw(figure, key="class_counts", alt=_counts_alt(told, name))
        st.caption(" · ".join(f"**{label}** {CLASS_NAMES[label].lower()}" for label in CLASSES))
        facts = {"source": beats.source, "split": name, "fingerprint": split.fingerprint, "seed": split.seed}
        chart.numbers(
            _counts_table(told), name="class-counts", figures=lambda: {"Beats by class and part": figure}, facts=facts
        )


def _counts_title(beats: Beats) -> str:
    if beats.source == "demo":
        return f"{len(beats):,} synthetic beats, as many of each class"
    counts = beats.class_counts()
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    return f"{len(beats):,} beats: {counts[most] / len(beats):.0%} are {most}, {counts[least] / len(beats):.1%} are {least}"


def _balance_words(told: PartCounts) -> str:
    repeats = [told.repeats(label) for label in range(len(CLASSES))]
    rarest = int(np.nanargmax(repeats))
    if repeats[rarest] < 1.05:
        return "The classes are balanced already; real beats are far from it."
    return (
        f"Training evens this out, as in the paper: each class is repeated until it is as large as the largest "
        f"({told.largest:,}), so one epoch shows {told.epoch:,} beats, each {CLASSES[rarest]} beat about "
        f"{repeats[rarest]:,.0f} times."
    )


def _counts_alt(told: PartCounts, name: str) -> str:
    parts = [
        f"{part}: " + ", ".join(f"{label} {count:,}" for label, count in zip(CLASSES, column, strict=True))
        for part, column in zip(PARTS, told.counts.T, strict=True)
    ]
    return f"Beats by class in the split {name}. " + ". ".join(parts) + "."


def _counts_table(told: PartCounts) -> pd.DataFrame:
    table = pd.DataFrame(told.counts, columns=list(PARTS))
    table.insert(0, "class", CLASSES)
    for place, part in enumerate(PARTS):
        table[f"{part} share"] = told.shares[:, place].round(4)
    return table


# Beats


def _beats(beats: Beats) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Class", (ANY, *CLASSES), key="of_class", bind="query-params", width=300,
            format_func=lambda name: f"{CLASS_NAMES[name]} ({name})" if name in CLASS_NAMES else "Any class",
        )  # fmt: skip
        record = _choose_record(beats)
        cut = ANY
        if beats.source != "demo":
            cut = st.selectbox(
                "Cutting", (ANY, CUT_SHORT, END_LOST), key="cut", bind="query-params", width=180,
                help="A window ends early where the next mark is no beat; a signal of more than 187 samples loses its end.",
            )  # fmt: skip
        draw = st.number_input(
            "Draw", 0, 9999, 0, key="draw", bind="query-params", width=130, help="The seed of the random choice."
        )
        st.button("Another draw", icon=":material/casino:", key="another", on_click=_draw_again)
        _beat_field(beats)
    rows = _drawn(beats, label, record, cut, int(draw))
    if not len(rows):
        st.info(_nothing_words(beats, label, record, cut))
        return
    st.markdown(
        f"What the network gets of a beat: {BEAT_LENGTH} numbers from 0 to 1, {1000 / FS_HZ:.1f} ms apart. The signal runs "
        "from one R peak to a little after the next. **Shaded: padding**, the zeros behind it."
    )
    with st.container(horizontal=True, key="grid"):
        for row in rows.tolist():
            _small_beat(beats, row)
    shown = beats[rows]
    facts = {"source": beats.source, "class": label, "record": record, "cutting": cut, "draw": draw}
    chart.numbers(data_figures.beats_table(shown), name="beats", facts=facts)


def _choose_record(beats: Beats) -> str:
    if beats.source != "mitbih":
        return ANY
    return st.selectbox(
        "Record", (ANY, *np.unique(beats.record).tolist()), key="of_record", bind="query-params", width=150,
        format_func=lambda name: "Any record" if name == ANY else name,
    )  # fmt: skip


def _drawn(beats: Beats, label: str, record: str, cut: str, draw: int) -> np.ndarray:
    wanted = np.ones(len(beats), bool)
    if label != ANY:
        wanted &= beats.y == CLASSES.index(label)
    if record != ANY:
        wanted &= beats.record == record
    if cut != ANY:
        wanted &= beats.cut_short if cut == CUT_SHORT else beats.truncated
    return draw_beats(beats, np.flatnonzero(wanted), GRID, draw)


def _nothing_words(beats: Beats, label: str, record: str, cut: str) -> str:
    if beats.source == "kaggle" and cut == CUT_SHORT:
        return "The published CSV does not tell which windows a mark cut short. The MIT-BIH records do."
    where = "" if record == ANY else f" in record {record}"
    which = "" if label == ANY else f" of class {label}"
    return f"There is no such beat{which}{where}. Choose another class, record or kind of cutting."


def _small_beat(beats: Beats, row: int) -> None:
    name, label, length = _name(beats, row), CLASSES[beats.y[row]], int(beats.length[row])
    with st.container(width=GRID_WIDTH_PX, gap=None, border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{label}** &nbsp;{name}", width="stretch")
            links.page_link("pages/beat_lab.py", "Lab", ":material/ecg_heart:", {"beat": name})
            st.button(
                "Origin", icon=":material/timeline:", key=f"origin_{row}", type="tertiary", on_click=_show_origin,
                args=(name,),
            )  # fmt: skip
        chart.draw(
            data_figures.small_beat(beats.x[row], length, ink()), key=f"small_{row}", buttons=False,
            alt=f"Beat {name}, class {label}: {length} samples of signal, {BEAT_LENGTH - length} of padding.",
        )  # fmt: skip
        st.caption(_short_facts(beats, row))


def _short_facts(beats: Beats, row: int) -> str:
    length = int(beats.length[row])
    facts = [f"{length} + {BEAT_LENGTH - length} padding"]
    if np.isfinite(beats.mv_range[row]):
        facts.append(f"{beats.mv_range[row]:.2f} mV")
    if beats.cut_short[row]:
        facts.append("cut short")
    if beats.truncated[row]:
        facts.append("end lost")
    return " · ".join(facts)


def _draw_again() -> None:
    st.session_state["draw"] = int(np.random.default_rng().integers(1, 10_000))


def _beat_field(beats: Beats) -> str:
    """The name of the beat shown under Origin. It stands beside the small beats too, and leads there.

    So the field is on the page before a button writes into it; the page's address would not follow otherwise.
    """
    return st.text_input(
        "Beat", key="origin", bind="query-params", placeholder=_name(beats, _first(beats)), width=190,
        on_change=_open_origin,
        help="The beat shown under Origin: pick one under Beats, or type record:sample or the number of a row.",
    )  # fmt: skip


def _show_origin(name: str) -> None:
    st.session_state["origin"] = name
    _open_origin()


def _open_origin() -> None:
    st.session_state["tab"] = ORIGIN


def _name(beats: Beats, row: int) -> str:
    return str(beats[row : row + 1].names()[0])


def _first(beats: Beats) -> int:
    """The first of the small beats on a page that was just opened."""
    return int(_drawn(beats, ANY, ANY, ANY, 0)[0])


# Origin


def _origin(beats: Beats) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = _beat_field(beats)
        seconds = SECONDS[-1]
        if beats.source == "mitbih":
            seconds = st.segmented_control(
                "Strip, seconds", SECONDS, default=SECONDS[-1], key="seconds", bind="query-params", required=True,
            )  # fmt: skip
        row, message = _row_of(beats, name, _first(beats))
        links.page_link(
            "pages/beat_lab.py", "Open in the Beat lab", ":material/ecg_heart:", {"beat": _name(beats, row)}
        )
    if message:
        st.warning(message)
    draw = {"mitbih": _origin_in_record, "demo": _origin_of_synthetic, "kaggle": _origin_in_csv}[beats.source]
    draw(beats, row, seconds)


def _row_of(beats: Beats, name: str, first: int) -> tuple[int, str]:
    """The row of the beat called ``name``, or ``first`` and why not."""
    if not name:
        return first, ""
    try:
        return find_beat(beats, name), ""
    except UserError as error:
        return first, f"{error} Shown instead: {_name(beats, first)}."


def _origin_in_record(beats: Beats, row: int, seconds: int) -> None:
    record, sample = str(beats.record[row]), int(beats.sample[row])
    st.subheader(_beat_title(beats, row), anchor=False)
    try:
        folder = find_records(sources.root_of("mitbih"))
        told = read_strip(folder, record, sample, seconds * BEFORE, seconds * (1 - BEFORE))
    except UserError as error:
        _without_records(beats, row, error)
        return
    st.markdown(_strip_words(told, beats, row))
    st.html(STRIP_STYLE)
    figure = data_figures.strip(told, ink())
    with st.container(key="strip_roll"):
        chart.draw(figure, key="strip", alt=_strip_alt(told))
    st.caption(_strip_caption(told))
    st.subheader(f"From the strip to {BEAT_LENGTH} numbers", anchor=False)
    steps, result = st.columns([1, 2], gap="large")
    steps.markdown(_steps_words(told, beats, row))
    made = data_figures.from_window(told.window_mv, beats.x[row], int(beats.length[row]), ink())
    with result:
        chart.draw(made, key="made", alt=_made_alt(beats, row))
    facts = _beat_facts(beats, row) | {"record": record, "lead": told.lead, "fs_hz": 360}
    table = pd.DataFrame({"time_s": told.time_s.round(4), "mv": told.mv.round(4)})
    chart.numbers(
        table, name="strip", figures=lambda: {"Strip": figure, "From the strip to the beat": made}, facts=facts
    )


def _beat_title(beats: Beats, row: int) -> str:
    label = CLASSES[beats.y[row]]
    return f"{_name(beats, row)}: {CLASS_NAMES[label].lower()} ({label})"


def _strip_words(told: Strip, beats: Beats, row: int) -> str:
    if beats.truncated[row]:
        end = f"its end, shaded in grey, did not fit into {BEAT_LENGTH} samples and is lost"
    elif beats.cut_short[row]:
        end = f"it was cut short by a mark that is no beat (`{told.ended_by}`)"
    else:
        end = "it ends a little after the next one, so it holds the start of the next beat too"
    return (
        f"Record **{told.record}**, lead **{told.lead}**, **{data_figures.clock(told.start_s, 1)}** (min:s) after its "
        f"start. Shaded in blue: what was cut out as this beat. It begins on the beat's own mark; {end}."
    )


def _strip_caption(told: Strip) -> str:
    words = "25 mm/s, 10 mm/mV: a small square is 40 ms by 0.1 mV. Letters are the cardiologists' marks"
    others = sorted({symbol for symbol in told.symbols if symbol not in CLASS_OF_SYMBOL})
    if others:
        words += f"; those in grey ({' '.join(others)}) mark no beat"
    return words + "."


def _strip_alt(told: Strip) -> str:
    return (
        f"ECG paper with {told.time_s[-1] - told.time_s[0]:.0f} s of record {told.record}, lead {told.lead}, from "
        f"{data_figures.clock(told.time_s[0])}; marks {' '.join(told.symbols)}; the window from "
        f"{data_figures.clock(told.start_s, 2)} to {data_figures.clock(told.stop_s, 2)} is shaded."
    )


def _steps_words(told: Strip, beats: Beats, row: int) -> str:
    length, low, high = int(beats.length[row]), float(beats.mv_min[row]), float(beats.mv_max[row])
    ended = "the next beat" if told.ended_by in CLASS_OF_SYMBOL else "a mark that is no beat"
    lost = len(told.decimated_mv) - length
    last = f"{length} numbers and **{BEAT_LENGTH - length} zeros** of padding make {BEAT_LENGTH}."
    if lost > 0:
        last = f"The first {BEAT_LENGTH} are kept, the last **{lost}** are lost. No padding."
    return (
        f"1. **{len(told.window_mv)} samples** at 360 Hz ({1000 * (told.stop_s - told.start_s):.0f} ms), from the beat's "
        f"mark to a fifth of the following interval after the next mark (`{told.ended_by}`, {ended}).\n"
        f"2. Every third of them: **{len(told.decimated_mv)} samples** at 120 Hz.\n"
        f"3. The lowest of these, **{low:.3f} mV**, becomes 0 and the highest, **{high:.3f} mV**, becomes 1; "
        f"so 1 stands for **{high - low:.3f} mV**.\n"
        f"4. {last}"
    )


def _made_alt(beats: Beats, row: int) -> str:
    return (
        f"Above, the signal in mV; below, the {BEAT_LENGTH} numbers from 0 to 1 made of it: {beats.length[row]} of signal, "
        f"{BEAT_LENGTH - beats.length[row]} of padding."
    )


def _beat_facts(beats: Beats, row: int) -> dict[str, object]:
    return {
        "source": beats.source,
        "beat": _name(beats, row),
        "class": CLASSES[beats.y[row]],
        "signal_samples": int(beats.length[row]),
        "numbers": [round(float(value), 4) for value in beats.x[row]],
    }


def _without_records(beats: Beats, row: int, error: UserError) -> None:
    """The cut beats are kept apart from the records, so they may be here alone."""
    st.info(f"The beat is here, but the strip around it cannot be shown. {error}")
    if st.button("Download the records from PhysioNet (92 MB)", key="download_records", icon=":material/download:"):
        bar = st.progress(0.0, "starting")
        try:
            download(progress=lambda done, total, what: bar.progress(done / max(total, 1), what))
        except UserError as failed:
            bar.empty()
            st.error(str(failed))
            return
        st.rerun()
    _show_numbers(beats, row)


def _show_numbers(beats: Beats, row: int) -> None:
    """What is known of a beat without its record: the 187 numbers, and in mV where their range is kept."""
    length, low = int(beats.length[row]), float(beats.mv_min[row])
    if np.isfinite(low):
        figure = data_figures.from_range(beats.x[row], low, float(beats.mv_range[row]), length, ink())
    else:
        figure = data_figures.only_numbers(beats.x[row], length, ink())
    chart.draw(figure, key="made", alt=_made_alt(beats, row))
    table = pd.DataFrame({"sample": np.arange(BEAT_LENGTH), "value": beats.x[row].astype(float).round(4)})
    chart.numbers(table, name="beat", figures=lambda: {"Beat": figure}, facts=_beat_facts(beats, row))


def _origin_of_synthetic(beats: Beats, row: int, seconds: int) -> None:
    label, length = CLASSES[beats.y[row]], int(beats.length[row])
    made = template_table().set_index("class").loc[label]
    st.subheader(f"{_beat_title(beats, row)}, synthetic", anchor=False)
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
    steps.caption("To see a beat in its strip, choose the MIT-BIH records with “Change beats” above.")
    with result:
        _show_numbers(beats, row)


def _origin_in_csv(beats: Beats, row: int, seconds: int) -> None:
    st.subheader(_beat_title(beats, row), anchor=False)
    file = str(beats.record[row])
    line = int(beats.sample[row]) - int(beats.sample[beats.record == file][0]) + 1
    st.markdown(
        f"Line **{line:,}** of `mitbih_{file}.csv`. The file names no record, no lead and no mV, so the strip cannot be "
        f"found again. Signal: **{beats.length[row]} samples**, up to the last that is not 0; the true length may be a "
        f"few more."
    )
    _show_numbers(beats, row)


# Cutting


def _cutting(beats: Beats) -> None:
    table = class_table(beats)
    total = table.iloc[-1]
    st.markdown(
        "A beat's window opens on its mark and closes after the next mark, beat or not, by a fifth of the interval that "
        f"follows; then it is padded with zeros to {BEAT_LENGTH} samples, or cut there. So it shows one interval between "
        "beats, not a fixed time around the peak, and no P wave of its own beat. From the padding a network can tell how "
        "long the interval was."
    )
    with st.container(horizontal=True):
        st.metric(
            "Padding", f"{total['padding']:.1%}", border=True, width=200,
            help="Share of all numbers that are zeros behind the signal.",
        )  # fmt: skip
        st.metric(
            "Windows cut short", _known(beats, total["cut_short"], "cut_short"), border=True, width=200,
            help="The next mark was no beat (a change of rhythm, noise), and the window was measured to it.",
        )  # fmt: skip
        st.metric(
            "Ends lost", _known(beats, total["truncated"], "truncated"), border=True, width=200,
            help="The window was longer than 187 samples (1.558 s). It is scaled by the extremes of the whole window, so what "
            "is left may not reach 0 or 1.",
        )  # fmt: skip
    st.caption(_cutting_words(beats))
    figure = data_figures.lengths(length_histogram(beats), table, ink())
    st.subheader("How long the signal of a beat is", anchor=False)
    st.markdown("Each class as high as its own peak; the blue line is its median.")
    chart.draw(figure, key="lengths", alt=_lengths_alt(table))
    chart.numbers(
        _rounded(table),
        name="cutting",
        figures=lambda: {"Length of the signal by class": figure},
        facts={"source": beats.source},
    )


def _known(beats: Beats, count: int, what: str) -> str:
    if beats.source == "demo":
        return "none"
    if beats.source == "kaggle" and what == "cut_short":
        return "not known"
    return f"{count:,}"


def _cutting_words(beats: Beats) -> str:
    return {
        "mitbih": "Lengths are exact: they were kept when the records were cut.",
        "kaggle": "Lengths are estimates: up to the last number that is not 0. The file does not say which windows were cut "
        "short; those of exactly 187 samples count as lost ends.",
        "demo": "Synthetic beats take their lengths from whole windows only, so nothing was cut. The real records show "
        "more: choose them with “Change beats” above.",
    }[beats.source]


def _lengths_alt(table: pd.DataFrame) -> str:
    parts = [f"{row['class']} {row['median_ms']:.0f} ms" for _, row in table.iterrows() if row["beats"]]
    return "Histogram of the length of the signal for each class. Medians: " + ", ".join(parts) + "."


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    return table.round({"median_ms": 0, "padding": 3, "median_mv": 2, "low_mv": 2, "high_mv": 2})


# Records


def _records(beats: Beats) -> None:
    if beats.source != "mitbih":
        st.info(_no_records_words(beats))
        return
    table = record_table(beats)
    st.markdown(_leads_words(table, beats))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        record = _choose_record(beats)
        st.button(
            "Look at its beats", icon=":material/grid_view:", key="look", on_click=_open_beats, disabled=record == ANY
        )
    if record != ANY:
        st.markdown(_record_words(table.set_index("record").loc[record]))
    st.dataframe(
        _rounded(table), hide_index=True, key="records_table", selection_mode="single-row", height=420,
        on_select=partial(_take_record, table["record"].tolist()),
        alt="One row for each record: lead, part, beats by class, amplitude, padding.",
        column_config={
            "record": st.column_config.TextColumn("record", pinned=True),
            "part": st.column_config.TextColumn("split by patient"),
            "low_mv": st.column_config.NumberColumn("mV, 5 %", format="%.2f"),
            "median_mv": st.column_config.NumberColumn("mV, median", format="%.2f", help="Peak to peak of a beat."),
            "high_mv": st.column_config.NumberColumn("mV, 95 %", format="%.2f"),
            "padding": st.column_config.NumberColumn("padding", format="percent"),
        },
    )  # fmt: skip
    st.caption("Select a row, or choose a record above, to look at its beats.")
    st.subheader("How large the beats are", anchor=False)
    st.markdown(
        "A noise level ε is a share of the beat's own range: at ε = 0.1 a beat of 2 mV may change by ±0.2 mV, 2 mm on paper."
    )
    figure = data_figures.amplitudes(table, ink())
    chart.draw(figure, key="amplitudes", alt=_amplitudes_alt(table))
    chart.numbers(
        _rounded(table), name="records", figures=lambda: {"Peak to peak by record": figure}, facts={"source": "mitbih"}
    )


def _no_records_words(beats: Beats) -> str:
    if beats.source == "kaggle":
        return (
            "The published CSV does not say from which record, lead or patient a row comes, nor its range in mV. "
            "Choose the MIT-BIH records with “Change beats” above to see them."
        )
    return (
        "Synthetic beats come from no record and no patient. Choose the MIT-BIH records with “Change beats” above to see "
        "their 48 recordings, leads and amplitudes."
    )


def _leads_words(table: pd.DataFrame, beats: Beats) -> str:
    leads = table.groupby("lead")["record"].agg(list).to_dict()
    usual = max(leads, key=lambda lead: len(leads[lead]))
    others = [f"{lead} in {', '.join(records)}" for lead, records in leads.items() if lead != usual]
    median = float(np.median(beats.mv_range))
    return (
        f"{len(table)} records of half an hour, two leads each; beats are cut from the first: {usual} in "
        f"{len(leads[usual])} records, {'; '.join(others)}. The median beat spans {median:.2f} mV from its lowest to its "
        f"highest point."
    )


def _amplitudes_alt(table: pd.DataFrame) -> str:
    least, most = table["median_mv"].idxmin(), table["median_mv"].idxmax()
    return (
        f"Peak to peak in mV of each record's beats. Smallest median: record {table['record'][least]}, "
        f"{table['median_mv'][least]:.2f} mV; largest: record {table['record'][most]}, {table['median_mv'][most]:.2f} mV."
    )


def _record_words(row: pd.Series) -> str:
    classes = ", ".join(f"{row[label]:,} {label}" for label in CLASSES if row[label])
    return (
        f"Record **{row.name}**, lead {row['lead']}, {row['part']} in the split by patient: {row['beats']:,} beats ({classes}); "
        f"a median beat spans {row['median_mv']:.2f} mV, {row['padding']:.0%} of the numbers are padding."
    )


def _take_record(records: list[str]) -> None:
    """A row of the table was selected, or no longer is."""
    rows = st.session_state["records_table"]["selection"]["rows"]
    st.session_state["of_record"] = records[rows[0]] if rows else ANY


def _open_beats() -> None:
    st.session_state["tab"] = BEATS


main()
