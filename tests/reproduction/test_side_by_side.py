"""Workers that share a device: what they say, and that they end at their next report."""

import threading
from dataclasses import dataclass
from typing import ClassVar

import pytest

from nsr_core.errors import UserError
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.run import run_tasks
from nsr_core.reproduction.side_by_side import SideBySide


@dataclass(frozen=True)
class Small:
    name: str
    fails: str = ""
    needs: tuple[str, ...] = ()
    meeting: ClassVar[threading.Barrier]

    def seconds(self, costs):
        return 1.0

    def carry_out(self, bench, progress):
        progress(0, 2, "begun")
        if self.fails:
            raise UserError(self.fails)
        self.meeting.wait(timeout=30)  # only beside each other can they meet


@pytest.fixture
def workers(tmp_path):
    return SideBySide(Bench(str(tmp_path)), 2)


def test_tasks_run_beside_each_other(workers):
    Small.meeting = threading.Barrier(2)
    run_tasks([Small("one"), Small("two")], workers, None, lambda *_: None)


def test_what_fails_is_named_and_the_rest_is_done(workers):
    Small.meeting = threading.Barrier(1)
    with pytest.raises(UserError, match=r"1 of 2 tasks failed \(bad: no beats\)\. 1 are finished"):
        run_tasks([Small("bad", fails="no beats"), Small("good")], workers, None, lambda *_: None)


def test_stopped_a_task_ends_at_its_next_report(workers):
    ended = threading.Event()

    class Endless(Small):
        def carry_out(self, bench, progress):
            try:
                while True:
                    progress(1, 2, "on and on")
            finally:
                ended.set()

    workers.start(Endless("endless"))
    workers.stop()
    assert ended.is_set()
