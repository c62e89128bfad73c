"""Damaged files, and senseless command lines and addresses, end in a result or in one line of words, never in a traceback.

    python -m benchmarks.mutations [--count 10000] [--seed 0] [--first 0] [--only KIND]

From the seed and a number each case is made anew, so that a stopped run goes on with ``--first``, and a fault can be looked at
alone with ``--count 1``. Uploaded recordings have a fuzzer of their own: ``python -m tests.recordings.fuzz``.
"""

import argparse
import contextlib
import functools
import io
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import torch

from benchmarks import hostile
from benchmarks.reliability import CONFIG
from benchmarks.tables import markdown
from nsr_core.cli import main as command
from nsr_core.cli.app import INTERRUPTED
from nsr_core.data import load_beats, make_split, mitbih
from nsr_core.data.kaggle import COLUMNS, FILES, load_kaggle
from nsr_core.errors import UserError
from nsr_core.evaluation.table import load_table
from nsr_core.files import CACHE_VARIABLE, checkpoints_dir
from nsr_core.jobs.folder import CONFIG_FILE, FINISHED, STATUS_FILE, Run, list_runs, save_run
from nsr_core.training.card import BEATS_FILE, CARD_FILE, HISTORY_FILE, MODEL_FILE
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.loop import train

#: After so long on the clock a case hangs.
SECONDS = 60
SMALL = "mlp-ce"
Rng = np.random.Generator


def mutated(content: bytes, rng: Rng) -> bytes:
    """The content with bytes flipped, cut, doubled, put in, or all gone."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        at, length = int(rng.integers(len(data) + 1)), int(rng.integers(1, 200))
        match int(rng.integers(6)):
            case 0:
                del data[at:]
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = rng.bytes(length)
            case 3:
                data[at:at] = data[at : at + length]
            case 4 if at < len(data):
                data[at] ^= 1 << int(rng.integers(8))
            case 5 if rng.random() < 0.05:
                data.clear()
    return bytes(data)


def _mutate_file(path: Path, rng: Rng) -> None:
    path.write_bytes(mutated(path.read_bytes(), rng))


def _checkpoint(folder: Path, rng: Rng, file: str) -> None:
    copy = folder / SMALL
    copy.mkdir()
    for name in (CARD_FILE, MODEL_FILE):
        shutil.copy(checkpoints_dir() / SMALL / name, copy)
    _mutate_file(copy / file, rng)
    load_checkpoint(copy)


def _table(folder: Path, rng: Rng) -> None:
    path = Path(shutil.copy(checkpoints_dir() / SMALL / BEATS_FILE, folder))
    _mutate_file(path, rng)
    load_table(path)


def _published_csv(folder: Path, rng: Rng) -> None:
    for name in FILES.values():
        values = rng.random((3, COLUMNS)).round(3)
        values[:, -1] = rng.integers(5, size=3)
        pd.DataFrame(values).to_csv(folder / name, header=False, index=False)
    _mutate_file(folder / str(rng.choice(list(FILES.values()))), rng)
    load_kaggle(folder)


def _cache(folder: Path, rng: Rng) -> None:
    """The cut beats in the user's cache: used as they were written, or cut again, for which the records are not there."""
    path = folder / mitbih.CUT_BEATS_FILE
    mitbih._keep(_packed(), path)
    _mutate_file(path, rng)
    (folder / "nothing").mkdir()
    with _environment(CACHE_VARIABLE, str(folder)), _no_download():
        beats = mitbih.load_mitbih()
    if not np.array_equal(beats.x, _packed().unpack().x):
        raise AssertionError("other beats than were cut")


@functools.cache
def _packed() -> mitbih._PackedBeats:
    """Forty beats of noise, as they are cached."""
    rng, count, length = np.random.default_rng(0), 40, 100
    samples = rng.integers(-200, 200, (count, length)).astype(np.int16)
    low, high = samples.min(axis=1), samples.max(axis=1)
    return mitbih._PackedBeats(
        samples=samples.ravel(),
        low=low,
        high=high,
        y=rng.integers(5, size=count).astype(np.int8),
        length=np.full(count, length),
        record=np.full(count, "100", "<U3"),
        sample=np.arange(count),
        lead=np.full(count, "MLII", "<U4"),
        mv_min=(low / 200).astype(np.float32),
        mv_max=(high / 200).astype(np.float32),
        cut_short=np.zeros(count, bool),
        truncated=np.zeros(count, bool),
    )


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    with mock.patch.dict(os.environ, {name: value}):
        os.environ.pop(mitbih.ROOT_VARIABLE, None)
        yield


@contextlib.contextmanager
def _no_download() -> Iterator[None]:
    def refuse(**_: object) -> None:
        raise UserError("The beats would be cut again.")

    with mock.patch.object(mitbih, "download", refuse):
        yield


def _run_folder(folder: Path, rng: Rng) -> None:
    run = folder / "mlp-ce-1"
    run.mkdir()
    save_run(Run(folder=run, config={}, kind="train", title="a", state=FINISHED, created=1.0, queued=1.0, updated=1.0))
    (run / CONFIG_FILE).write_text('{"kind": "train", "config": {"network": "mlp", "method": "ce"}}')
    shutil.copy(checkpoints_dir() / SMALL / HISTORY_FILE, run)
    _mutate_file(run / hostile.choose(rng, (CONFIG_FILE, STATUS_FILE, HISTORY_FILE)), rng)
    (found,) = list_runs(folder)
    found.history()
    if found.error:
        raise UserError(found.error)


@functools.cache
def trained() -> Path:
    """A checkpoint of demo beats, in a folder that goes when the process ends."""
    folder = Path(_SCRATCH.name) / "trained"
    beats = load_beats("demo")
    train(CONFIG, beats, make_split(beats, "beat"), folder)
    return folder


_SCRATCH = tempfile.TemporaryDirectory()


def _command_line(folder: Path, rng: Rng) -> None:
    """What works in earnest is sent Ctrl-C after a moment; it must heed that."""
    checkpoint = Path(shutil.copytree(trained(), folder / "checkpoints" / "mine"))
    words = hostile.command_line(checkpoint, rng)
    with hostile.in_small(folder), hostile.stopped_after(hostile.PATIENCE):
        try:
            command(words)
        except BaseException as error:
            error.add_note(f"of: {words}")
            raise
        finally:
            torch.set_num_threads(1)


def _address(folder: Path, rng: Rng) -> None:
    with hostile.in_small(folder):
        page, asked = hostile.address(rng)
        if said := hostile.open_page(page, asked, SECONDS - 5):
            raise UserError(" ".join(said))


KINDS: dict[str, Callable[[Path, Rng], None]] = {
    "card": lambda folder, rng: _checkpoint(folder, rng, CARD_FILE),
    "weights": lambda folder, rng: _checkpoint(folder, rng, MODEL_FILE),
    "table of results": _table,
    "published CSV": _published_csv,
    "cache of beats": _cache,
    "run": _run_folder,
    "command line": _command_line,
    "address of a page": _address,
}


def run_case(number: int, seed: int, kind: str | None = None) -> tuple[str, str, str]:
    """Kind of case, how it ended (``used``, ``refused`` or ``fault``), and the traceback of a fault."""
    kind = kind or list(KINDS)[number % len(KINDS)]
    with tempfile.TemporaryDirectory() as folder, _silent() as printed, _alarm():
        try:
            KINDS[kind](Path(folder), np.random.default_rng([seed, number]))
        except UserError as error:
            return kind, ("refused", "fault")[not str(error).strip()], "an error without words"
        except SystemExit as end:
            # Of the command: 2 is what it refuses, in one line, after lines on how far it is; INTERRUPTED, what was at work.
            if end.code == INTERRUPTED:
                return kind, "used", ""
            last = (printed.getvalue().strip().splitlines() or [""])[-1]
            is_refused = end.code == 2 and last.startswith("Error: ") and printed.getvalue().count("Error: ") == 1
            return kind, "refused" if is_refused else "fault", f"{printed.getvalue()}\n{_notes(end)}"
        except Exception:
            return kind, "fault", traceback.format_exc()
    return kind, "used", ""


def _notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", []))


@contextlib.contextmanager
def _silent() -> Iterator[io.StringIO]:
    """What is printed to standard error; to standard output: nobody reads it."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        yield errors


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TimeoutError(f"still at work after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", choices=KINDS, help="cases of one kind")
    asked = parser.parse_args()
    ends: Counter[tuple[str, str]] = Counter()
    for number in range(asked.first, asked.first + asked.count):
        kind, end, what = run_case(number, asked.seed, asked.only)
        ends[kind, end] += 1
        if end == "fault":
            print(f"case {number}, {kind}: {what}", file=sys.stderr, flush=True)
    columns = ["used", "refused", "fault"]
    rows = [(kind, *(ends[kind, end] for end in columns)) for kind in ([asked.only] if asked.only else KINDS)]
    print(markdown(pd.DataFrame(rows, columns=["kind", "used", "refused in words", "fault"])))
    sys.exit(1 if sum(ends[kind, "fault"] for kind in KINDS) else 0)


if __name__ == "__main__":
    main()
