"""Searches in the background: bounded, stopped where nobody waits, and never more at a time than strangers may run."""

import threading
import time

import pytest

from nsr_core.beat.bracket import NOTHING_KNOWN
from nsr_core.progress import TimeIsUp
from ui import serving
from ui.beat import searching
from ui.beat.searching import Searches
from ui.memo import Memo

FOUND = NOTHING_KNOWN.with_break(0.1, "pgd")


def until(true, seconds=10.0):
    """Wait until something holds; whether it does in time."""
    end = time.monotonic() + seconds
    while not (held := true()) and time.monotonic() < end:
        time.sleep(0.01)
    return held


class Looking:
    """A search that goes on until it is let go; how many ran, and how many at the same time at most."""

    def __init__(self):
        self.go, self.begun, self.running, self.most, self.ended = threading.Event(), 0, 0, 0, []
        self._lock = threading.Lock()

    def __call__(self, progress):
        with self._lock:
            self.begun += 1
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            while not self.go.is_set():
                progress(0, 1, "looking")
                time.sleep(0.005)
        except BaseException as error:
            self.ended.append(type(error))
            raise
        finally:
            with self._lock:
                self.running -= 1
        return FOUND


@pytest.fixture
def look():
    looking = Looking()
    yield looking
    looking.go.set()


@pytest.fixture
def searches():
    return Searches(Memo())


def test_who_asks_once_only_costs_nothing(searches, look):
    """The page is drawn first: what its visitor waits for goes before what follows."""
    assert not searches.is_there("beat", look)
    time.sleep(0.05)
    assert (look.begun, searches._under_way) == (0, {})
    assert not searches.is_there("beat", look)
    assert until(lambda: look.begun == 1)


def test_what_was_found_is_kept_and_looked_for_once(searches, look):
    assert not searches.is_there("beat", look)
    assert not searches.is_there("beat", look)
    look.go.set()
    assert until(lambda: searches.is_there("beat", look))
    assert searches.is_there("beat", look)
    assert searches._memo.get("beat", None) == FOUND
    assert look.begun == 1


def test_it_ends_where_nobody_asks_and_begins_again_where_somebody_does(searches, look, monkeypatch):
    monkeypatch.setattr(searching, "PATIENCE_SECONDS", 0.1)
    for _ in range(2):
        searches.is_there("beat", look)
    assert until(lambda: look.ended == [searching.NobodyWaits])
    look.go.set()
    assert until(lambda: searches.is_there("beat", look))


def test_it_goes_on_as_long_as_somebody_asks(searches, look, monkeypatch):
    monkeypatch.setattr(searching, "PATIENCE_SECONDS", 0.5)
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        assert not searches.is_there("beat", look)
        time.sleep(0.02)
    assert (look.begun, look.ended) == (1, [])


def test_its_time_is_limited(searches, look, monkeypatch):
    monkeypatch.setattr(searching, "SECONDS", 0.05)

    def keeping(progress):
        try:
            return look(progress)
        except TimeIsUp:
            return NOTHING_KNOWN

    assert until(lambda: searches.is_there("beat", keeping))
    assert look.ended == [TimeIsUp]


def test_an_error_comes_out_where_it_was_asked_for_and_is_not_kept(searches):
    def fail(progress):
        raise ZeroDivisionError

    def came_out():
        try:
            return searches.is_there("beat", fail)
        except ZeroDivisionError:
            return True

    assert until(came_out)
    assert "beat" not in searches._memo


def test_no_more_wait_than_there_is_room_for_and_the_others_get_it_later(searches, look):
    many = searching.WORKERS + searching.MOST_WAITING + 5
    for beat in (*range(many), *range(many)):
        searches.is_there(beat, look)
    assert until(lambda: look.begun == searching.WORKERS)
    assert len(searches._under_way) == searching.WORKERS + searching.MOST_WAITING
    look.go.set()
    assert until(lambda: all([searches.is_there(beat, look) for beat in range(many)]))
    assert look.most == searching.WORKERS
    assert searches._under_way == {}


def test_strangers_searches_take_their_turn_with_strangers_attacks(searches, look, monkeypatch):
    """While as many visitors as may compute do so, a search waits; where nobody waits for it, it gives up its turn."""
    monkeypatch.setenv("NSR_PUBLIC", "1")
    monkeypatch.setattr(serving, "_turns", threading.BoundedSemaphore(1))
    look.go.set()
    with serving.turn_unseen(lambda: None):
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            assert not searches.is_there("beat", look)
            time.sleep(0.02)
        assert not searches._under_way["beat"].result.done()
        monkeypatch.setattr(searching, "PATIENCE_SECONDS", 0.1)
        assert until(lambda: searches._under_way["beat"].was_left)
        assert look.begun == 0
    assert until(lambda: searches.is_there("beat", look))
    assert look.begun == 1
