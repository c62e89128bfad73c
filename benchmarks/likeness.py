"""Which changed beats, and which signals that are no beats, are called unlike the training beats.

::

    python -m benchmarks.likeness [--root FOLDER]

On 2,000 test beats of the split by beat, drawn with seed 0. Whatever is put in a beat's place is as long as the beat, scaled to
[0, 1] and padded with zeros; what is cut late is cut from the records anew.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.tables import markdown
from nsr_core.data import load_beats, make_split
from nsr_core.data.beats import FS_HZ, RECORD_FS_HZ, Beats
from nsr_core.data.strip import find_records
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.files import read_path
from nsr_core.recordings.likeness import load_likeness, unlike

BEATS = 2_000
#: A beat's signal, without its padding, and chance, to another signal of the same length.
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
#: Samples of the record, at 360 Hz.
LATE = 21
SINE_HZ = 1.0, 10.0
COUNTED = 16, 256


def _in_noise(deviation: float) -> Change:
    return lambda signal, rng: signal + rng.normal(0, deviation, len(signal))


def _sine(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    turns = rng.uniform(*SINE_HZ) / FS_HZ * np.arange(len(signal))
    return np.sin(2 * np.pi * (turns + rng.random()))


def _counter(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (np.arange(len(signal)) + rng.integers(COUNTED[1])) % rng.integers(*COUNTED)


CHANGES: dict[str, Change] = {
    "as they are": lambda signal, rng: signal,
    "with white noise of standard deviation 0.1": _in_noise(0.1),
    "with white noise of standard deviation 0.2": _in_noise(0.2),
    "backwards": lambda signal, rng: signal[::-1],
    "upside down": lambda signal, rng: -signal,
    "a random walk": lambda signal, rng: rng.normal(size=len(signal)).cumsum(),
    f"a sine wave of {SINE_HZ[0]:g} to {SINE_HZ[1]:g} Hz": _sine,
    "a straight line": lambda signal, rng: rng.choice([-1.0, 1.0]) * np.arange(len(signal)),
    f"a counter that starts again after {COUNTED[0]} to {COUNTED[1]} samples": _counter,
    "white noise alone": lambda signal, rng: rng.normal(size=len(signal)),
}


def shares_unlike(root: Path | None) -> pd.DataFrame:
    """A row for each change: the share of beats that are called unlike."""
    beats = load_beats("mitbih", root)
    rng = np.random.default_rng(0)
    chosen = beats[rng.permutation(make_split(beats, "beat").test)[:BEATS]]
    shares = {name: _share_unlike([_changed(chosen, change, rng)]) for name, change in CHANGES.items()}
    shares[f"cut {1000 * LATE / RECORD_FS_HZ:.0f} ms late"] = _share_unlike(_cut_late(chosen, find_records(root)))
    return pd.DataFrame({"beats": shares.keys(), "unlike": [f"{100 * share:.0f} %" for share in shares.values()]})


def _changed(chosen: Beats, change: Change, rng: np.random.Generator) -> Beats:
    x = np.zeros_like(chosen.x)
    for row, length in enumerate(chosen.length):
        signal = change(chosen.x[row, :length], rng)
        x[row, :length] = (signal - signal.min()) / np.ptp(signal)
    return replace(chosen, x=x)


def _cut_late(chosen: Beats, folder: Path) -> list[Beats]:
    """The same beats from their records, as if each annotation came later."""
    parts = []
    for record in np.unique(chosen.record).tolist():
        recording = read_path(folder / f"{record}.hea")
        assert recording.marks is not None
        late = replace(recording.marks, time_s=recording.marks.time_s + LATE / RECORD_FS_HZ)
        cut = cut_recording(replace(recording, marks=late), recording.channels[0].name, use_marks=True)
        places = cut.sample[cut.row] - LATE
        parts.append(cut.beats[np.flatnonzero(np.isin(places, chosen.sample[chosen.record == record]))])
    return parts


def _share_unlike(parts: list[Beats]) -> float:
    likeness = load_likeness()
    return float(np.mean(np.concatenate([unlike(likeness, beats) for beats in parts])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    print(markdown(shares_unlike(parser.parse_args().root)))


if __name__ == "__main__":
    main()
