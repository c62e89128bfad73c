"""Reads malformed uploads and checks what comes of each: ``python -m tests.recordings.fuzz --count 5000``.

Each must end in a valid ``Recording`` or in a ``UserError`` with a short message, within ``SECONDS`` and within the
memory of ``memory_limit``, with nothing printed, warned of, connected to, written outside the temporary folder or left
in it.
"""

import argparse
import contextlib
import io
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nsr_core.errors import UserError
from nsr_core.recordings.files import read_recording
from tests.recordings.good import GOOD, wfdb_files, zip_of
from tests.recordings.malformed import KINDS, Case, flac_record, make_case
from tests.recordings.valid import check_line, check_recording

#: Of processor time; a hang is ended after six times as long on the clock.
SECONDS = 10.0
MESSAGE_LENGTH = 500
#: Beyond the input: a few times its size, as numbers take more room than the shortest text, and for the readers.
MEMORY_BYTES, MEMORY_FACTOR = 64_000_000, 12
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.system", "subprocess.Popen", "socket.connect")


@dataclass(frozen=True)
class Outcome:
    """What came of a case: ``read`` or ``refused``, the message or nothing, and what it took."""

    case: Case
    result: str
    message: str
    seconds: float
    memory_bytes: int


class Watch:
    """Notes what the interpreter opens for writing, makes, moves or connects to, outside a folder."""

    def __init__(self) -> None:
        self.allowed: Path | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, details: tuple) -> None:
        if self.allowed is None or (event != "open" and event not in _FORBIDDEN):
            return
        if event == "open" and not (isinstance(details[2], int) and details[2] & _WRITING):
            return
        if not str(details[0]).startswith(str(self.allowed)):
            self.seen.append(f"{event} {details}")


_WATCH = Watch()


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Inside, the temporary folder and the working folder are empty ones of our own; after, they must be empty again."""
    temporary, working = folder / "temporary", folder / "working"
    temporary.mkdir(exist_ok=True)
    working.mkdir(exist_ok=True)
    before = os.getcwd(), tempfile.tempdir
    os.chdir(working)
    tempfile.tempdir = str(temporary)
    _WATCH.allowed, _WATCH.seen = temporary, []
    try:
        yield
    finally:
        _WATCH.allowed = None
        os.chdir(before[0])
        tempfile.tempdir = before[1]
    assert not _WATCH.seen, _WATCH.seen
    assert not list(temporary.iterdir()), "files were left in the temporary folder"
    assert not list(working.iterdir()), "files were written to the working folder"


def run_case(case: Case, folder: Path) -> Outcome:
    """Reads one case; AssertionError where it ends otherwise than it must."""
    printed = io.StringIO()
    start_bytes, started = _restart_peak(), time.process_time()
    with (
        watched(folder),
        _alarm(6 * SECONDS),
        warnings.catch_warnings(record=True) as warned,
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        warnings.simplefilter("always")
        try:
            recording, message = read_recording(case.files, fs_hz=case.fs_hz), ""
        except UserError as error:
            recording, message = None, str(error)
    seconds, memory_bytes = time.process_time() - started, max(0, _peak() - start_bytes)
    assert not warned, [str(each.message) for each in warned]
    assert not printed.getvalue(), printed.getvalue()
    if recording is not None:
        check_recording(recording)
    else:
        check_line(message, MESSAGE_LENGTH)
    assert seconds < SECONDS, f"{seconds:.1f} s"
    assert memory_bytes < memory_limit(case), f"{memory_bytes / 1e6:.0f} MB"
    return Outcome(case, "read" if recording else "refused", message, seconds, memory_bytes)


def memory_limit(case: Case) -> int:
    """Bytes that reading the case may take on top of what there was."""
    return MEMORY_BYTES + MEMORY_FACTOR * sum(map(len, case.files.values()))


def _restart_peak() -> int:
    """Starts the peak of the process's memory anew where the system can (Linux); the memory now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    try:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])
    except OSError:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """A reading that hangs ends in a TimeoutError."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"still reading after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def warm_up() -> None:
    """Reads the good files of each format, so that no import is counted."""
    for files in ({"a.zip": zip_of(wfdb_files())}, flac_record(), *(make() for each in GOOD.values() for make in each)):
        read_recording(files)


def main() -> int:
    """Prints outcomes by kind, and the cases that ended otherwise than they must; 1 if there are any."""
    parser = argparse.ArgumentParser(description="Read malformed uploads and check what comes of each.")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--messages", action="store_true", help="print every different message")
    options = parser.parse_args()
    warm_up()
    outcomes, failures = [], []
    kinds = list(KINDS)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            case = make_case(kinds[number % len(kinds)], options.seed + number)
            try:
                outcomes.append(run_case(case, Path(folder)))
            except Exception as error:  # any other end is what is looked for
                failures.append(f"{case.kind}, seed {options.seed + number}: {type(error).__name__}: {error}"[:400])
    _print_summary(outcomes, failures, options.messages)
    return 1 if failures else 0


def _print_summary(outcomes: list[Outcome], failures: list[str], messages: bool) -> None:
    results = Counter((outcome.case.kind, outcome.result) for outcome in outcomes)
    for kind in KINDS:
        print(f"{kind:26} read {results[kind, 'read']:4}   refused {results[kind, 'refused']:4}")
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    largest = max(outcomes, key=lambda outcome: outcome.memory_bytes)
    if messages:
        print(
            "\n".join(sorted({f"  {outcome.case.kind}: {outcome.message}" for outcome in outcomes if outcome.message}))
        )
    print(f"{len(outcomes) + len(failures)} cases, {len(failures)} ended otherwise than they must")
    print(f"longest {slowest.seconds:.2f} s ({slowest.case.kind})")
    print(f"most memory {largest.memory_bytes / 1e6:.0f} MB ({largest.case.kind})")
    print("\n".join(failures))


if __name__ == "__main__":
    raise SystemExit(main())
