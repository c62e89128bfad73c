"""Attacks that were run, kept for everyone: the same link answers at once in a second browser."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

import streamlit as st

from nsr_core.recordings.beats import SOURCE

CAPACITY = 400
_OWN = "own_memo"


class Memo:
    """The newest results by what they depend on. Work that stops halfway leaves nothing behind."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """What ``compute`` returned for this key; computed at most once, unless two ask at the same time."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = compute()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        return value


def memo_for(source: str) -> Memo:
    """The server's memo; for beats of the reader's own recording one of this visit only."""
    return st.session_state.setdefault(_OWN, Memo()) if source == SOURCE else memo()


@st.cache_resource(show_spinner=False)
def memo() -> Memo:
    """The server's memo."""
    return Memo()
