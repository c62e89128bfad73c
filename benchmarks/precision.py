"""What bfloat16 does to the attack that a CNN is trained against: how strong it is, and how long a training step takes.

    python -m benchmarks.precision [--root FOLDER]

The attack of ``adv``, ten sign steps of 0.01 from a random start, with its gradients in either number format, on up to 200
validation beats of each class; the same starts. The training step of ``adv0.1`` is timed both ways in turn, one thread.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from nsr_core.attacks import BeatRandomness
from nsr_core.compute import configure
from nsr_core.data import Beats, load_beats, make_split
from nsr_core.data.splits import spread_of_each_class
from nsr_core.evaluation.metrics import accuracy, confusion
from nsr_core.methods.adversarial import Adversarial
from nsr_core.models import Network
from nsr_core.models.vjp import PRECISIONS
from nsr_core.training.checkpoint import load_checkpoint

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
NETWORKS = ("cnn-ce", "cnn-loss2")
LEVELS = (0.03, 0.1)
BEATS_PER_CLASS, BATCH, TIMES = 200, 128, 15


def accuracy_left(network: Network, method: Adversarial, beats: Beats, rows: np.ndarray) -> float:
    """ACC at equal priors on the attacked copies."""
    pred = []
    for batch in np.split(rows, range(BATCH, len(rows), BATCH)):
        x, y = torch.from_numpy(beats.x[batch]), torch.from_numpy(beats.y[batch])
        attacked = method.attack(network, x, y, BeatRandomness(0, batch).uniform(x.shape[1]))
        with torch.inference_mode():
            pred.append(network(attacked).argmax(1))
    return float(accuracy(confusion(beats.y[rows], torch.cat(pred).numpy())))


def seconds_of_a_step(network: Network, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Median time of loss and gradients in either number format, in turn."""
    network.train().requires_grad_(True)
    spent: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for _ in range(TIMES):
        for precision, times in spent.items():
            started = time.perf_counter()
            Adversarial(precision=precision).loss(network, x, y, torch.Generator().manual_seed(0)).backward()
            times.append(time.perf_counter() - started)
    return {precision: statistics.median(times) for precision, times in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    given = parser.parse_args()
    configure(threads=1)
    beats = load_beats("mitbih", given.root)
    rows = spread_of_each_class(beats, make_split(beats, "beat").validation, BEATS_PER_CLASS)
    print(f"| checkpoint | noise | {' | '.join(PRECISIONS)} |\n| --- | ---: |{' ---: |' * len(PRECISIONS)}")
    for name in NETWORKS:
        network = load_checkpoint(CHECKPOINTS / name).network
        for eps in LEVELS:
            methods = (Adversarial(eps=eps, precision=precision) for precision in PRECISIONS)
            left = [f"{accuracy_left(network, method, beats, rows):.3f}" for method in methods]
            print(f"| {name} | {eps:g} | {' | '.join(left)} |")
    few = rows[:: len(rows) // BATCH][:BATCH]
    spent = seconds_of_a_step(network, torch.from_numpy(beats.x[few]), torch.from_numpy(beats.y[few]))
    print(f"\nA training step of adv0.1 takes {spent['bfloat16'] / spent['float32']:.2f} of its time in float32.")


if __name__ == "__main__":
    main()
