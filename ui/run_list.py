"""The runs in the background, live: how far each is, and what can be done with it."""

from collections.abc import Callable

import streamlit as st

from nsr_core import jobs
from nsr_core.errors import UserError
from nsr_core.jobs import Run
from nsr_core.progress import duration
from ui.plain import in_words

ICONS = {
    jobs.QUEUED: ":material/hourglass_empty:",
    jobs.RUNNING: ":material/progress_activity:",
    jobs.FINISHED: ":material/check_circle:",
    jobs.FAILED: ":material/error:",
    jobs.CANCELLED: ":material/cancel:",
    jobs.INTERRUPTED: ":material/power_off:",
}
ACTIVE = (jobs.QUEUED, jobs.RUNNING)
LOOK_EVERY_SECONDS = 1.0


def show(kind: str, detail: Callable[[Run, bool], None] | None = None) -> None:
    """The runs of a kind, newest first; looked at again every second as long as one is active.

    Args:
        kind: ``"train"`` or ``"evaluate"``.
        detail: draws more of a run; given whether it is the newest.
    """
    jobs.ensure_worker()
    active = any(run.state in ACTIVE for run in _runs(kind))
    st.fragment(_panel, run_every=LOOK_EVERY_SECONDS if active else None)(kind, detail, active)


def _runs(kind: str) -> list[Run]:
    return [run for run in jobs.list_runs() if run.kind in (kind, "")]


def _panel(kind: str, detail: Callable[[Run, bool], None] | None, was_active: bool) -> None:
    runs = _runs(kind)
    if was_active and not any(run.state in ACTIVE for run in runs):
        st.rerun()  # the whole page: what the runs made is there now
    with st.container():  # always there, so that no run moves when one is deleted or can no more be brought back
        for name in jobs.list_deleted(kind=kind):
            _undo(name)
    for number, run in enumerate(runs):
        with st.container(border=True, key=f"run_{run.name}"):
            _one(run)
            if detail is not None:
                detail(run, number == 0)


def _one(run: Run) -> None:
    """A run's head, how far it is, and its error, each in a place of its own whether it is there or not.

    What follows would else move when the run ends, and stand twice until the page's run is over.
    """
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"{ICONS[run.state]} **{run.title}** · {run.state} · `{run.name}`", width="content")
        with st.container(horizontal=True, width="content"):
            _buttons(run)
    bar, error = st.empty(), st.empty()
    if run.state == jobs.RUNNING:
        share = run.done / run.total if run.total else 0.0
        bar.progress(min(share, 1.0), f"{run.what}{_left(run)}")
    if run.error:
        error.error(in_words(run.error))


def _buttons(run: Run) -> None:
    if run.state in ACTIVE:
        _button(run, "Cancel", ":material/stop:", jobs.cancel)
    elif run.state != jobs.FINISHED:
        _button(run, "Resume", ":material/play_arrow:", jobs.resume)
    if run.state not in ACTIVE:
        _delete(run)


def _undo(name: str) -> None:
    """The way to bring a deleted run back, as long as there is one."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"deleted_{name}"):
        st.markdown(f"`{name}` is deleted.", width="content")
        if st.button("Undo", icon=":material/undo:", key=f"Undo_{name}"):
            try:
                jobs.restore(name)
            except UserError as error:
                st.error(str(error))
            else:
                st.session_state.pop(f"delete_asked_{name}", None)
                st.rerun()


def _delete(run: Run) -> None:
    """The way to delete a run, which asks before and can be undone for a while."""
    asked = f"delete_asked_{run.name}"
    if not st.session_state.get(asked):
        if st.button("Delete", icon=":material/delete:", key=f"Delete_{run.name}"):
            st.session_state[asked] = True
            st.rerun()
        return
    st.markdown("Delete it with its network and results?", width="content")
    _button(run, "Delete with results", ":material/delete_forever:", jobs.delete)
    if st.button("Keep", key=f"Keep_{run.name}"):
        del st.session_state[asked]
        st.rerun()


def _button(run: Run, label: str, icon: str, act: Callable[[Run], object]) -> None:
    if st.button(label, icon=icon, key=f"{label}_{run.name}"):
        try:
            act(run)
        except UserError as error:
            st.error(in_words(error))
        else:
            st.rerun()


def _left(run: Run) -> str:
    return "" if run.seconds_left is None else f" · {duration(run.seconds_left)} left"
