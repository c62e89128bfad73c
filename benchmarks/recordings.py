"""How well an own recording is cut and read, measured on the 48 real records as if they came without annotations.

::

    python -m benchmarks.recordings [--root FOLDER] [--out docs/recordings.md]

For each record, of its first signal: annotated beats found within 50 ms, beats found where none is annotated, and how often a
beat cut by the detector is read as the same beat cut by its annotation. Beyond that: the time for half an hour, how far
what the quick search finds lies above what all attacks in turn find, and what is called unlike the training beats. With
``--out`` the tables in that file are replaced.
"""

import argparse
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.likeness import shares_unlike
from benchmarks.tables import markdown
from nsr_core.attacks import get_attack
from nsr_core.beat.smallest_flip import smallest_flips
from nsr_core.compute import configure, describe_machine, pick_device
from nsr_core.data import load_beats, make_split
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.data.cutting import CLASS_OF_SYMBOL
from nsr_core.data.mitbih import RECORDS
from nsr_core.data.strip import find_records
from nsr_core.evaluation.robustness import predict
from nsr_core.models import Network
from nsr_core.recordings.beats import CutRecording, cut_recording
from nsr_core.recordings.files import read_path
from nsr_core.recordings.reading import read_recording_beats
from nsr_core.recordings.recording import Recording
from nsr_core.training.checkpoint import load_checkpoint

WITHIN_S = 0.05
READER = "mlp-ce"
SEARCHED = ("mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-at0.1")
BEATS_PER_CLASS = 20
CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"


def pairs(found: np.ndarray, true: np.ndarray, within: float) -> list[tuple[int, int]]:
    """One to one and in order, the nearest first where there is a choice: (place in ``found``, place in ``true``)."""
    matched, i, j = [], 0, 0
    while i < len(found) and j < len(true):
        apart = found[i] - true[j]
        if abs(apart) <= within:
            while i + 1 < len(found) and abs(found[i + 1] - true[j]) < abs(found[i] - true[j]):
                i += 1
            matched.append((i, j))
            i, j = i + 1, j + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return matched


def of_record(recording: Recording, network: Network) -> dict[str, object]:
    """One row of the table: counts, not shares."""
    lead, marks = recording.channels[0].name, recording.marks
    assert marks is not None
    beats = marks.time_s[[symbol in CLASS_OF_SYMBOL for symbol in marks.symbols]]
    by_detector = cut_recording(recording, lead)
    by_marks = cut_recording(recording, lead, use_marks=True)
    # The last beat that was found ends the window of the one before and has none of its own.
    hits = len(pairs(by_detector.time_s, beats, WITHIN_S))
    same = _same_reading(by_detector, by_marks, network)
    return {
        "record": recording.name, "beats": len(beats), "found": hits, "false": len(by_detector.sample) - hits,
        "compared": len(same), "read the same": int(same.sum()),
    }  # fmt: skip


def _same_reading(by_detector: CutRecording, by_marks: CutRecording, network: Network) -> np.ndarray:
    """(pairs,) whether a beat is read as the same class however it was cut."""
    times = [cut.time_s[cut.row] for cut in (by_detector, by_marks)]
    matched = np.array(pairs(*times, WITHIN_S), np.int64).reshape(-1, 2)
    readings = [predict(network, cut.beats.x) for cut in (by_detector, by_marks)]
    return readings[0][matched[:, 0]] == readings[1][matched[:, 1]]


def detection(folder: Path) -> pd.DataFrame:
    """A row for each record, and one for all."""
    network = load_checkpoint(CHECKPOINTS / READER).network
    rows = pd.DataFrame([of_record(read_path(folder / f"{record}.hea"), network) for record in RECORDS])
    everything = {"record": "all", **rows.drop(columns="record").sum().to_dict()}
    table = pd.concat([rows, pd.DataFrame([everything])], ignore_index=True)
    table["found %"] = (100 * table["found"] / table["beats"]).round(2)
    table["same %"] = (100 * table["read the same"] / table["compared"]).round(1)
    return table


def seconds_of_half_an_hour(folder: Path) -> dict[str, float]:
    """Record 208 (2,955 beats in 30 min) from the files to the last beat's smallest noise."""
    started = time.perf_counter()
    recording = read_path(folder / "208.hea")
    read = time.perf_counter()
    cut = cut_recording(recording, recording.channels[0].name)
    found = time.perf_counter()
    read_recording_beats(cut, [load_checkpoint(CHECKPOINTS / READER)])
    ended = time.perf_counter()
    return {"files": read - started, "beats": found - read, "readings": ended - found, "in all": ended - started}


def search_against_all(root: Path | None) -> pd.DataFrame:
    """What the quick search finds over what all attacks in turn find, by the same search over levels; test beats, signal only."""
    beats = load_beats("mitbih", root)
    test = make_split(beats, "beat").test
    rng = np.random.default_rng(0)
    rows = [rng.permutation(test[beats.y[test] == label])[:BEATS_PER_CLASS] for label in range(5)]
    chosen = beats[np.concatenate(rows)]
    found = []
    for name in SEARCHED:
        network = load_checkpoint(CHECKPOINTS / name).network
        quick = smallest_flips(network, chosen)
        every = smallest_flips(network, chosen, attack=get_attack("worst-case"))
        both = np.isfinite(quick) & np.isfinite(every)
        ratio = quick[both] / every[both]
        found.append(
            {
                "checkpoint": name, "beats": len(chosen), "median ratio": round(float(np.median(ratio)), 3),
                "95 % of beats below": round(float(np.quantile(ratio, 0.95)), 2),
                "found by all only": int((np.isnan(quick) & np.isfinite(every)).sum()),
            }
        )  # fmt: skip
    return pd.DataFrame(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    parser.add_argument("--out", type=Path, help="a Markdown file whose tables are replaced")
    given = parser.parse_args()
    configure(threads=1)
    folder = find_records(given.root)
    spent = seconds_of_half_an_hour(folder)
    words = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.items())
    processor = describe_machine(pick_device("cpu"))["processor"]
    parts = {
        "detection": markdown(
            detection(folder)[["record", "beats", "found", "false", "found %", "compared", "same %"]]
        ),
        "time": f"{words} ({processor}, {RECORD_FS_HZ:g} Hz, batches searched in two threads).",
        "search": markdown(search_against_all(given.root)),
        "unlike": markdown(shares_unlike(given.root)),
    }
    for name, text in parts.items():
        print(f"{name}\n{text}\n")
    if given.out:
        page = given.out.read_text()
        for name, text in parts.items():
            begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
            page = re.sub(f"{begin}.*?{end}", lambda _, t=text, b=begin, e=end: f"{b}\n{t}\n{e}", page, flags=re.DOTALL)
        given.out.write_text(page)


if __name__ == "__main__":
    main()
