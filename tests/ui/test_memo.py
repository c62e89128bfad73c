"""What was computed once is not computed again, the oldest is forgotten, and nothing waits for anything else."""

from threading import Barrier, Event, Thread, local

import numpy as np
import pytest

from ui.memo import CAPACITY, Memo, memo


class Count:
    """A computation that counts its calls."""

    def __init__(self, value=None):
        self.value, self.calls = value, 0

    def __call__(self):
        self.calls += 1
        return self.value


def fail():
    raise RuntimeError("halfway")


def test_what_is_asked_twice_is_computed_once():
    kept, compute = Memo(), Count({"a": 1})
    assert kept.get("key", compute) is kept.get("key", compute)
    assert compute.calls == 1


def test_another_key_is_another_result():
    kept = Memo()
    assert kept.get(("a", 1), lambda: "first") == "first"
    assert kept.get(("a", 2), lambda: "second") == "second"
    assert kept.get(("a", 1), fail) == "first"


@pytest.mark.parametrize("value", [None, 0, "", []])
def test_a_result_that_is_nothing_is_a_result(value):
    kept, compute = Memo(), Count(value)
    assert kept.get("key", compute) == kept.get("key", compute) == value
    assert compute.calls == 1
    assert "key" in kept


def test_it_says_what_it_has_without_computing():
    kept = Memo()
    assert "key" not in kept
    kept.get("key", Count())
    assert "key" in kept


def test_work_that_stops_halfway_leaves_nothing_behind():
    """The exception comes out, and the next who asks starts anew."""
    kept = Memo()
    with pytest.raises(RuntimeError, match="halfway"):
        kept.get("key", fail)
    assert "key" not in kept
    assert kept.get("key", lambda: "done") == "done"


def test_the_one_that_was_not_asked_for_longest_is_forgotten():
    kept = Memo(capacity=3)
    for key in "abc":
        kept.get(key, Count(key))
    kept.get("a", fail)  # asked for again: now b is the oldest
    kept.get("d", Count("d"))
    assert [key for key in "abcd" if key in kept] == ["a", "c", "d"]
    kept.get("e", Count("e"))
    assert [key for key in "abcde" if key in kept] == ["a", "d", "e"]


def test_a_forgotten_result_is_computed_again():
    kept, compute = Memo(capacity=1), Count("a")
    kept.get("a", compute)
    kept.get("b", Count())
    assert kept.get("a", compute) == "a"
    assert compute.calls == 2


def test_a_part_does_not_keep_the_whole():
    """What a result is a view of is not kept with it."""
    whole = np.arange(1000.0)
    part = Memo().get("key", lambda: whole[:3])
    assert part.tolist() == [0, 1, 2]
    assert not np.shares_memory(part, whole)


def test_no_more_bytes_are_kept_than_allowed_but_for_the_newest():
    kept = Memo(most_bytes=5_000)
    for key in "abc":
        kept.get(key, lambda: b"x" * 2_000)
    assert [key for key in "abc" if key in kept] == ["b", "c"]
    kept.get("d", lambda: b"x" * 10_000)
    assert [key for key in "abcd" if key in kept] == ["d"]
    kept.get("e", lambda: b"x" * 2_000)
    assert [key for key in "abcde" if key in kept] == ["e"]


def run_together(*asks):
    """Each in a thread of its own; a memo that makes them wait for ever fails the test and does not hang it."""
    threads = [Thread(target=ask, daemon=True) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_a_computation_may_ask_for_another():
    kept, found = Memo(), []

    def add():
        return kept.get("one", lambda: 1) + kept.get("two", lambda: 2)

    run_together(lambda: found.append(kept.get("sum", add)))
    assert found == [3]
    assert kept.get("one", fail) == 1


def test_two_keys_are_computed_side_by_side():
    """Each computation waits for the other to have begun: one after the other would never end."""
    kept, found, begun = Memo(), {}, {"a": Event(), "b": Event()}

    def ask(key, other):
        def compute():
            begun[key].set()
            assert begun[other].wait(10)
            return key

        found[key] = kept.get(key, compute)

    run_together(lambda: ask("a", "b"), lambda: ask("b", "a"))
    assert found == {"a": "a", "b": "b"}


def test_many_who_ask_for_one_at_the_same_time_have_it_computed_once():
    """The computation lasts until all the others wait for it."""
    kept, waiting, found = Memo(), Barrier(4, timeout=10), []
    begun, arrived = Event(), local()

    def compute():
        begun.set()
        waiting.wait()
        return "value"

    def heed():
        if not hasattr(arrived, "yes"):
            arrived.yes = True
            waiting.wait()

    def ask_later():
        assert begun.wait(10)
        found.append(kept.get("key", fail, heed))

    run_together(lambda: found.append(kept.get("key", compute)), *[ask_later] * 3)
    assert found == ["value"] * 4


def test_where_the_one_who_computes_stops_another_does():
    kept, begun, heeded, found = Memo(), Event(), Event(), []

    def stop():
        begun.set()
        assert heeded.wait(10)
        raise RuntimeError("halfway")

    def ask_first():
        with pytest.raises(RuntimeError, match="halfway"):
            kept.get("key", stop)

    def ask_later():
        assert begun.wait(10)
        found.append(kept.get("key", lambda: "value", heeded.set))

    run_together(ask_first, ask_later)
    assert found == ["value"]


def test_one_who_waits_may_give_up():
    kept, begun, gave_up, found = Memo(), Event(), Event(), []

    def compute():
        begun.set()
        assert gave_up.wait(10)
        return "value"

    def ask_later():
        assert begun.wait(10)
        with pytest.raises(RuntimeError, match="halfway"):
            kept.get("key", Count(), fail)
        gave_up.set()

    run_together(lambda: found.append(kept.get("key", compute)), ask_later)
    assert found == ["value"]


def test_the_server_has_one_memo_of_the_usual_size():
    assert memo() is memo()
    key = object()
    memo().get(key, Count("kept"))
    for number in range(CAPACITY - 1):
        memo().get((key, number), Count())
    assert memo().get(key, fail) == "kept"
    for number in range(CAPACITY):
        memo().get((key, "more", number), Count())
    assert key not in memo()
