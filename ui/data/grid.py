"""The tab Beats: twelve of them side by side, as the network gets them."""

import numpy as np
import streamlit as st

from nsr_core.data import CLASSES, FS_HZ, Beats
from nsr_core.data.beats import BEAT_LENGTH
from nsr_core.data.summary import beat_table, draw_beats, matching_rows
from ui import address, chart, links
from ui.beat_choice import CLASS_TITLES
from ui.data import choice, figures
from ui.data.choice import ANY, DRAWN, FIRST_DRAW
from ui.forms import whole_number
from ui.pick import pick_one
from ui.theme import ink

#: What the cutting did to a beat, and the column of ``Beats`` that says so.
CUT_SHORT, END_LOST = "cut short", "end lost"
CUTS = {ANY: None, CUT_SHORT: "cut_short", END_LOST: "truncated"}
#: Of one small beat; a phone holds one beside the margins, a wide screen four.
WIDTH_PX = 292


def show(beats: Beats) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = pick_one("Class", CLASS_TITLES, key="of_class", width=300)
        record = choice.record_field(beats)
        cut = _cut_field(beats)
        draw = whole_number(
            "Draw",
            0,
            9999,
            FIRST_DRAW,
            key="draw",
            bind=address.bound("draw"),
            width=130,
            help="The seed of the random choice.",
        )
        st.button("Another draw", icon=":material/casino:", key="another", on_click=_draw_again)
        choice.beat_field(beats, choice.first_row(beats))
    found = matching_rows(beats, None if label == ANY else label, None if record == ANY else record, CUTS[cut])
    rows = draw_beats(beats, found, DRAWN, int(draw))
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
    facts = {"source": beats.source, "class": label, "record": record, "cutting": cut, "draw": draw}
    chart.numbers(beat_table(beats[rows]), name="beats", facts=facts)


def _cut_field(beats: Beats) -> str:
    if beats.source == "demo":
        return ANY
    return st.selectbox(
        "Cutting",
        list(CUTS),
        key="cut",
        bind=address.bound("cut"),
        width=180,
        help="A window ends early where the next mark is no beat; a signal of more than 187 samples loses its end.",
    )


def _draw_again() -> None:
    st.session_state["draw"] = int(np.random.default_rng().integers(1, 10_000))


def _nothing_words(beats: Beats, label: str, record: str, cut: str) -> str:
    if beats.source == "kaggle" and cut == CUT_SHORT:
        return "The published CSV does not tell which windows a mark cut short. The MIT-BIH records do."
    where = "" if record == ANY else f" in record {record}"
    which = "" if label == ANY else f" of class {label}"
    return f"There is no such beat{which}{where}. Choose another class, record or kind of cutting."


def _small_beat(beats: Beats, row: int) -> None:
    name, label, length = beats.name(row), CLASSES[beats.y[row]], int(beats.length[row])
    with st.container(width=WIDTH_PX, gap=None, border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{label}** &nbsp;{name}", width="stretch")
            links.page_link("beat", "Lab", {"beat": name})
            st.button(
                "Origin",
                icon=":material/timeline:",
                key=f"origin_{row}",
                type="tertiary",
                on_click=choice.show_origin,
                args=(name,),
            )
        chart.draw(
            figures.small_beat(beats.x[row], length, ink()),
            key=f"small_{row}",
            buttons=False,
            alt=f"Beat {name}, class {label}: {length} samples of signal, {BEAT_LENGTH - length} of padding.",
        )
        st.caption(_short_facts(beats, row))


def _short_facts(beats: Beats, row: int) -> str:
    length = int(beats.length[row])
    facts = [f"{length} + {BEAT_LENGTH - length} padding"]
    if np.isfinite(beats.mv_range[row]):
        facts.append(f"{beats.mv_range[row]:.2f} mV")
    facts += [words for words, column in CUTS.items() if column and getattr(beats, column)[row]]
    return " · ".join(facts)
