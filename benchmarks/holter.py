"""A day of one lead from its file to the class of each beat, measured: processor time and most memory.

::

    python -m benchmarks.holter [--hours 24] [--format wfdb|csv] [--fs 250]

The included sample, at another rate and with another amplitude every two minutes, is written to a temporary folder, and read step by
step. Then the command reads it in a process of its own, with every beat written to a CSV file; beside it stands a process that only
loads the network.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from scipy.signal import resample_poly

from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.files import read_path
from nsr_core.recordings.reading import classify, compare_with_training, probabilities, read_with
from nsr_core.recordings.sample import SECONDS, sample_recording
from nsr_core.training.checkpoint import load_checkpoint

STEPS_PER_MV = 1000
#: Standard deviation of the factors by which the repeated sample is made larger or smaller.
AMPLITUDE_SD, SEED = 0.05, 0
CHECKPOINT = Path(__file__).resolve().parents[1] / "checkpoints" / "mlp-ce"


def repeated(hours: float, fs_hz: int) -> Iterator[np.ndarray]:
    """The sample again and again, in steps of a recorder: so many int16 arrays of two minutes as the hours need."""
    rng = np.random.default_rng(SEED)
    once = resample_poly(np.asarray(sample_recording().channels[0].signal, np.float64), fs_hz, int(RECORD_FS_HZ))
    for _ in range(round(hours * 3600 / SECONDS)):
        yield np.round(once * rng.normal(1, AMPLITUDE_SD) * STEPS_PER_MV).astype("<i2")


def write_wfdb(folder: Path, hours: float, fs_hz: int) -> Path:
    """Format 16; the header's path."""
    count = 0
    with (folder / "holter.dat").open("wb") as file:
        for stretch in repeated(hours, fs_hz):
            file.write(stretch.tobytes())
            count += len(stretch)
    header = folder / "holter.hea"
    header.write_text(f"holter 1 {fs_hz} {count}\nholter.dat 16 {STEPS_PER_MV}(0)/mV 16 0 0 0 0 MLII\n")
    return header


def write_csv(folder: Path, hours: float, fs_hz: int) -> Path:
    """A column of seconds and one of mV."""
    path, count = folder / "holter.csv", 0
    with path.open("w") as file:
        file.write("time (s),MLII (mV)\n")
        for stretch in repeated(hours, fs_hz):
            file.writelines(
                f"{number / fs_hz:.3f},{value / STEPS_PER_MV:.3f}\n"
                for number, value in enumerate(stretch.tolist(), count)
            )
            count += len(stretch)
    return path


WRITERS = {"wfdb": write_wfdb, "csv": write_csv}


def most_mb() -> float:
    """Most memory that this process has held, in MB, with the interpreter and its libraries."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 * 1024


class Steps:
    """A line of a table for each step: its processor time, and the most memory held up to its end."""

    def __init__(self) -> None:
        print("| step | processor time | most memory |\n| --- | ---: | ---: |")

    def add(self, step: str, seconds: float) -> None:
        print(f"| {step} | {seconds:.1f} s | {most_mb():.0f} MB |", flush=True)


def measure(path: Path) -> None:
    steps, checkpoint = Steps(), load_checkpoint(CHECKPOINT)
    steps.add("start, write the recording, load the network", time.process_time())

    def step(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        steps.add(name, time.process_time() - start)
        return result

    recording = step("read it", lambda: read_path(path))
    cut = step("find and cut the beats", lambda: cut_recording(recording, recording.channels[0].name))
    beats, name = f"{len(cut.row):,} beats", checkpoint.name
    step(f"class of {beats} by {name}", lambda: probabilities(checkpoint.network, cut.beats.x))
    step("the same with the ten other cuts", lambda: classify(checkpoint, cut))
    reading = step("the same with the search", lambda: read_with(checkpoint, cut))
    result = step("compare with the training beats", lambda: compare_with_training(cut, {name: reading}))
    step("the table", result.table)
    print(result.search_in_words(name))


def alone(title: str, arguments: list[str]) -> None:
    """A line for a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"| {title} | {seconds:.1f} s | {after.ru_maxrss / 1e6 * 1024:.0f} MB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--format", choices=WRITERS, default="wfdb")
    parser.add_argument("--fs", type=int, default=250)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        path = WRITERS[args.format](Path(folder), args.hours, args.fs)
        network = f"from nsr_core.training.checkpoint import load_checkpoint; load_checkpoint({str(CHECKPOINT)!r})"
        print("| process | processor time | most memory |\n| --- | ---: | ---: |")
        alone("load the network", ["-c", network])  # the smaller one first: the system tells the largest of all so far
        read = ["-m", "nsr_core", "read", str(path), "--models", str(CHECKPOINT), "--csv", f"{folder}/beats.csv"]
        alone("the whole command", read)
        measure(path)


if __name__ == "__main__":
    main()
