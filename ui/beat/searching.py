"""Searches off the script's thread: the page is drawn at once, and what takes seconds follows when it is there."""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from nsr_core.beat.bracket import BeatBracket
from nsr_core.compute import configure
from nsr_core.progress import Progress, for_minutes
from nsr_core.recordings.beats import SOURCE
from ui import serving
from ui.memo import Memo, memo, memo_for

#: How many searches run at the same time, and how many more may wait for that.
WORKERS, MOST_WAITING = 2, 16
#: A search may take so long; it stops where nobody has asked for it so long: the page was left, or shows something else.
SECONDS, PATIENCE_SECONDS = 20.0, 4.0
_OWN = "own_searches"

_pool = ThreadPoolExecutor(WORKERS, "search", initializer=lambda: configure(threads=1))
_room = threading.BoundedSemaphore(WORKERS + MOST_WAITING)


class NobodyWaits(Exception):
    """Ends a search that is not asked for any more."""


class Search:
    """One search, from the moment that it is asked for first."""

    def __init__(self, look: Callable[[Progress], BeatBracket]) -> None:
        self._look = look
        self.ask()
        self.result: Future[BeatBracket] = _pool.submit(self._run)
        self.result.add_done_callback(lambda _: _room.release())

    def ask(self) -> None:
        """Say that somebody still waits."""
        self._asked = time.monotonic()

    @property
    def was_left(self) -> bool:
        """Whether it stopped because nobody waited."""
        return self.result.done() and isinstance(self.result.exception(), NobodyWaits)

    def _run(self) -> BeatBracket:
        with serving.turn_unseen(self._heed):
            return self._look(for_minutes(lambda *_: self._heed(), SECONDS / 60))

    def _heed(self) -> None:
        if time.monotonic() - self._asked > PATIENCE_SECONDS:
            raise NobodyWaits


class Searches:
    """The searches whose results go into one memo."""

    def __init__(self, memo: Memo) -> None:
        self._memo = memo
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Search] = {}
        #: When it was asked for what has not begun.
        self._asked: dict[Hashable, float] = {}

    def is_there(self, key: Hashable, look: Callable[[Progress], BeatBracket]) -> bool:
        """Whether the memo holds what ``look`` finds; if not, it is looked for, as long as this is asked again and again.

        It begins when it is asked for the second time: by then the page is drawn, whose thread a search would slow down. Where
        too many others wait already it begins when it is asked once more. After ``SECONDS`` its progress raises ``TimeIsUp``,
        for ``look`` to return what it has.

        Raises:
            Exception: what ``look`` raised.
        """
        if key in self._memo:
            return True
        with self._lock:
            search = self._under_way.get(key)
            if search is None or search.was_left:
                if self._was_asked(key):
                    self._begin(key, look)
                return False
            search.ask()
            if not search.result.done():
                return False
            del self._under_way[key]
        self._memo.get(key, search.result.result)
        return True

    def _was_asked(self, key: Hashable) -> bool:
        now = time.monotonic()
        self._asked = {asked: at for asked, at in self._asked.items() if now - at < PATIENCE_SECONDS}
        was = key in self._asked
        self._asked[key] = now
        return was

    def _begin(self, key: Hashable, look: Callable[[Progress], BeatBracket]) -> None:
        for old in [old for old, search in self._under_way.items() if search.was_left]:
            del self._under_way[old]
        if _room.acquire(blocking=False):
            self._under_way[key] = Search(look)


def searches_for(source: str) -> Searches:
    """The server's searches; for beats of the reader's own recording those of this visit only."""
    if source == SOURCE:
        own: Searches = st.session_state.setdefault(_OWN, Searches(memo_for(source)))
        return own
    return _searches()


@st.cache_resource(show_spinner=False)
def _searches() -> Searches:
    return Searches(memo())
