"""How long a certificate takes, beside an older state of the project; and what no sample may contradict.

python -m benchmarks.certificates time checkpoints/mlp-ce --against ../older    # old and new in turn, CPU time a beat
python -m benchmarks.certificates samples checkpoints/cnn-ce --count 100000     # samples in the certified boxes
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from nsr_core.attacks import Box
from nsr_core.certificates import certified_eps
from nsr_core.data import load_beats
from nsr_core.training.checkpoint import load_checkpoint

app = typer.Typer(add_completion=False)
HERE = Path(__file__).resolve().parents[1]
#: Run in either state of the project, with its own code.
PROGRAM = """
import json, sys, time, numpy as np, torch
torch.set_num_threads(1)
from nsr_core.certificates import certify_beats
from nsr_core.data import load_beats
from nsr_core.training.checkpoint import load_checkpoint
beats, network = load_beats("demo"), load_checkpoint(sys.argv[1]).network
rows = np.arange(len(beats))[:: len(beats) // int(sys.argv[2])][: int(sys.argv[2])]
certify_beats(network, beats, rows[:16], method=sys.argv[3])
began = time.process_time()
table = certify_beats(network, beats, rows, method=sys.argv[3])
print(json.dumps([(time.process_time() - began) / len(rows), table["certified"].tolist()]))
"""


def _run(root: Path, checkpoint: Path, count: int, method: str) -> tuple[float, list[float]]:
    command = [sys.executable, "-c", PROGRAM, str(checkpoint), str(count), method]
    result = subprocess.run(
        command, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True
    )
    seconds, levels = json.loads(result.stdout)
    return seconds, levels


@app.command("time")
def time_it(
    checkpoint: Path,
    against: Annotated[Path | None, typer.Option(help="Folder of an older state of the project.")] = None,
    count: int = 160,
    method: str = "crown",
    rounds: int = 3,
) -> None:
    """CPU time a beat, in turn with an older state, and how the levels compare."""
    checkpoint, states = checkpoint.resolve(), {"new": HERE} | ({"old": against.resolve()} if against else {})
    taken: dict[str, list[float]] = {name: [] for name in states}
    levels: dict[str, np.ndarray] = {}
    for _ in range(rounds):
        for name, root in states.items():
            seconds, found = _run(root, checkpoint, count, method)
            taken[name].append(seconds)
            levels[name] = np.array(found)
    for name, times in taken.items():
        print(
            f"{name}: {1e3 * float(np.median(times)):.2f} ms a beat, from {1e3 * min(times):.2f} to {1e3 * max(times):.2f}"
        )
    if against:
        print(f"new / old: {float(np.median(taken['new']) / np.median(taken['old'])):.2f}")
        proved = levels["old"] > 0
        share = levels["new"][proved] / levels["old"][proved]
        print(f"levels, new / old: from {share.min():.5f} to {share.max():.5f}, median {np.median(share):.5f}")


@app.command()
def samples(checkpoint: Path, count: int = 100_000, beats: int = 5) -> None:
    """Draw samples, half of them corners, in the certified box of beats: none may be read otherwise."""
    torch.set_num_threads(1)
    network, demo = load_checkpoint(checkpoint).network, load_beats("demo")
    rows = np.arange(0, len(demo), len(demo) // beats)[:beats]
    x, y = torch.from_numpy(demo.x[rows]), torch.from_numpy(demo.y[rows])
    began = time.process_time()
    certified = certified_eps(network, x, y)
    print(
        f"certified {[round(level, 5) for level in certified.tolist()]}, {(time.process_time() - began) / beats:.2f} s a beat"
    )
    generator = torch.Generator().manual_seed(0)
    for row in certified.nonzero()[:, 0].tolist():
        box, flips = Box.around(x[[row]], float(certified[row])), 0
        for _ in range(0, count, 1000):
            share = torch.rand(1000, x.shape[1], generator=generator)
            share[500:] = share[500:].round()
            with torch.inference_mode():
                read = network(box.clip(box.low + share * (box.high - box.low))).argmax(1)
            flips += int((read != y[row]).sum())
        print(f"beat {rows[row]}: {flips} of {count:,} samples are read otherwise")
        if flips:
            raise SystemExit(1)


if __name__ == "__main__":
    app()
