"""A day of one lead from its file to the class of each beat, measured: processor time and most memory.

::

    python -m benchmarks.holter [--hours 24] [--format wfdb|csv] [--search-minutes 30]

The included sample, at 250 Hz and with another amplitude every two minutes, is written to a temporary folder, read, and cut and
classified in stretches of two hours, the most that are read at once. The last beats of a stretch, whose windows close beyond it,
are left out. The search for the smallest noise is made for the first minutes only.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from scipy.signal import resample_poly

from nsr_core.data import CLASSES
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.files import read_path
from nsr_core.recordings.grid import MOST_SECONDS
from nsr_core.recordings.reading import probabilities, read_with
from nsr_core.recordings.sample import SECONDS, sample_recording
from nsr_core.training.checkpoint import load_checkpoint

FS_HZ, STEPS_PER_MV = 250, 1000
#: Standard deviation of the factors by which the repeated sample is made larger or smaller.
AMPLITUDE_SD, SEED = 0.05, 0
CHECKPOINT = Path(__file__).resolve().parents[1] / "checkpoints" / "mlp-ce"


def repeated(hours: float) -> Iterator[np.ndarray]:
    """The sample again and again, in steps of a recorder: so many int16 arrays of two minutes as the hours need."""
    rng = np.random.default_rng(SEED)
    once = resample_poly(np.asarray(sample_recording().channels[0].signal, np.float64), FS_HZ, int(RECORD_FS_HZ))
    for _ in range(round(hours * 3600 / SECONDS)):
        yield np.round(once * rng.normal(1, AMPLITUDE_SD) * STEPS_PER_MV).astype("<i2")


def write_wfdb(folder: Path, hours: float) -> Path:
    """Format 16; the header's path."""
    count = 0
    with (folder / "holter.dat").open("wb") as file:
        for stretch in repeated(hours):
            file.write(stretch.tobytes())
            count += len(stretch)
    header = folder / "holter.hea"
    header.write_text(f"holter 1 {FS_HZ} {count}\nholter.dat 16 {STEPS_PER_MV}(0)/mV 16 0 0 0 0 MLII\n")
    return header


def write_csv(folder: Path, hours: float) -> Path:
    """A column of seconds and one of mV."""
    path, count = folder / "holter.csv", 0
    with path.open("w") as file:
        file.write("time (s),MLII (mV)\n")
        for stretch in repeated(hours):
            file.writelines(
                f"{number / FS_HZ:.3f},{value / STEPS_PER_MV:.3f}\n"
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


def measure(path: Path, hours: float, search_minutes: float) -> None:
    steps, checkpoint = Steps(), load_checkpoint(CHECKPOINT)
    steps.add("start, write the recording, load the network", time.process_time())
    start = time.process_time()
    recording = read_path(path)
    steps.add("read it", time.process_time() - start)
    lead, cutting, classifying = recording.channels[0].name, 0.0, 0.0
    counts = np.zeros(len(CLASSES), int)
    for begin in np.arange(0.0, hours * 3600, MOST_SECONDS):
        start = time.process_time()
        beats = cut_recording(recording, lead, start_s=begin, stop_s=min(begin + MOST_SECONDS, hours * 3600)).beats
        middle = time.process_time()
        counts += np.bincount(probabilities(checkpoint.network, beats.x).argmax(1), minlength=len(CLASSES))
        cutting, classifying = cutting + middle - start, classifying + time.process_time() - middle
    steps.add("find and cut the beats", cutting)
    steps.add(f"classify {counts.sum():,} beats by {checkpoint.name}", classifying)
    cut = cut_recording(recording, lead, stop_s=search_minutes * 60)
    start = time.process_time()
    read_with(checkpoint, cut)
    steps.add(f"{len(cut.beats):,} beats with the search and the other cuts", time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--format", choices=WRITERS, default="wfdb")
    parser.add_argument("--search-minutes", type=float, default=30.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        measure(WRITERS[args.format](Path(folder), args.hours), args.hours, args.search_minutes)


if __name__ == "__main__":
    main()
