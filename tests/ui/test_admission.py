"""Few runs of pages at a time, first come, first served, and nobody waits for a long one."""

import threading
import time

import pytest

from ui.admission import Admission

SOON = 5.0


def test_no_more_than_a_few_are_in_and_all_come_in():
    admission, lock, inside, most, done = Admission(at_once=2, long=60), threading.Lock(), [0], [0], []

    def run(number):
        with admission.admitted():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            with lock:
                inside[0] -= 1
                done.append(number)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert sorted(done) == list(range(12))
    assert most[0] == 2


def test_who_comes_first_is_let_in_first():
    admission, order, threads = Admission(at_once=1, long=60), [], []

    def run(number):
        with admission.admitted():
            order.append(number)

    with admission.admitted():
        for number in range(5):
            threads.append(threading.Thread(target=run, args=(number,), daemon=True))
            threads[-1].start()
            while len(admission._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(SOON)
    assert order == [0, 1, 2, 3, 4]


def test_nobody_waits_for_a_long_one():
    admission, ended, came = Admission(at_once=1, long=0.05), threading.Event(), threading.Event()

    def run():
        with admission.admitted():
            came.set()
            ended.wait(SOON)

    slow = threading.Thread(target=run, daemon=True)
    slow.start()
    assert came.wait(SOON)
    began = time.monotonic()
    with admission.admitted():
        waited = time.monotonic() - began
        assert not ended.is_set()
    ended.set()
    slow.join(SOON)
    assert waited < SOON / 2


def test_one_that_fails_makes_room():
    admission = Admission(at_once=1, long=60)
    with pytest.raises(RuntimeError), admission.admitted():
        raise RuntimeError
    began = time.monotonic()
    with admission.admitted():
        assert time.monotonic() - began < SOON
