"""One side of ``benchmarks.in_turn``: attacks what comes in on standard input, with the package of the folder that it is given.

It uses nothing that only the newer of two commits has.
"""

import pickle
import sys
import time
from typing import Any

sys.path.insert(0, sys.argv[1])

import torch

from nsr_core.attacks import BeatRandomness, get_attack
from nsr_core.compute import configure
from nsr_core.methods.adversarial import Adversarial
from nsr_core.training.checkpoint import load_checkpoint

#: Stands for the attack that the adversarial methods train against.
TRAINING = "training"
Found = tuple[float, dict[str, torch.Tensor]]


def attacked(network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, work: dict[str, Any]) -> Found:
    """CPU seconds, and what came of each beat."""
    chance = BeatRandomness(0, work["rows"])
    started = time.process_time()
    result = get_attack(work["attack"])(network, x, y, work["eps"], randomness=chance)
    spent = time.process_time() - started
    with torch.no_grad():
        prediction = network(result.x_adv).argmax(1)
    return spent, {"step": result.step, "prediction": prediction, "queries": result.queries, "noise": result.x_adv}


def trained_against(network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, work: dict[str, Any]) -> Found:
    """The same of the attack that ``adv`` trains against, batch by batch as in a training."""
    network.requires_grad_(True)
    method, uniform = Adversarial(eps=work["eps"]), BeatRandomness(0, work["rows"]).uniform(x.shape[1])
    started = time.process_time()
    parts = [method.attack(network, *part) for part in zip(*(one.split(128) for one in (x, y, uniform)), strict=True)]
    spent = time.process_time() - started
    x_adv = torch.cat(parts)
    with torch.no_grad():
        prediction = network(x_adv).argmax(1)
    network.requires_grad_(False)
    return spent, {"prediction": prediction, "noise": x_adv}


def main() -> None:
    configure(threads=1)
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    networks: dict[str, torch.nn.Module] = {}
    while True:
        try:
            work = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        path = work["checkpoint"]
        if path not in networks:
            networks[path] = load_checkpoint(path).network
        carry_out = trained_against if work["attack"] == TRAINING else attacked
        spent, found = carry_out(networks[path], torch.from_numpy(work["x"]), torch.from_numpy(work["y"]), work)
        pickle.dump((spent, {name: values.numpy() for name, values in found.items()}), answers)
        answers.flush()


if __name__ == "__main__":
    main()
