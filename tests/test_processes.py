"""What differs between Windows and POSIX about processes; Windows' way is tried here, as far as it can be elsewhere."""

import subprocess
import sys

import pytest

from nsr_core import processes


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
