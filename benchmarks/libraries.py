"""100 sign steps of PGD by this package and by foolbox and torchattacks, on the same beats in turn: CPU time and accuracy left.

    python -m benchmarks.libraries [--beats 512] [--root FOLDER]

All take 100 steps of 0.01 from a random start within the noise level, on one thread. Foolbox is in requirements-dev.txt;
torchattacks asks for old versions of other packages, ``pip install --no-deps torchattacks==3.5.1`` adds it. This package stops a
beat at its first success and drops it from the batch, the two others go on with all beats.
"""

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks.tables import markdown
from nsr_core.attacks import PGD
from nsr_core.compute import configure
from nsr_core.data import load_beats, make_split
from nsr_core.evaluation.judge import judge
from nsr_core.training.checkpoint import load_checkpoint

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
NETWORKS = ("mlp-ce", "mlp-loss2")
LEVELS = (0.01, 0.05, 0.1)
STEPS, STEP_SIZE = 100, 0.01

Attacked = Callable[[nn.Module, Tensor, Tensor, float], Tensor]


def ours(network: nn.Module, x: Tensor, y: Tensor, eps: float) -> Tensor:
    return PGD(steps=STEPS, step_size=STEP_SIZE, move="sign")(network, x, y, eps).x_adv


def foolboxes(network: nn.Module, x: Tensor, y: Tensor, eps: float) -> Tensor:
    import foolbox
    from foolbox.models.pytorch import PyTorchModel

    model = PyTorchModel(network, bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.LinfPGD(abs_stepsize=STEP_SIZE, steps=STEPS, random_start=True)
    return attack(model, x, y, epsilons=eps)[1]


def torchattacks(network: nn.Module, x: Tensor, y: Tensor, eps: float) -> Tensor:
    import torchattacks

    return torchattacks.PGD(network, eps=eps, alpha=STEP_SIZE, steps=STEPS)(x, y)


LIBRARIES: dict[str, Attacked] = {"nsr_core": ours, "foolbox": foolboxes, "torchattacks": torchattacks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beats", type=int, default=512, help="test beats")
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    given = parser.parse_args()
    configure(threads=1)
    beats = load_beats("mitbih", given.root)
    rows = np.random.default_rng(0).permutation(make_split(beats, "beat").test)[: given.beats]
    x, y = torch.from_numpy(beats.x[rows]), torch.from_numpy(beats.y[rows])
    known = {name: attack for name, attack in LIBRARIES.items() if name == "nsr_core" or find_spec(name)}
    lines = []
    for name in NETWORKS:
        network = load_checkpoint(CHECKPOINTS / name).network
        for eps in LEVELS:
            line: dict[str, object] = {"checkpoint": name, "noise": eps}
            for library, attack in known.items():
                spent, left = [], 0.0
                for _ in range(2):
                    started = time.process_time()
                    x_adv = attack(network, x, y, eps)
                    spent.append(time.process_time() - started)
                    left = float((judge(network, x, y, eps, None, x_adv).pred == y).float().mean())
                line[f"{library}: s"], line[f"{library}: left"] = min(spent), f"{left:.3f}"
            for library in list(known)[1:]:
                line[f"{library} / nsr_core"] = f"{line[f'{library}: s'] / line['nsr_core: s']:.1f}"  # type: ignore[operator]
            lines.append({key: f"{value:.2f}" if isinstance(value, float) else value for key, value in line.items()})
    print(markdown(pd.DataFrame(lines)))


if __name__ == "__main__":
    main()
