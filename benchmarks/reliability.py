"""Work that is killed at any moment and done again ends with the same bytes, and leaves nothing behind.

    python -m benchmarks.reliability [--kills 50] [--every 1] [--seed 0] [--only training]

Each kind of work is done once undisturbed. Then its process is killed (SIGKILL) just before and just after each of its file
replacements, and so many times at random moments; each time the same work is done again, in the same folder, until it ends.
Compared are all files to the byte, but for how long something took.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save

from benchmarks.tables import markdown
from nsr_core.attacks import FGSM, PGD
from nsr_core.certificates import certify
from nsr_core.data import Beats, Split, load_beats, make_split
from nsr_core.evaluation.assignment import Assignment
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.files import tidy
from nsr_core.paper.tables import write_tables
from nsr_core.progress import no_progress
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.plan import Request, make_plan
from nsr_core.reproduction.tasks import carry_out
from nsr_core.training.card import HISTORY_DIGEST, HISTORY_FILE
from nsr_core.training.config import paper_config
from nsr_core.training.loop import train
from nsr_core.verdict.everyday import read_under_noise

CONFIG = paper_config("mlp", "mseMargin", source="demo", epochs=4, batch_size=64, learning_rate=0.003)
PLAN = {
    name: Assignment(attack, per_class=10, eps_grid=(0.03, 0.1))
    for name, attack in (("fgsm", FGSM()), ("pgd", PGD(20)))
}
#: A folder of included checkpoints with none in it.
NOWHERE = Path("nowhere")
#: So often one and the same piece of work is killed before it may end.
KILLS_IN_A_ROW = 5
#: What differs between two runs of the same work: how long it took, and the paths of what it wrote.
VARYING = ("seconds", HISTORY_DIGEST, "files")

#: What is reproduced: a training, its evaluation in shards, and the tables.
REQUEST = Request(only=("mlp-loss2",), seeds=(0,), quick=True)

Act = Callable[[Path, Beats, Split], Any]


def reproduce(folder: Path, beats: Beats, split: Split) -> None:
    """A reproduction with all its tasks in this process, where their file replacements can be counted."""
    tidy(folder)
    bench = Bench(str(folder), source="demo")
    plan = make_plan(REQUEST, bench, NOWHERE)
    for task in plan.pending(bench):
        carry_out(task, bench, no_progress)
    models = [model.folder(bench) for model in plan.models]
    write_tables(
        models, {(model.config.network, model.config.method) for model in plan.models}, bench.tables, plan.quick
    )


#: What is done in a checkpoint's folder; only ``FROM_NOTHING`` begins with an empty one.
WORK: dict[str, Act] = {
    "training": lambda folder, beats, split: train(CONFIG, beats, split, folder),
    "evaluation": lambda folder, beats, split: evaluate(folder, beats, split, PLAN),
    "certification": lambda folder, beats, split: certify(folder, beats, split, method="interval", per_class=40),
    "everyday noise": lambda folder, beats, split: read_under_noise(
        folder, beats, split, kinds=["muscle", "mains50"], snr_db=[12.0], draws=1, per_class=20
    ),
    "reproduction": reproduce,
}
FROM_NOTHING = ("training", "reproduction")


@dataclass
class Outcome:
    """How often a kind of work was killed, and how many of the folders that it then finished are not as they should be."""

    replacements: int = 0
    kills: int = 0
    finished: int = 0
    different: list[str] = field(default_factory=list)


def study(
    name: str, work: Path, *, kills: int, every: int = 1, seed: int = 0, checkpoint: Path | None = None
) -> Outcome:
    """Kill one kind of work around its file replacements and at random moments, and compare what it ends with.

    Args:
        name: in ``WORK``.
        work: an empty folder.
        kills: at random moments.
        every: of the moments around replacements, only every so many.
        seed: of the random moments.
        checkpoint: to work on, of demo beats; by default one is trained.

    Raises:
        RuntimeError: the work failed, killed or not.
    """
    torch.set_num_threads(1)
    beats = load_beats("demo")
    split = make_split(beats, "beat")
    start = work / "start"
    if checkpoint is not None and name not in FROM_NOTHING:
        shutil.copytree(checkpoint, start)
    else:
        start.mkdir()
        if name not in FROM_NOTHING:
            train(CONFIG, beats, split, start)

    def act(folder: Path) -> None:
        WORK[name](folder, beats, split)

    began = time.monotonic()
    replaced = work / "replacements"
    whole = _fresh(start, work / "whole")
    if not _in_child(lambda: _counting(act, whole, replaced)):
        raise RuntimeError(f"The {name} failed undisturbed.")
    expected, taken = contents(whole), time.monotonic() - began
    outcome = Outcome(replacements=int(replaced.read_text()))

    def check(folder: Path, when: str) -> None:
        found = contents(folder)
        outcome.finished += 1
        outcome.different += [
            f"{file}, killed {when}"
            for file in sorted(expected.keys() | found.keys())
            if expected.get(file) != found.get(file)
        ]
        shutil.rmtree(folder)

    for moment in range(0, 2 * outcome.replacements, every):
        number, after = moment // 2 + 1, moment % 2 == 1
        folder = _fresh(start, work / "run")
        outcome.kills += not _in_child(lambda: _dying(act, folder, number, after))  # noqa: B023
        _finish(act, folder)
        check(folder, f"{'after' if after else 'before'} replacement {number}")
    chance, left = np.random.default_rng(seed), kills
    while left > 0:
        folder, moments = _fresh(start, work / "run"), []
        for _ in range(min(left, KILLS_IN_A_ROW)):
            moments.append(f"{chance.uniform(0, taken):.3f} s")
            if _in_child(lambda: act(folder), float(moments[-1].split()[0])):  # noqa: B023
                break
            outcome.kills += 1
        left -= len(moments)
        _finish(act, folder)
        check(folder, f"after {', '.join(moments)}")
    return outcome


def contents(folder: Path) -> dict[str, Any]:
    """All files by their paths, hidden ones too, without how long anything took."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _content(path) for path in files}


def _content(path: Path) -> Any:
    if path.suffix == ".json":
        return _unvarying(json.loads(path.read_text()))
    if path.name == HISTORY_FILE:
        return pd.read_csv(path).drop(columns="seconds").to_csv(index=False)
    if path.name == "state.safetensors":
        return save(load_file(path))  # its notes hold times
    return path.read_bytes()


def _unvarying(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unvarying(cell) for name, cell in value.items() if name not in VARYING}
    return value


def _fresh(start: Path, folder: Path) -> Path:
    return Path(shutil.copytree(start, folder))


def _finish(act: Callable[[Path], None], folder: Path) -> None:
    if not _in_child(lambda: act(folder)):
        raise RuntimeError(f"The work in {folder} cannot be gone on with.")


def _in_child(act: Callable[[], None], kill_after: float | None = None) -> bool:
    """Do it in a process that knows all that this one does; whether it ended by itself.

    Raises:
        RuntimeError: it failed, and was not killed.
    """
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)  # also of one that has ended: it is waited for below
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("The work failed; see above.")
    return os.WIFEXITED(status)


def _counting(act: Callable[[Path], None], folder: Path, result: Path) -> None:
    replace, count = os.replace, [0]

    def counted(*arguments: Any) -> None:
        count[0] += 1
        replace(*arguments)

    os.replace = counted  # type: ignore[assignment]  # in this process, which was forked for it
    act(folder)
    result.write_text(str(count[0]))


def _dying(act: Callable[[Path], None], folder: Path, number: int, after: bool) -> None:
    """Do it, killed at the file replacement of that number, before or after."""
    replace, count = os.replace, [0]

    def deadly(*arguments: Any) -> None:
        count[0] += 1
        if count[0] == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*arguments)
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly  # type: ignore[assignment]  # in this process, which was forked for it
    act(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="of each kind of work at random moments")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--every", type=int, default=1, help="of the moments around replacements, only every so many")
    parser.add_argument("--only", choices=WORK, help="one kind of work")
    asked = parser.parse_args()
    rows, different = [], []
    for name in [asked.only] if asked.only else WORK:
        with tempfile.TemporaryDirectory() as folder:
            outcome = study(name, Path(folder), kills=asked.kills, every=asked.every, seed=asked.seed)
        same = outcome.finished - len({each.partition(", ")[2] for each in outcome.different})
        rows.append((name, outcome.replacements, outcome.kills, outcome.finished, same))
        different += [f"{name}: {each}" for each in outcome.different]
    columns = ["work", "file replacements", "kills", "gone on with to the end", "to the same bytes"]
    print(markdown(pd.DataFrame(rows, columns=columns)))
    if different:
        print("\n".join(different))
        sys.exit(1)


if __name__ == "__main__":
    main()
