"""An earlier commit and the working tree, the same attacks on the same beats in turn: CPU time and results.

    python -m benchmarks.in_turn COMMIT [--only pgd] [--beats 2162] [--root FOLDER]

Each of the two runs in a process of its own, from its own source, on one thread; every batch is attacked by both, one right
after the other, so that a machine that slows down slows both. Told is the ratio of CPU times, and how many beats came to
another step, prediction or number of queries, or to other noise.
"""

import argparse
import pickle
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tables import markdown
from nsr_core.data import Beats, load_beats, make_split

HERE = Path(__file__).resolve().parents[1]
MLPS = ("ce", "mse", "mseMargin", "loss1", "loss2", "jacob", "adv0.1", "adv0.2", "adv0.3")
LEVELS = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
BATCH = 512


@dataclass(frozen=True)
class Worker:
    """A running ``in_turn_worker``."""

    process: subprocess.Popen[bytes]

    def ask(self, work: dict[str, Any]) -> tuple[float, dict[str, np.ndarray]]:
        """CPU seconds, and what was found by name, each with a row for each beat."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump(work, self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the earlier one")
    parser.add_argument(
        "--only", nargs="+", default=["pgd"], help="attacks; training for the one that adv trains against"
    )
    parser.add_argument("--networks", nargs="+", default=[f"mlp-{method}" for method in MLPS], help="checkpoints")
    parser.add_argument("--levels", nargs="+", type=float, default=LEVELS, help="noise levels")
    parser.add_argument("--beats", type=int, default=2162, help="test beats for each checkpoint")
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    given = parser.parse_args()
    beats = load_beats("mitbih", given.root)
    rows = np.sort(np.random.default_rng(0).permutation(make_split(beats, "beat").test)[: given.beats])
    with TemporaryDirectory() as folder:
        before = checked_out(given.commit, Path(folder))
        with worker(before) as old, worker(HERE) as new:
            lines = []
            for attack in given.only:
                for network in given.networks:
                    lines.append(compare(old, new, beats, rows, HERE / "checkpoints" / network, attack, given.levels))
                    print(*lines[-1].values(), file=sys.stderr)
    print(markdown(pd.DataFrame(lines)))


def compare(
    old: Worker, new: Worker, beats: Beats, rows: np.ndarray, checkpoint: Path, attack: str, levels: list[float]
) -> dict[str, Any]:
    """One line of the table: an attack on a checkpoint."""
    spent, differing = np.zeros(2), dict.fromkeys(("step", "prediction", "queries", "noise"), 0)
    for eps in levels:
        for batch in np.split(rows, range(BATCH, len(rows), BATCH)):
            work = {"checkpoint": str(checkpoint), "attack": attack, "eps": eps}
            work |= {"x": beats.x[batch], "y": beats.y[batch], "rows": batch}
            (first, ours), (second, theirs) = (at.ask(work) for at in (old, new))
            spent += first, second
            for name in ours:
                same = ours[name] == theirs[name]
                differing[name] += int((~same.reshape(len(batch), -1).all(1)).sum())
    return {
        "checkpoint": checkpoint.name, "attack": attack, "beats x levels": len(rows) * len(levels),
        "CPU time, new / old": f"{spent[1] / spent[0]:.2f}", **{f"other {name}": n for name, n in differing.items()},
    }  # fmt: skip


def checked_out(commit: str, folder: Path) -> Path:
    """The package as it was at a commit, unpacked into ``folder``."""
    packed = subprocess.run(["git", "archive", commit, "nsr_core"], cwd=HERE, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@contextmanager
def worker(source: Path) -> Iterator[Worker]:
    """A process that imports ``nsr_core`` from ``source``."""
    command = [sys.executable, str(HERE / "benchmarks" / "in_turn_worker.py"), str(source)]
    with subprocess.Popen(command, cwd=source, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Worker(process)


if __name__ == "__main__":
    main()
