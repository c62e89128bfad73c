"""Attack a network with something that it has no results of, in the background."""

import streamlit as st

from nsr_core.attacks import ATTACKS, attack_title
from nsr_core.errors import UserError
from nsr_core.jobs import submit
from nsr_core.jobs.kinds import Evaluation
from nsr_core.training.copies import own_copy
from ui import loaders, run_list, sources
from ui.plain import in_words
from ui.serving import NOT_HERE, is_public


def show(names: list[str]) -> None:
    """The form, and the runs that it started.

    Args:
        names: all checkpoints.
    """
    with st.expander("Run another attack", icon=":material/play_circle:"):
        if is_public():
            st.info(NOT_HERE)
            return
        st.markdown(
            "A run in the background: it goes on when this page is closed, and its results appear above. A network that "
            "came with the program is copied first, so that its own results stay as they are."
        )
        with st.form("evaluate", border=False):
            first, second = st.columns(2)
            name = first.selectbox("Network", names, format_func=loaders.title, key="evaluate_name")
            attack = second.selectbox(
                "Attack", list(ATTACKS), list(ATTACKS).index("fgsm"), format_func=attack_title, key="evaluate_attack"
            )
            per_class = first.number_input(
                "Test beats of each class",
                1,
                20_000,
                100,
                key="evaluate_beats",
                help="The first ones of each class. PGD (100 steps) takes about a second for 500 beats of an MLP, SPSA a hundred times that.",
            )
            signal_only = second.toggle("Noise on the signal only", value=True, key="evaluate_signal")
            start = st.form_submit_button("Start", type="primary", icon=":material/play_arrow:")
        if start:
            _start(name, attack, int(per_class), signal_only)
        run_list.show("evaluate")


def _start(name: str, attack: str, per_class: int, signal_only: bool) -> None:
    source = loaders.checkpoint(name).config.source
    if not sources.can_show(source):
        st.error(
            f"{loaders.title(name)} is tested on the {sources.TITLES[source]}, which are not on this machine. Fetch them "
            "first: the Beat lab and the Data page offer it under “Change beats”."
        )
        return
    try:
        folder = own_copy(loaders.folder_of(name))
        submit(
            Evaluation(
                str(folder),
                (attack,),
                per_class=per_class,
                signal_only=signal_only,
                replace_results=True,
                root=sources.root_of(source),
            )
        )
    except UserError as error:
        st.error(in_words(error))
