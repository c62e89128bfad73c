"""How fast the product is beside the plain reference, as ratios measured in turn in one run.

    python -m benchmarks.speed [--out FILE]

Each row times the same work both ways, alternating, and takes the median of each: a machine that slows down slows
both. The reference (``benchmarks.reference``) is written from the description alone: loops over classes, a second
forward pass for each regulariser, every row of the tiled test set attacked, no survivors dropped. One thread, random
beats and fresh networks for the training steps; the rows of attacks use the shipped networks for loss2 and demo beats,
those of PGD with the class shares of the published test set.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import reference
from nsr_core.attacks import PGD, SPSA, BatchRandomness
from nsr_core.compute import configure, describe_machine, describe_versions
from nsr_core.data import Beats, Split
from nsr_core.data.demo import load_demo
from nsr_core.data.splits import PUBLISHED_TEST_COUNTS
from nsr_core.evaluation.assignment import PAPER_EPS, Assignment
from nsr_core.evaluation.robustness import attack_beats, batch_size
from nsr_core.models import Network, make_network
from nsr_core.models.vjp import input_vjp
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import paper_config
from nsr_core.training.loop import TrainingRun

BATCH_SIZE = 128
CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
PLAIN = {"mlp": reference.PlainMLP, "cnn": reference.PlainCNN}
#: Beats of the attack rows: enough of each class, few enough for the reference to end.
PGD_BEATS = 500
SPSA_BEATS = {"mlp": 30, "cnn": 5}
#: Evaluations a step, of which half are directions: the paper's, and those that a CNN meets on a CPU.
SPSA_SAMPLES = {"mlp": 2048, "cnn": 128}
#: Multiply-adds of one CNN forward pass for one beat, counted from its layers (convolutions and linear layers).
CNN_MULTIPLY_ADDS = 160 * 187 + 2 * 5120 * (187 + 92 + 44 + 20 + 8) + 64 * 32 + 32 * 5


@dataclass(frozen=True)
class Row:
    """One comparison: median seconds of the reference and of the product; the ratio that was aimed at, if any."""

    name: str
    reference: float
    product: float
    target: float | None

    @property
    def ratio(self) -> float:
        return self.reference / self.product


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=Path, help="also write the figures there, as JSON")
    out = arguments.parse_args().out
    configure(threads=1)
    rows = [
        training_step("mlp", "loss2", 3.0, repeats=15, steps=20),
        training_step("mlp", "adv0.1", 2.5, repeats=15, steps=10),
        training_step("cnn", "loss2", 1.7, repeats=5, steps=2),
        pgd_row(8.0, repeats=3),
        spsa_row("mlp", 4.0, repeats=1),
        spsa_row("cnn", None, repeats=1),
    ]
    print(f"{'':46} {'reference':>12} {'product':>12} {'ratio':>7} {'target':>7}")
    for row in rows:
        aim = f"{row.target:6.1f}x" if row.target else "     - "
        print(f"{row.name:46} {row.reference:10.4f} s {row.product:10.4f} s {row.ratio:6.1f}x {aim}")
    share, rate = matrix_share()
    print(f"CNN PGD step: {share:.0%} of this machine's matrix-product rate ({rate / 1e9:.0f} GFLOP/s); aim 60 %")
    if out:
        figures = {
            "date": date.today().isoformat(),
            "machine": describe_machine(torch.device("cpu")),
            "versions": describe_versions(),
            "rows": [vars(row) | {"ratio": round(row.ratio, 2)} for row in rows],
            "cnn_pgd_share_of_matrix_rate": round(share, 3),
            "matrix_rate_gflops": round(rate / 1e9, 1),
        }
        out.write_text(json.dumps(figures, indent=2) + "\n")


def timed(work: Callable[[], object], times: int = 1) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def alternate(
    name: str,
    slow: Callable[[], object],
    fast: Callable[[], object],
    target: float | None,
    repeats: int,
    times: int = 1,
) -> Row:
    """Time two ways in turn, ``times`` calls of each in a row; one uncounted round first where there are several."""
    rounds = [(timed(slow, times), timed(fast, times)) for _ in range(repeats + (repeats > 1))][repeats > 1 :]
    slow_seconds, fast_seconds = zip(*rounds, strict=True)
    return Row(name, statistics.median(slow_seconds), statistics.median(fast_seconds), target)


def training_step(network: str, method: str, target: float, repeats: int, steps: int) -> Row:
    """One optimiser step on 128 beats, all of which count for the regulariser."""
    beats = load_demo(BATCH_SIZE)
    everything = np.arange(BATCH_SIZE)
    split = Split("beat", 2020, everything, everything, everything, "benchmark")
    run = TrainingRun(paper_config(network, method, source="demo"), beats, split, torch.device("cpu"))
    plain = PLAIN[network]()
    reference.copy_parameters(run.network, plain)
    optimiser = reference.new_optimiser(plain)
    x, generator = run.x, torch.Generator().manual_seed(0)
    with torch.no_grad():
        y = run.network(x).argmax(1)

    def slow() -> None:
        start = 0.1 * BatchRandomness(generator, len(x)).uniform(x.shape[1])
        reference.train_step(method, plain, optimiser, x, y, start)

    return alternate(
        f"{network.upper()} {method} step", slow, lambda: run.step(x, y, generator), target, repeats, steps
    )


def pgd_row(target: float, repeats: int) -> Row:
    """The MLP's row of the table of 100-PGD."""
    shares = np.array(PUBLISHED_TEST_COUNTS)
    beats = load_demo(PGD_BEATS, class_shares=shares / shares.sum())

    def slow(plain: nn.Module, x: Tensor, y: Tensor, eps: float) -> None:
        for rows in torch.arange(len(x)).split(BATCH_SIZE):
            start = eps * (2 * torch.rand(len(rows), x.shape[1]) - 1)
            reference.pgd_eval(plain, x[rows], y[rows], eps, 100, start)

    def fast(network: Network) -> None:
        attack_beats(network, beats, np.arange(len(beats)), "pgd", Assignment(PGD(steps=100)))

    return attack_row("100-PGD row, MLP loss2", "mlp", beats, slow, fast, target, repeats)


def spsa_row(name: str, target: float | None, repeats: int) -> Row:
    """A network's row of the table of SPSA."""
    beats, samples = load_demo(SPSA_BEATS[name]), SPSA_SAMPLES[name]

    def slow(plain: nn.Module, x: Tensor, y: Tensor, eps: float) -> None:
        directions = samples // 2, x.shape[1]
        reference.spsa_eval(plain, x, y, eps, lambda beat, step: 2.0 * torch.randint(0, 2, directions) - 1)

    def fast(network: Network) -> None:
        attack_beats(network, beats, np.arange(len(beats)), "spsa", Assignment(SPSA(samples=samples), carry=True))

    title = f"SPSA row, {name.upper()} loss2, {samples:,} evaluations a step"
    return attack_row(title, name, beats, slow, fast, target, repeats)


def attack_row(
    title: str,
    name: str,
    beats: Beats,
    slow: Callable[[nn.Module, Tensor, Tensor, float], object],
    fast: Callable[[Network], object],
    target: float | None,
    repeats: int,
) -> Row:
    """One row of a table: six noise levels on test beats, tiled for the reference, weighted for the product."""
    network = load_checkpoint(CHECKPOINTS / f"{name}-loss2").network
    plain = PLAIN[name]()
    reference.copy_parameters(network, plain)
    tiled = reference.tile_to_balance(torch.from_numpy(beats.x), torch.from_numpy(beats.y))

    def all_levels() -> None:
        for eps in PAPER_EPS:
            slow(plain, *tiled, eps)

    return alternate(title, all_levels, lambda: fast(network), target, repeats)


def matrix_share() -> tuple[float, float]:
    """The CNN's multiply-adds per second under PGD over those of a 1024 x 1024 matrix product, and the latter x 2."""
    network = make_network("cnn").eval().requires_grad_(False)
    x, cotangent = torch.rand(batch_size("cnn"), 187), torch.randn(batch_size("cnn"), 5)
    square = torch.rand(1024, 1024)

    def pgd_step() -> None:
        _, pull_back = input_vjp(network, x)
        pull_back(cotangent)

    row = alternate("", pgd_step, lambda: square @ square, 0.0, repeats=20)
    forward_and_back = 2 * 2 * CNN_MULTIPLY_ADDS * len(x)
    rate = 2 * 1024**3 / row.product
    return forward_and_back / row.reference / rate, rate


if __name__ == "__main__":
    main()
