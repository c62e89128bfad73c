"""One side of ``benchmarks.in_turn``: attacks what comes in on standard input, with the package of the folder that it is given.

It uses nothing that only the newer of two commits has.
"""

import pickle
import sys
import time

sys.path.insert(0, sys.argv[1])

import torch

from nsr_core.attacks import BeatRandomness, get_attack
from nsr_core.compute import configure
from nsr_core.training.checkpoint import load_checkpoint


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
        x, y = torch.from_numpy(work["x"]), torch.from_numpy(work["y"])
        chance = BeatRandomness(0, work["rows"])
        started = time.process_time()
        result = get_attack(work["attack"])(networks[path], x, y, work["eps"], randomness=chance)
        spent = time.process_time() - started
        with torch.no_grad():
            prediction = networks[path](result.x_adv).argmax(1)
        found = {"step": result.step, "queries": result.queries, "noise": result.x_adv, "prediction": prediction}
        pickle.dump((spent, {name: values.numpy() for name, values in found.items()}), answers)
        answers.flush()


if __name__ == "__main__":
    main()
