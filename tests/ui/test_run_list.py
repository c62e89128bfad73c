"""What stands in a run's box keeps its place as the run goes on: Streamlit shows what moved twice until the page's run is over."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Node

from nsr_core import jobs
from nsr_core.jobs import Run

RUN = Run(
    folder=Path("mlp-ce-1"),
    config={},
    kind="train",
    title="MLP, ce",
    state=jobs.RUNNING,
    created=0.0,
    queued=0.0,
    updated=0.0,
    done=1,
    total=2,
    what="epoch",
)


def page():
    import streamlit as st

    from ui import run_list

    run_list.show("train", lambda run, newest: st.markdown(f"Details of {run.name}"))


def place_of(node: Node, words: str) -> tuple[int, ...] | None:
    """The way from a block down to a text."""
    if not isinstance(node, Block):
        return () if words in str(getattr(node, "value", "")) else None
    found = ((at, place_of(child, words)) for at, child in node.children.items())
    return next(((at, *below) for at, below in found if below is not None), None)


def drawn(monkeypatch, deleted=(), **changes) -> Block:
    monkeypatch.setattr(jobs, "ensure_worker", lambda: None)
    monkeypatch.setattr(jobs, "list_runs", lambda: [replace(RUN, **changes)])
    monkeypatch.setattr(jobs, "list_deleted", lambda kind: list(deleted))
    app = AppTest.from_function(page).run()
    assert not app.exception
    return app.main


@pytest.mark.parametrize(
    "later",
    [
        {"state": jobs.FINISHED},
        {"state": jobs.FAILED, "error": "The disk is full."},
        {"deleted": ["mlp-ce-2"]},
    ],
)
def test_what_stands_in_a_run_s_box_keeps_its_place(monkeypatch, later):
    place = place_of(drawn(monkeypatch), "Details of mlp-ce-1")
    assert place is not None
    assert place_of(drawn(monkeypatch, **later), "Details of mlp-ce-1") == place
