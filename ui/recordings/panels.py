"""What a recording that was read shows: in short, the strip, the whole stretch, the most fragile beats, likeness, the report."""

from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from nsr_core.beat.smallest_flip import LARGEST
from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.recordings.beats import SOURCE
from nsr_core.recordings.likeness import LEVELS, load_likeness
from nsr_core.recordings.quality import REASONS
from nsr_core.recordings.recording import Recording
from nsr_core.recordings.report import report_pdf
from nsr_core.recordings.result import RecordingReading, rounded_down, rounded_up
from nsr_core.recordings.shifts import REACH_MS, SHIFTS
from ui import chart, loaders
from ui.data.strip_figures import clock
from ui.links import page_link
from ui.recordings import figures, leads, noise, overview, place, read
from ui.recordings.place import STRIP_SECONDS
from ui.theme import ink

#: With which noise a beat opens in the Beat lab that was not searched.
USUAL_EPS = 0.1
#: How many of the most fragile beats are listed.
LISTED = 50
LISTED_DEFLECTIONS = 12
#: A table of more beats is shown for the part only; the files have all.
MOST_ROWS = 5000


def show(recording: Recording, result: RecordingReading) -> None:
    """All of it; which network the overview, the noise and the list are of is chosen once."""
    _in_short(result)
    names = list(result.networks)
    network = names[0]
    if len(names) > 1:
        network = st.segmented_control(
            "Network", names, default=names[0], required=True, key="own_of", format_func=loaders.title
        )
    overview.show(result, network)
    start_s = _strip(result)
    leads.show(recording, result, start_s)
    _noise(result, network, start_s)
    leads.show_rate(result, place.part(result))
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        _most_fragile(result, network)
    with right:
        _likeness(result)
    _report(result, network, start_s)


def _in_short(result: RecordingReading) -> None:
    cut = result.cut
    found, read, unlike = len(cut.sample), len(cut.row), int(result.unlike.sum())
    minutes = cut.lead.seconds / 60
    with st.container(horizontal=True):
        st.metric(
            "Beats found", f"{found:,}", help=f"In {clock(cut.lead.seconds)} min, {found / minutes:.0f} a minute."
        )
        st.metric("Read", f"{read:,}")
        st.metric("Left out", f"{found - read:,}", help=_left_out(cut.reason) or "None.")
        st.metric(
            "Unlike the training beats", f"{unlike:,}", help="Their readings have been tested by nobody. See below."
        )
    if len(cut.unclassified):
        places = ", ".join(clock(second, 1) for second in cut.unclassified_s[:LISTED_DEFLECTIONS].tolist())
        more = ", ..." if len(cut.unclassified) > LISTED_DEFLECTIONS else ""
        count = (
            "1 large deflection is"
            if len(cut.unclassified) == 1
            else f"{len(cut.unclassified):,} large deflections are"
        )
        st.warning(
            f"**{count} not classified**: no beat was found there, and no network reads it. The strip has a question mark at each: "
            f"{places}{more}."
        )
    if unlike > 0.1 * read:
        st.warning(
            f"**{unlike / read:.0%} of these beats are unlike the beats that the networks were trained on.** What is read from "
            "them has not been tested by anybody. Another lead, another device or a wrong sampling rate may be why."
        )
    for name, reading in result.networks.items():
        counts = np.bincount(reading.label, minlength=len(CLASSES))
        words = ", ".join(
            f"{counts[label]:,} {_spelled(CLASSES[label])}" for label in np.argsort(-counts) if counts[label]
        )
        st.markdown(f"**{loaders.title(name)}** reads {words}. {_changed(result, name)}")
        st.caption(f"Where a beat's window opens is a choice. {result.cuts_in_words(name)}")
    _searched(result)


def _searched(result: RecordingReading) -> None:
    """Where not all beats were searched: how many were, and the way to the rest."""
    parts = {name: reading for name, reading in result.networks.items() if not reading.searched.all()}
    if not parts:
        return
    with st.container(border=True):
        for name in parts:
            st.markdown(f"**{loaders.title(name)}**: {result.search_in_words(name)}")
        left = sum(int((~reading.searched).sum()) for reading in parts.values())
        st.button(
            f"Search the other {left:,}",
            icon=":material/search:",
            key="own_search_rest",
            on_click=read.want_all,
            args=(result.cut.key,),
            help="It shows how long it takes. Stop ends it, and so does any change on the page; what was searched by then is kept.",
        )
        st.caption("Every beat is classified, at all cuts, and compared with the training beats.")


def _spelled(letter: str) -> str:
    return f"{letter} ({CLASS_NAMES[letter].lower().replace(' beat', '')})"


def _changed(result: RecordingReading, name: str) -> str:
    noise, middle = result.noise(name), result.median_noise(name)
    unit = " mV" if result.cut.lead.in_mv else " of the range"
    reading = result.networks[name]
    which = "its readings" if reading.searched.all() else "the readings searched"
    if not np.isfinite(noise).any():
        return f"None of {which} could be changed."
    which = which if reading.searched.all() else f"the {int(reading.evenly.sum()):,} readings searched evenly"
    half = (
        f"Half of {which} change under noise of ±{rounded_up(middle, 3):.3f}{unit} or less"
        if np.isfinite(middle)
        else f"Fewer than half of {which} could be changed"
    )
    return f"{half}; the most fragile under ±{rounded_up(np.nanmin(noise), 3):.3f}{unit}."


def _left_out(reason: np.ndarray) -> str:
    counts = {text: int((reason == key).sum()) for key, text in REASONS.items()}
    return " ".join(f"{count:,}: {text}" for text, count in counts.items() if count)


def _strip(result: RecordingReading) -> float:
    """The strip and where it begins."""
    lead, start_s = result.cut.lead, place.strip_start(result)
    low, high = place.part(result)
    if high - low > STRIP_SECONDS:
        start_s = st.slider(
            "Start at (s)",
            low,
            high - STRIP_SECONDS,
            step=1.0,
            key=place.START + result.cut.key,
            persist_state="session",
            format="%.0f",
        )
    searched = all(reading.searched.all() for reading in result.networks.values())
    figure = figures.strip(result, start_s, STRIP_SECONDS, ink())
    with chart.roll("own_strip_roll", figures.STRIP_WIDTH_PX):
        chart.draw(
            figure,
            key="own_strip",
            alt=_strip_alt(result, start_s),
            on_select=partial(_choose_point, result, "own_strip", False),
        )
    st.caption(
        ("25 mm/s, 10 mm/mV. " if lead.in_mv else "")
        + "Boxes: what each network reads, from each beat to the next. Below: the smallest noise found that changes the reading; "
        "less may do. A line down from a marker ends at what is proved. A cross on the trace: left out."
        + ("" if searched else " Beats without a marker below were not searched, or no noise up to 0.3 changed them.")
    )
    _chosen(result)
    return start_s


def _chosen(result: RecordingReading) -> None:
    """The beat that was clicked on, in words, and the way to the Beat lab."""
    row = place.chosen_beat(result)
    if row is None:
        return
    at, spread = place.beat_s(result, row), float(result.cut.beats.mv_range[row])
    with st.container(border=True):
        words = "; ".join(
            f"{loaders.title(name)} reads {CLASS_NAMES[CLASSES[reading.label[row]]]} ({reading.probability[row].max():.0%}), "
            f"{figures.noise_in_words(reading, row, spread)}; {figures.cut_in_words(reading, row, spread)}"
            for name, reading in result.networks.items()
        )
        st.markdown(f"**The beat at {clock(at, 1)}**: {words}.")
        _lab_link(result, row)


def _strip_alt(result: RecordingReading, start_s: float) -> str:
    shown = np.flatnonzero(
        (result.cut.time_s[result.cut.row] >= start_s) & (result.cut.time_s[result.cut.row] < start_s + STRIP_SECONDS)
    )
    read = "; ".join(
        f"{loaders.title(name)}: {' '.join(CLASSES[label] for label in reading.label[shown].tolist())}"
        for name, reading in result.networks.items()
    )
    return f"ECG paper with {STRIP_SECONDS:g} s of {result.cut.recording}, {result.cut.lead.name}, from {clock(start_s)}. {read}."


def _noise(result: RecordingReading, network: str, start_s: float) -> None:
    part = place.part(result)
    st.markdown(f"#### Noise that changes a reading, {loaders.title(network)}")
    figure = noise.noise_over_time(result, network, part, (start_s, start_s + STRIP_SECONDS), ink())
    count = len(figures.within(result, *part))
    chart.draw(
        figure,
        key="own_noise",
        on_select=partial(_choose_point, result, "own_noise", True),
        alt=f"Smallest noise that changes the reading of {count:,} beats from {clock(part[0])} to {clock(part[1])} by "
        f"{loaders.title(network)}. {_changed(result, network)}",
    )
    searched = result.networks[network].searched
    few = "" if searched.all() else ", and of those that were not searched,"
    many = f" Drawn are the most fragile in each of {noise.MOST:,} equal stretches." if count > noise.MOST else ""
    st.caption(
        f"Click on a beat here to see it in the strip. Lower is more fragile; beats that no noise up to {LARGEST:g} changed{few} are "
        f"not drawn.{many}"
    )


def _choose_point(result: RecordingReading, key: str, move: bool) -> None:
    """A click on a beat in a figure chooses it; ``move``: the strip goes there."""
    points = st.session_state[key].selection.points
    if points and points[0].get("customdata") is not None:
        row = int(np.ravel(points[0]["customdata"])[0])
        if move:
            _go_to(result, row)
        place.choose_beat(result, row)


def _go_to(result: RecordingReading, row: int) -> None:
    """Let the strip show a beat, and choose it."""
    place.go_to(result, place.beat_s(result, row))
    place.choose_beat(result, row)


def _lab_link(result: RecordingReading, row: int) -> None:
    """To the beat in the Beat lab, with the noise that changes what the first network reads, as nearly as the slider goes."""
    reading = next(iter(result.networks.values()))
    flips = reading.flips_at[row]
    largest = LARGEST if reading.searched[row] else USUAL_EPS
    eps = min(max(np.ceil(100 * flips) / 100, 0.01), LARGEST) if np.isfinite(flips) else largest
    settings = {
        "source": SOURCE,
        "beat": result.cut.beats.name(row),
        "models": list(result.networks),
        "eps": f"{eps:.2f}",
    }
    page_link("beat", "Open in the Beat lab", settings)


def _most_fragile(result: RecordingReading, network: str) -> None:
    st.markdown("#### Most fragile first")
    reading, cut = result.networks[network], result.cut
    order = np.argsort(np.where(np.isfinite(reading.flips_at), reading.flips_at, np.inf), kind="stable")[:LISTED]
    spread = cut.beats.mv_range[order].astype(float)
    found = reading.flips_at[order]
    table = pd.DataFrame(
        {
            "time": [clock(at, 1) for at in cut.time_s[cut.row[order]].tolist()],
            "read as": [CLASSES[label] for label in reading.label[order].tolist()],
            "p": reading.probability[order].max(axis=1).round(3),
            "± mV": rounded_up(found * spread, 3),
            "± range": rounded_up(found, 4),
            "proved": rounded_down(reading.certified[order], 4),
            "cuts": [f"{count} of {len(SHIFTS)}" for count in reading.stands_over[order].tolist()],
            "unlike": result.unlike[order],
        }
    )
    empty = [name for name in ("± mV", "proved") if table[name].isna().all()]
    picked = st.dataframe(
        table.drop(columns=empty),
        hide_index=True,
        height=300,
        key=f"own_fragile_{cut.key}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "read as": st.column_config.TextColumn(help="; ".join(f"{name}: {CLASS_NAMES[name]}" for name in CLASSES)),
            "± mV": st.column_config.NumberColumn(
                help="The smallest noise found that changes the reading; less may do."
            ),
            "± range": st.column_config.NumberColumn(help="The same as a share of the beat's range."),
            "cuts": st.column_config.TextColumn(
                help=f"At how many cuts within ±{REACH_MS:.0f} ms the beat is read alike."
            ),
            "proved": st.column_config.NumberColumn(help="No noise up to this share of the range changes the reading."),
        },
    )
    rows = picked.selection.rows
    if not rows or rows[0] >= len(order):
        st.caption("Pick a row to see its beat, or to open it in the Beat lab.")
        return
    row = int(order[rows[0]])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Show in the strip", icon=":material/my_location:", key="own_show", on_click=_go_to, args=(result, row)
        )
        _lab_link(result, row)


def _likeness(result: RecordingReading) -> None:
    st.markdown("#### Are these beats like the training beats?")
    figure = figures.likeness(result, LEVELS.tolist(), load_likeness().quantiles, ink())
    unlike = int(result.unlike.sum())
    chart.draw(
        figure,
        key="own_likeness",
        alt=f"{unlike} of {len(result.unlike)} beats are further from the training beats than 99 % of held-out beats.",
    )
    st.caption(
        f"**{unlike:,} of {len(result.unlike):,}** are further from every cluster of training beats than 99 % of held-out beats of "
        "the same records. A beat that is like them may still be misread; nothing is known about one that is unlike them."
    )


def _report(result: RecordingReading, network: str, start_s: float) -> None:
    titles = {name: loaders.title(name) for name in result.networks}
    st.download_button(
        "Report to print (PDF)",
        lambda: report_pdf(result, titles, start_s),
        f"ecg-{result.cut.key}.pdf",
        "application/pdf",
        key="own_pdf",
        on_click="ignore",
        icon=":material/print:",
        help="Findings, two strips at their true size, the most fragile readings, and what it cannot say.",
    )

    def pictures() -> dict[str, go.Figure]:
        colours = ink()
        return {
            f"Strip from {clock(start_s)}": figures.strip(result, start_s, STRIP_SECONDS, colours),
            "The whole recording": overview.overview(result, network, place.part(result), colours),
            f"Noise that changes a reading, {loaders.title(network)}": noise.noise_over_time(
                result, network, place.part(result), (start_s, start_s + STRIP_SECONDS), colours
            ),
            "Likeness to the training beats": figures.likeness(
                result, LEVELS.tolist(), load_likeness().quantiles, colours
            ),
        }

    table = result.table()
    part = table["time_s"].between(*place.part(result))
    chart.numbers(
        table,
        shown=table[part].head(MOST_ROWS) if len(table) > MOST_ROWS else None,
        name=f"ecg-{result.cut.key}",
        figures=pictures,
        facts=result.facts() | {"counts": result.counts().to_dict("records"), "left_out": _left_out(result.cut.reason)},
        label="The report: every beat, and downloads"
        if len(table) <= MOST_ROWS
        else "The report: the beats shown, and all to download",
    )
