"""How well beats are found in the 48 real records, as ANSI/AAMI EC57 has it reported.

::

    python -m benchmarks.detection [--root FOLDER] [--json FILE]

On each record's first signal, as if it came without annotations. A beat is found if a detection lies within 150 ms of its
annotation, one to one (``wfdb`` compares). Sensitivity is the share of the annotated beats that are found, positive predictivity
the share of the detections that are beats; by class and by record, for all records and for either half of de Chazal et al.
(2004). Ventricular flutter (record 207) is not annotated beat by beat: what is found there is counted apart, as the standard has it.

Other than in the standard the first five minutes count too: nothing is learnt in them. Besides whole records, every window of
60 s is searched as if it were a recording of its own, since people look at stretches.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from wfdb.processing import compare_annotations

from benchmarks.tables import markdown
from nsr_core.compute import configure
from nsr_core.data.beats import CLASSES, RECORD_FS_HZ
from nsr_core.data.cutting import CLASS_OF_SYMBOL
from nsr_core.data.mitbih import RECORDS
from nsr_core.data.splits import DS1, DS2
from nsr_core.data.strip import find_records
from nsr_core.recordings.files import read_path
from nsr_core.recordings.peaks import find_peaks
from nsr_core.recordings.recording import Marks

#: Of EC57: how far a detection may lie from its beat.
WITHIN_S = 0.15
WINDOW_S = 60
#: A window counts as right if the detections are as many as the annotated beats, but for this share; with fewer beats it is passed over.
MOST_OFF, LEAST_BEATS = 0.05, 40
FLUTTER_BEGINS, FLUTTER_ENDS = "[", "]"
#: Sets of records, in the order in which they are shown.
SETS: dict[str, Sequence[str]] = {"all": RECORDS, "DS1": DS1, "DS2": DS2}


@dataclass(frozen=True)
class Reference:
    """What the cardiologists annotated in a record; positions in samples at 360 Hz.

    Attributes:
        sample, label: (beats,) of each beat outside flutter.
        flutter: (start, stop) of each episode.
    """

    sample: np.ndarray
    label: np.ndarray
    flutter: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, marks: Marks) -> "Reference":
        sample = np.round(marks.time_s * RECORD_FS_HZ).astype(np.int64)
        begins = [
            place for place, symbol in zip(sample.tolist(), marks.symbols, strict=True) if symbol == FLUTTER_BEGINS
        ]
        ends = [place for place, symbol in zip(sample.tolist(), marks.symbols, strict=True) if symbol == FLUTTER_ENDS]
        label = np.array([CLASS_OF_SYMBOL.get(symbol, -1) for symbol in marks.symbols])
        whole = cls(sample[label >= 0], label[label >= 0], tuple(zip(begins, ends, strict=True)))
        outside = ~whole.in_flutter(whole.sample)
        return cls(whole.sample[outside], whole.label[outside], whole.flutter)

    def in_flutter(self, sample: np.ndarray) -> np.ndarray:
        """(n,) whether each place lies in an episode or within the tolerance of one."""
        inside = np.zeros(len(sample), bool)
        for start, stop in self.flutter:
            inside |= (sample >= start - _samples(WITHIN_S)) & (sample <= stop + _samples(WITHIN_S))
        return inside


@dataclass(frozen=True)
class Score:
    """Counts of one record.

    Attributes:
        found, beats: by class, in the order of ``CLASSES``.
        detections: outside flutter; ``in_flutter``: inside.
        windows, windows_off: how many windows of 60 s have enough beats, and in how many the detections are too many or too few.
    """

    record: str
    found: tuple[int, ...]
    beats: tuple[int, ...]
    detections: int
    in_flutter: int
    windows: int = 0
    windows_off: tuple[int, ...] = field(default=())


def score(record: str, signal: np.ndarray, reference: Reference) -> Score:
    """One record searched whole, and window by window."""
    detected = find_peaks(signal)
    in_flutter = reference.in_flutter(detected)
    found = matched(reference.sample, detected[~in_flutter])
    windows, windows_off = _windows(signal, reference)
    return Score(
        record=record,
        found=_by_class(reference.label[found]),
        beats=_by_class(reference.label),
        detections=int((~in_flutter).sum()),
        in_flutter=int(in_flutter.sum()),
        windows=windows,
        windows_off=windows_off,
    )


def matched(beats: np.ndarray, detected: np.ndarray) -> np.ndarray:
    """(beats,) bool, whether each has a detection of its own within 150 ms; both ascending, in samples."""
    if not len(beats) or not len(detected):
        return np.zeros(len(beats), bool)
    compared = compare_annotations(beats, detected, _samples(WITHIN_S) + 1)  # it takes what is less than that apart
    return compared.matching_sample_nums >= 0


def _windows(signal: np.ndarray, reference: Reference) -> tuple[int, tuple[int, ...]]:
    """How many windows have enough beats, and in which second each begins that has too many or too few detections."""
    length, counted, off = WINDOW_S * int(RECORD_FS_HZ), 0, []
    for start in range(0, len(signal) - length + 1, length):
        beats = np.count_nonzero((reference.sample >= start) & (reference.sample < start + length))
        if beats < LEAST_BEATS:
            continue
        detected = start + find_peaks(signal[start : start + length])
        count = np.count_nonzero(~reference.in_flutter(detected))
        counted += 1
        if abs(count - beats) > MOST_OFF * beats:
            off.append(start // int(RECORD_FS_HZ))
    return counted, tuple(off)


def _by_class(label: np.ndarray) -> tuple[int, ...]:
    return tuple(np.bincount(label, minlength=len(CLASSES)).tolist())


def _samples(seconds: float) -> int:
    return round(seconds * RECORD_FS_HZ)


def score_records(folder: Path, records: Sequence[str] = RECORDS) -> list[Score]:
    """Every record of a folder."""
    scores = []
    for record in records:
        recording = read_path(folder / f"{record}.hea")
        assert recording.marks is not None
        scores.append(score(record, recording.channels[0].signal[:], Reference.of(recording.marks)))
    return scores


def by_set(scores: Sequence[Score]) -> pd.DataFrame:
    """A row for each set of records: sensitivity in all and by class, positive predictivity, windows that are off."""
    chosen = {name: [each for each in scores if each.record in members] for name, members in SETS.items()}
    return pd.DataFrame([_row(name, members) for name, members in chosen.items() if members])


def by_record(scores: Sequence[Score]) -> pd.DataFrame:
    """A row for each record, with counts."""
    return pd.DataFrame(
        [
            {
                "record": each.record,
                "beats": sum(each.beats),
                "missed": sum(each.beats) - sum(each.found),
                "false": each.detections - sum(each.found),
                **_shares([each]),
                "V missed": _missed(each, "V"),
                "in flutter": each.in_flutter,
                "windows off": len(each.windows_off),
            }
            for each in scores
        ]
    )


def _missed(score: Score, name: str) -> int:
    place = CLASSES.index(name)
    return score.beats[place] - score.found[place]


def _row(name: str, scores: Sequence[Score]) -> dict[str, object]:
    found, beats = (np.sum([getattr(each, part) for each in scores], axis=0) for part in ("found", "beats"))
    classes = {f"Se {label} %": percent(*counts) for label, *counts in zip(CLASSES, found, beats, strict=True)}
    off = sum(len(each.windows_off) for each in scores)
    return (
        {"records": name, "beats": int(beats.sum())}
        | _shares(scores)
        | classes
        | {"windows off": f"{off} of {sum(each.windows for each in scores):,}"}
    )


def _shares(scores: Sequence[Score]) -> dict[str, str]:
    found = sum(sum(each.found) for each in scores)
    return {
        "Se %": percent(found, sum(sum(each.beats) for each in scores)),
        "+P %": percent(found, sum(each.detections for each in scores)),
    }


def percent(part: int, whole: int) -> str:
    """With two decimals; a dash where there is nothing to divide by."""
    return f"{100 * part / whole:.2f}" if whole else "-"


def write_json(path: Path, scores: Sequence[Score]) -> None:
    """The counts of every record."""
    path.write_text(json.dumps([asdict(each) for each in scores], indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    parser.add_argument("--json", type=Path, help="where the counts of every record go")
    given = parser.parse_args()
    configure(threads=1)
    scores = score_records(find_records(given.root))
    if given.json:
        write_json(given.json, scores)
    print(markdown(by_set(scores)), markdown(by_record(scores)), sep="\n\n")


if __name__ == "__main__":
    main()
