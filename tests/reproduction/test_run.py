"""Running a plan: order, failures, progress; with workers that only pretend."""

from dataclasses import dataclass

import pytest

from nsr_core.errors import UserError
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.run import Event, run_tasks


@dataclass(frozen=True)
class Toy:
    name: str
    needs: tuple = ()
    cost: float = 1.0
    kind = "toy"
    is_end = True

    def seconds(self, costs):
        return self.cost


class Pretending:
    """Finishes one task at each look, or fails it."""

    def __init__(self, room=2, failing=()):
        self.room, self.failing = room, failing
        self.under_way, self.started, self.stopped = [], [], False

    def has_room(self):
        return len(self.under_way) < self.room

    def start(self, task):
        self.under_way.append(task.name)
        self.started.append(task.name)

    def wait(self, seconds):
        name = self.under_way.pop(0)
        return [Event(name, 0.0, "no luck") if name in self.failing else Event(name, 1.0)]

    def stop(self):
        self.stopped = True


TASKS = [Toy("a", cost=6), Toy("b", ("a",), 2), Toy("c", ("a", "gone"), 1), Toy("d", ("b", "c"), 1), Toy("e", cost=10)]


def run(workers, tasks=TASKS):
    result = []
    run_tasks(tasks, workers, Costs([]), lambda done, total, what: result.append((done, total, what)))
    return result


@pytest.mark.parametrize("room", [1, 2, 9])
def test_each_task_comes_after_those_it_needs(room):
    """A need that is not among the tasks is done already."""
    workers = Pretending(room)
    run(workers)
    assert sorted(workers.started) == list("abcde")
    for task in TASKS:
        assert all(
            workers.started.index(need) < workers.started.index(task.name) for need in task.needs if need != "gone"
        )
    assert workers.stopped


def test_progress_is_told_in_estimated_time_over_the_whole_plan():
    """Of 20 estimated seconds in tenths: a takes 6, b 2, c 1, d 1, e 10."""
    result = run(Pretending(1))
    assert [done for done, _, _ in result] == [60, 80, 90, 100, 200]
    assert {total for _, total, _ in result} == {200}
    assert result[-1][2] == "5 of 5 tasks; done"


def test_a_failure_stops_only_what_needs_it():
    workers = Pretending(failing=("b",))
    with pytest.raises(UserError, match=r"1 of 5 tasks failed \(b: no luck\). 3 are finished"):
        run(workers)
    assert set(workers.started) == {"a", "b", "c", "e"}
    assert workers.stopped


def test_workers_are_stopped_whatever_happens():
    def stop(done, total, what):
        raise KeyboardInterrupt

    workers = Pretending()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(TASKS, workers, Costs([]), stop)
    assert workers.stopped
