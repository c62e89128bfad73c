"""Attacks that were run, kept for everyone: the same link answers at once in a second browser."""

import gc
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from copy import deepcopy
from threading import Lock
from types import FunctionType, ModuleType
from typing import Any

import streamlit as st

from nsr_core.recordings.beats import SOURCE

#: Results that a memo keeps at most, and their bytes.
CAPACITY, MOST_BYTES = 400, 32 * 2**20
#: Between two signs of life of one who waits for what another computes.
HEED_EVERY_SECONDS = 0.2
_OWN = "own_memo"


class Memo:
    """The newest results by what they depend on. Work that stops halfway leaves nothing behind.

    Args:
        capacity: results that are kept at most.
        most_bytes: of all of them (see ``bytes_of``); the newest is kept whatever its size.
    """

    def __init__(self, capacity: int = CAPACITY, most_bytes: int = MOST_BYTES) -> None:
        self._capacity, self._most_bytes = capacity, most_bytes
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        #: What is computed now; each is done when that ended, with or without a result.
        self._under_way: dict[Hashable, Future[None]] = {}
        self._lock = Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable, compute: Callable[[], Any], heed: Callable[[], object] = lambda: None) -> Any:
        """A copy of what ``compute`` returned for this key; many who ask at the same time wait for one who computes it.

        Where that one stops halfway, its exception is its own, and another of them computes.

        Args:
            heed: called every ``HEED_EVERY_SECONDS`` while another computes; it may raise to wait no longer.
        """
        while True:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
                others = self._under_way.get(key)
                if others is None:
                    mine = self._under_way[key] = Future()
                    break
            while not wait([others], HEED_EVERY_SECONDS).done:
                heed()
        try:
            value = self._keep(key, compute())
        finally:
            with self._lock:
                del self._under_way[key]
            mine.set_result(None)
        return value

    def _keep(self, key: Hashable, value: Any) -> Any:
        """The copy that is kept: an array of four rows out of a hundred would keep the hundred."""
        copy = deepcopy(value)
        size = bytes_of(copy)
        with self._lock:
            self._kept[key], self._sizes[key] = copy, size
            while len(self._kept) > self._capacity or (
                len(self._kept) > 1 and sum(self._sizes.values()) > self._most_bytes
            ):
                oldest, _ = self._kept.popitem(last=False)
                del self._sizes[oldest]
        return copy


def bytes_of(value: Any) -> int:
    """Of a value and of all that it refers to, but for code."""
    seen, found, total = set(), [value], 0
    while found:
        each = found.pop()
        if id(each) not in seen and not isinstance(each, (type, ModuleType, FunctionType)):
            seen.add(id(each))
            total += sys.getsizeof(each)
            found += gc.get_referents(each)
    return total


def memo_for(source: str) -> Memo:
    """The server's memo; for beats of the reader's own recording one of this visit only."""
    return st.session_state.setdefault(_OWN, Memo()) if source == SOURCE else memo()


@st.cache_resource(show_spinner=False)
def memo() -> Memo:
    """The server's memo."""
    return Memo()
