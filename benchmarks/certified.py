"""What certified trainings came to, one row each, and how long one of their steps takes.

    python -m benchmarks.certified FOLDER... [--root FOLDER]
    python -m benchmarks.certified --steps

Accuracy at equal priors without noise and certified by CROWN, on up to 500 validation beats of each class, evenly spread over the
records, so that settings are
chosen without a look at the test beats. With ``--steps`` a training step of ``mtl-ibp0.1`` is timed beside one of ``adv0.1`` in
turn, one thread, each on its own recipe's batch and at the same.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.tables import markdown
from nsr_core.attacks import Box
from nsr_core.certificates.search import LEAST_MARGIN, guaranteed_margin
from nsr_core.compute import configure
from nsr_core.data import Beats, Split, load_beats, make_split
from nsr_core.data.demo import load_demo
from nsr_core.data.splits import spread_of_each_class
from nsr_core.evaluation.metrics import accuracy, confusion
from nsr_core.models import NETWORKS, Network
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import paper_config
from nsr_core.training.loop import TrainingRun

LEVELS = (0.05, 0.1)
BEATS_PER_CLASS, BATCH, TIMES = 500, 64, 15
#: What a row says of how it was trained, beside the method's own settings.
TOLD = ("epochs", "seed", "split", "batch_size", "learning_rate", "weight_decay")


def outcome(network: Network, beats: Beats, rows: np.ndarray) -> dict[str, float]:
    """ACC at equal priors, without noise (``clean``) and certified at each level."""
    right: dict[str, list[np.ndarray]] = {"clean": [], **{f"{eps:g}": [] for eps in LEVELS}}
    for batch in np.split(rows, range(BATCH, len(rows), BATCH)):
        x, y = torch.from_numpy(beats.x[batch]), torch.from_numpy(beats.y[batch])
        with torch.inference_mode():
            right["clean"].append((network(x).argmax(1) == y).numpy())
        for eps in LEVELS:
            margin = guaranteed_margin(network, x.double(), y, Box.around(x.double(), eps))
            right[f"{eps:g}"].append((margin > LEAST_MARGIN).numpy())
    y = beats.y[rows]
    # A beat that is not proved counts as misread, as whatever other class.
    read = {name: np.where(np.concatenate(parts), y, (y + 1) % 5) for name, parts in right.items()}
    return {name: float(accuracy(confusion(y, pred))) for name, pred in read.items()}


def table_of(folders: list[Path], root: Path | None) -> pd.DataFrame:
    """A row for each checkpoint, the settings in which they differ, and what they came to."""
    rows = []
    for folder in folders:
        checkpoint = load_checkpoint(folder)
        config = checkpoint.config
        beats = load_beats(config.source, root)
        split = make_split(beats, config.split, config.split_seed)
        chosen = spread_of_each_class(beats, split.validation, BEATS_PER_CLASS)
        settings = config.method_settings | {name: getattr(config, name) for name in TOLD}
        found = outcome(checkpoint.network, beats, chosen)
        rows.append({"method": config.method, **settings, **{name: f"{share:.3f}" for name, share in found.items()}})
    table = pd.DataFrame(rows).fillna("")
    shares = ["clean", *(f"{eps:g}" for eps in LEVELS)]
    own = [name for name in table.columns.drop(shares) if name == "method" or table[name].nunique() > 1]
    return table[[*own, *shares]]


def step_times() -> pd.DataFrame:
    """CPU milliseconds of a training step, the median of some, timed in turn."""
    beats = load_demo(2000)
    split = make_split(beats, "beat")
    steps: dict[tuple[str, str, int], Callable[[], object]] = {}
    for network in NETWORKS:
        own = paper_config(network, "mtl-ibp0.1").batch_size
        for method, batch in (("adv0.1", 128), ("mtl-ibp0.1", 128), ("mtl-ibp0.1", own)):
            steps[network, method, batch] = _step(network, method, batch, beats, split)
    spent: dict[tuple[str, str, int], list[float]] = {key: [] for key in steps}
    for _ in range(TIMES):
        for key, step in steps.items():
            began = time.process_time()
            step()
            spent[key].append(1000 * (time.process_time() - began))
    rows = []
    for (network, method, batch), times in spent.items():
        once = statistics.median(times)
        ratio = once / statistics.median(spent[network, "adv0.1", 128])
        rows.append((network, method, batch, f"{once:.1f}", f"{ratio:.2f}"))
    return pd.DataFrame(rows, columns=["network", "method", "beats", "ms a step", "of an adv0.1 step"])


def _step(network: str, method: str, batch: int, beats: Beats, split: Split) -> Callable[[], object]:
    run = TrainingRun(paper_config(network, method, batch_size=batch, source="demo"), beats, split, torch.device("cpu"))
    run.pace.set(0.9)
    rows = torch.arange(batch) % len(run.x)
    return lambda: run.step(run.x[rows], run.y[rows], run.generator)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--steps", action="store_true")
    asked = parser.parse_args()
    configure(1)
    print(markdown(step_times() if asked.steps else table_of(asked.folders, asked.root)))


if __name__ == "__main__":
    main()
