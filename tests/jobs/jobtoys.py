"""Small jobs, and waiting for what other processes do."""

import time

from nsr_core.jobs.kinds import Training
from nsr_core.training.config import paper_config


def wait_for(condition, seconds=120.0):
    """What ``condition`` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return value


def training(epochs=2, **changes):
    """40 steps, and so one report of progress, an epoch."""
    settings = {"source": "demo", "epochs": epochs, "batch_size": 16, **changes}
    return Training(paper_config("mlp", "mseMargin", **settings), device="cpu")


class Toy:
    """A job of kind "toy" that does what the test says."""

    kind = name = "toy"
    title = "A toy"

    def __init__(self, act=lambda folder, progress: None):
        self.act = act

    def check(self):
        pass

    def to_json(self):
        return {"size": 1}

    def from_json(self, values):
        assert values == {"size": 1}
        return self

    def carry_out(self, folder, progress):
        self.act(folder, progress)
