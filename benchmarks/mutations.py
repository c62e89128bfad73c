"""Damaged files and senseless command lines end in a result or in one line of words, never in a traceback.

    python -m benchmarks.mutations [--count 10000] [--seed 0] [--first 0]

From the seed and a number each case is made anew, so that a stopped run goes on with ``--first``, and a fault can be looked at
alone with ``--count 1``. Uploaded recordings have a fuzzer of their own: ``python -m tests.recordings.fuzz``.
"""

import argparse
import contextlib
import io
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.tables import markdown
from nsr_core.cli import main as command
from nsr_core.cli.app import COMMANDS
from nsr_core.data.kaggle import COLUMNS, FILES, load_kaggle
from nsr_core.errors import UserError
from nsr_core.evaluation.table import load_table
from nsr_core.files import checkpoints_dir
from nsr_core.training.card import BEATS_FILE, CARD_FILE, MODEL_FILE
from nsr_core.training.checkpoint import load_checkpoint

#: After so long on the clock a case hangs.
SECONDS = 60
SMALL = "mlp-ce"
#: What stands in command lines in place of what should.
ODD = (
    "",
    "-1",
    "nan",
    "1e999",
    "99999999999999999999",
    "x",
    "٣",
    "~nosuchuser/x",
    "a" * 5000,
    "--",
    "--json",
    "-h",
    "../..",
)

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


def _command_line(folder: Path, rng: Rng) -> None:
    """A command that does no more than read, with odd words; what would start work in earnest is left out."""
    name = str(rng.choice([*sorted(COMMANDS.keys() - {"app", "train", "reproduce", "data"}), *ODD]))
    words = [str(rng.choice(ODD)) for _ in range(int(rng.integers(1, 4)))]
    options = [str(rng.choice(["--eps", "--seed", "--beat", "--models", "--lead", "--fs", "--nosuch"])) for _ in words]
    given = [part for pair in zip(options, words, strict=True) for part in pair]
    command([name, str(folder / "nothing"), *given])


KINDS: dict[str, Callable[[Path, Rng], None]] = {
    "card": lambda folder, rng: _checkpoint(folder, rng, CARD_FILE),
    "weights": lambda folder, rng: _checkpoint(folder, rng, MODEL_FILE),
    "table of results": _table,
    "published CSV": _published_csv,
    "command line": _command_line,
}


def run_case(number: int, seed: int) -> tuple[str, str, str]:
    """Kind of case, how it ended (``used``, ``refused`` or ``fault``), and the traceback of a fault."""
    kind = list(KINDS)[number % len(KINDS)]
    with tempfile.TemporaryDirectory() as folder, _silent() as printed, _alarm():
        try:
            KINDS[kind](Path(folder), np.random.default_rng([seed, number]))
        except UserError as error:
            return kind, ("refused", "fault")[not str(error).strip()], "an error without words"
        except SystemExit as end:
            # Of the command: 2 is what it refuses, in one line.
            is_line = len(printed.getvalue().strip().splitlines()) == 1
            return kind, "refused" if end.code == 2 and is_line else "fault", printed.getvalue()
        except Exception:
            return kind, "fault", traceback.format_exc()
    return kind, "used", ""


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
    asked = parser.parse_args()
    ends: Counter[tuple[str, str]] = Counter()
    for number in range(asked.first, asked.first + asked.count):
        kind, end, what = run_case(number, asked.seed)
        ends[kind, end] += 1
        if end == "fault":
            print(f"case {number}, {kind}: {what}", file=sys.stderr)
    columns = ["used", "refused", "fault"]
    rows = [(kind, *(ends[kind, end] for end in columns)) for kind in KINDS]
    print(markdown(pd.DataFrame(rows, columns=["kind", "used", "refused in words", "fault"])))
    sys.exit(1 if sum(ends[kind, "fault"] for kind in KINDS) else 0)


if __name__ == "__main__":
    main()
