"""Beat lab: one beat, up to four networks, one attack, and what each reads before and after."""

from ui.heading import heading

heading(
    "Beat lab",
    "One heartbeat, the same small noise budget, and up to four trained networks. Turn the noise up and see which "
    "reading flips first.",
)

import streamlit as st

from nsr_core.beat.attack import noise_levels
from nsr_core.data import CLASS_NAMES, CLASSES, Beats
from nsr_core.recordings.beats import SOURCE
from ui import address, ecg, frame, live, loaders, own
from ui.attack_choice import AttackChoice, choose_attack
from ui.beat import context, views, words
from ui.beat.answers import ask, trained_on
from ui.beat.card import card
from ui.beat_choice import FIRST_NETWORKS, choose_beat
from ui.beside import beside
from ui.network_choice import choose_networks
from ui.theme import ink


def main() -> None:
    with frame.page_on_beats(with_own=True) as beats:
        names = frame.checkpoint_names()
        if not names:
            return
        controls, result = beside("Change networks, beat or attack")
        with result:
            head, noise = st.container(), live.sticky(key="noise")
        with controls:
            networks = choose_networks(names, FIRST_NETWORKS)
            with st.container(border=True):
                row = choose_beat(beats, networks[0] if networks else None)
            with st.container(border=True):
                choice = choose_attack(lambda levels: [*map(words.in_units, noise_levels(beats, row, levels))], noise)
        with result:
            if not networks:
                st.info("Choose at least one network.")
            elif choice is not None:
                with head:
                    speed = _head(beats, row)
                    context.show(beats, row, ink())
                _show(networks, beats, row, choice, speed)


def _unknown(beats: Beats, row: int) -> bool:
    return beats.source == SOURCE and not own.is_marked(row)


def _head(beats: Beats, row: int) -> int:
    """Which beat it is, and the speed that its paper is to have."""
    true = "Class not known" if _unknown(beats, row) else CLASS_NAMES[CLASSES[beats.y[row]]]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.markdown(f"#### {true} · `{beats.name(row)}`", width="content")
        return st.segmented_control(
            "Paper, mm/s", ecg.SPEEDS, default=ecg.SPEED, required=True, key="speed", bind=address.bound("speed")
        )


def _show(networks: list[str], beats: Beats, row: int, choice: AttackChoice, speed: int) -> None:
    answers = ask(networks, beats, row, choice)
    if not answers:
        return
    colours = ink()
    y_range = ecg.common_range([answer.result for answer in answers])
    wide = len(answers) > 1
    for pair in [answers[at : at + 2] for at in range(0, len(answers), 2)]:
        for column, answer in zip(st.columns(2 if wide else 1, gap="medium"), pair, strict=False):
            with column:
                card(answer, beats, row, choice, y_range, colours, speed)
    if _unknown(beats, row):
        st.caption(
            f":material/help: Nobody knows this beat's class. It is taken as {loaders.title(own.network())} reads it; to flip "
            "is to be read otherwise."
        )
    if known := trained_on(answers, beats, row):
        st.caption(
            f":material/school: This beat trained or validated {'; '.join(known)}. A test beat makes a fairer attack."
        )
    st.caption(words.protocol(answers[0].result))
    views.show(answers, beats, row, choice, colours)


main()
