"""What differs between Windows and POSIX about processes; Windows' way is tried here, as far as it can be elsewhere."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nsr_core import processes
from nsr_core.processes import STOP_FILE, ask_to_stop, heeding_stop, replace_file

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def as_on_windows(monkeypatch):
    monkeypatch.setattr(processes.sys, "platform", "win32")


@pytest.mark.parametrize("status", [0, 7])
def test_where_no_process_can_be_replaced_its_status_is_passed_on(status, as_on_windows):
    with pytest.raises(SystemExit) as ended:
        processes.run_here([sys.executable, "-c", f"raise SystemExit({status})"])
    assert ended.value.code == status


def test_ctrl_c_is_left_to_the_program_that_runs_here(as_on_windows, monkeypatch):
    wait, interrupted = subprocess.Popen.wait, []

    def interrupted_once(process, timeout=None):
        if not interrupted:
            interrupted.append(process)
            raise KeyboardInterrupt
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted_once)
    with pytest.raises(SystemExit) as ended:
        processes.run_here([sys.executable, "-c", "raise SystemExit(3)"])
    assert ended.value.code == 3
    assert interrupted


@pytest.fixture
def received():
    """The signals of the test's own process, SIGTERM alone."""
    found = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: found.append(number))
    yield found
    signal.signal(signal.SIGTERM, before)


def comes(received, seconds=5.0):
    ends = time.monotonic() + seconds
    while not received and time.monotonic() < ends:
        time.sleep(0.01)
    return bool(received)


@pytest.mark.parametrize("platform", [sys.platform, "win32"])
def test_who_is_asked_to_stop_receives_a_signal(platform, received, tmp_path, monkeypatch):
    monkeypatch.setattr(processes.sys, "platform", platform)
    with heeding_stop(tmp_path):
        ask_to_stop(os.getpid(), tmp_path)
        assert comes(received)
    assert received == [signal.SIGTERM]
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_process_was_asked_is_not_heeded(as_on_windows, received, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOOK_EVERY_SECONDS", 0.01)
    (tmp_path / STOP_FILE).touch()
    with heeding_stop(tmp_path):
        assert not comes(received, seconds=0.1)


def refused(monkeypatch, times):
    """Replacing is refused so often, as Windows does while a reader has the file."""
    replace, refusals = os.replace, []

    def one(*paths):
        if len(refusals) < times:
            refusals.append(paths)
            raise PermissionError
        replace(*paths)

    monkeypatch.setattr(os, "replace", one)


def test_a_file_that_is_being_read_is_replaced_when_that_ends(as_on_windows, tmp_path, monkeypatch):
    refused(monkeypatch, 3)
    (tmp_path / "new").write_text("new")
    replace_file(tmp_path / "new", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"


def test_a_file_that_cannot_be_replaced_is_given_up(as_on_windows, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "REPLACE_SECONDS", 0.05)
    refused(monkeypatch, 1_000_000)
    with pytest.raises(PermissionError):
        replace_file(tmp_path / "new", tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
def test_elsewhere_a_refusal_is_final(tmp_path, monkeypatch):
    refused(monkeypatch, 1)
    with pytest.raises(PermissionError):
        replace_file(tmp_path / "new", tmp_path / "file")


def test_text_is_read_and_written_in_one_encoding_everywhere():
    """Without one Windows takes that of the country, in which the Greek of the tables cannot be written."""
    files = [path for part in ("nsr_core", "ui", "pages") for path in (ROOT / part).rglob("*.py")]
    lines = [(path, line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) > 10_000
    assert [each for each in lines if re.search(r"\.(read|write)_text\((?!.*(utf-8|ascii))", each[1])] == []
