"""What was computed once is not computed again, the oldest is forgotten, and nothing waits for anything else."""

from threading import Barrier, Event, Thread

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
    kept, compute = Memo(), Count(object())
    assert kept.get("key", compute) is kept.get("key", compute) is compute.value
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


def test_two_who_ask_for_one_at_the_same_time_both_get_it():
    """And one result is kept: here both compute, since each waits for the other to have begun."""
    kept, both, found = Memo(capacity=1), Barrier(2, timeout=10), []

    def compute():
        both.wait()
        return "value"

    run_together(*[lambda: found.append(kept.get("key", compute))] * 2)
    assert found == ["value", "value"]
    assert kept.get("key", fail) == "value"


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
