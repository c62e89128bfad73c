"""How well an own recording is cut and read, measured on the 48 real records as if they came without annotations.

::

    python -m benchmarks.recordings [--root FOLDER] [--out docs/recordings.md] [--json FILE] [--only PART ...]

- ``detection``, ``records``: which beats are found (``benchmarks.detection``), and how often a beat cut where it was found is read
  as the same beat cut by its annotation;
- ``cuts``: how often a reading stands wherever within 14 ms the beat is cut;
- ``time``: half an hour, from the files to the last beat's smallest noise;
- ``search``: how far what the quick search finds lies above what all attacks in turn find;
- ``unlike``: what is called unlike the training beats (``benchmarks.likeness``).

With ``--out`` the tables in that file are replaced, with ``--json`` the counts of ``detection`` are kept.
"""

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from wfdb.processing import compare_annotations

from benchmarks.detection import SETS, Score, by_record, by_set, percent, score_records, write_json
from benchmarks.likeness import shares_unlike
from benchmarks.tables import markdown
from nsr_core.attacks import get_attack
from nsr_core.beat.smallest_flip import smallest_flips
from nsr_core.compute import configure, describe_machine, pick_device
from nsr_core.data import load_beats, make_split
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.data.mitbih import RECORDS
from nsr_core.data.strip import find_records
from nsr_core.evaluation.robustness import predict
from nsr_core.models import Network
from nsr_core.recordings.beats import CutRecording, cut_recording
from nsr_core.recordings.files import read_path
from nsr_core.recordings.reading import read_recording_beats
from nsr_core.recordings.recording import Recording
from nsr_core.recordings.shifts import REACH, SHIFTS, shifted_beats
from nsr_core.training.card import list_checkpoints
from nsr_core.training.checkpoint import load_checkpoint

PARTS = ("detection", "records", "cuts", "time", "search", "unlike")
#: Two cuts are of the same beat if they lie within so much.
WITHIN_S = 0.05
READER = "mlp-ce"
SEARCHED = ("mlp-ce", "mlp-loss2", "mlp-jacob", "mlp-at0.1")
BEATS_PER_CLASS = 20
#: Of the beats one in so many is cut anew, and of these one in so many is read by a CNN, which takes a hundred times as long.
BEATS_APART, CNN_APART = 20, 10
#: Cuts this many samples away and all nearer ones are to be read alike.
REACHES = (1, 2, REACH)
CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"


def detection(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[Score]]:
    """A row for each set of records, a row for each record, and the counts."""
    scores = score_records(folder)
    network = load_checkpoint(CHECKPOINTS / READER).network
    alike = pd.DataFrame(
        [_alike(read_path(folder / f"{record}.hea"), network) for record in RECORDS], index=list(RECORDS)
    )
    sets, records = by_set(scores), by_record(scores)
    records["same %"] = [percent(*alike.loc[record]) for record in RECORDS]
    sets["same %"] = [percent(*alike.loc[list(members)].sum()) for members in SETS.values()]
    return sets, records, scores


def _alike(recording: Recording, network: Network) -> dict[str, int]:
    """Of the beats that both cuts have, how many are read as the same class."""
    lead = recording.channels[0].name
    found, marked = (cut_recording(recording, lead, use_marks=use) for use in (False, True))
    hit = compare_annotations(
        marked.beats.sample, found.beats.sample, round(WITHIN_S * RECORD_FS_HZ) + 1
    ).matching_sample_nums
    pairs = hit >= 0
    readings = [predict(network, cut.beats.x) for cut in (found, marked)]
    return {"same": int((readings[0][hit[pairs]] == readings[1][pairs]).sum()), "pairs": int(pairs.sum())}


def cuts(folder: Path) -> pd.DataFrame:
    """A row for each checkpoint: the share of the beats found that it reads alike at all cuts within 3, 6 and 14 ms."""
    checkpoints = [load_checkpoint(path) for path in list_checkpoints(CHECKPOINTS)]
    readings: dict[str, list[np.ndarray]] = {each.name: [] for each in checkpoints}
    for record in RECORDS:
        recording = read_path(folder / f"{record}.hea")
        cut = _thinned(cut_recording(recording, recording.channels[0].name))
        shifted = [shifted_beats(cut, by).x for by in SHIFTS]
        for each in checkpoints:
            every = CNN_APART if each.network.name == "cnn" else 1
            readings[each.name].append(np.column_stack([predict(each.network, x[::every]) for x in shifted]))
    return pd.DataFrame([_cuts_row(name, np.concatenate(parts)) for name, parts in readings.items()])


def _thinned(cut: CutRecording) -> CutRecording:
    rows = np.arange(0, len(cut.row), BEATS_APART)
    return replace(cut, row=cut.row[rows], beats=cut.beats[rows])


def _cuts_row(name: str, readings: np.ndarray) -> dict[str, str]:
    alike = readings == readings[:, [REACH]]
    shares = {
        f"within {1000 * reach / RECORD_FS_HZ:.0f} ms": alike[:, REACH - reach : REACH + reach + 1].all(axis=1).mean()
        for reach in REACHES
    }
    return (
        {"checkpoint": name, "beats": f"{len(readings):,}"}
        | {within: f"{100 * share:.1f} %" for within, share in shares.items()}
        | {"of 11 cuts": f"{alike.sum(axis=1).mean():.1f}"}
    )


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
                "checkpoint": name,
                "beats": len(chosen),
                "median ratio": round(float(np.median(ratio)), 3),
                "95 % of beats below": round(float(np.quantile(ratio, 0.95)), 2),
                "found by all only": int((np.isnan(quick) & np.isfinite(every)).sum()),
            }
        )
    return pd.DataFrame(found)


def _parts(root: Path | None, names: Sequence[str], json_file: Path | None) -> dict[str, str]:
    """The text of each part asked for."""
    folder = find_records(root)
    parts: dict[str, str] = {}
    if {"detection", "records"} & set(names):
        sets, records, scores = detection(folder)
        parts |= {"detection": markdown(sets), "records": markdown(records)}
        if json_file:
            write_json(json_file, scores)
    if "cuts" in names:
        parts["cuts"] = markdown(cuts(folder))
    if "time" in names:
        words = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in seconds_of_half_an_hour(folder).items())
        processor = describe_machine(pick_device("cpu"))["processor"]
        parts["time"] = f"{words} ({processor}, {RECORD_FS_HZ:g} Hz, batches searched in two threads)."
    if "search" in names:
        parts["search"] = markdown(search_against_all(root))
    if "unlike" in names:
        parts["unlike"] = markdown(shares_unlike(root))
    return parts


def _with_block(page: str, name: str, text: str) -> str:
    """The page with the text between the marks of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    return between.sub(lambda _: f"{begin}\n{text}\n{end}", page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    parser.add_argument("--out", type=Path, help="a Markdown file whose tables are replaced")
    parser.add_argument("--json", type=Path, help="where the counts of the detection go")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="which parts")
    given = parser.parse_args()
    configure(threads=1)
    parts = _parts(given.root, given.only, given.json)
    for name, text in parts.items():
        print(f"{name}\n{text}\n")
    if given.out:
        page = given.out.read_text()
        for name, text in parts.items():
            page = _with_block(page, name, text)
        given.out.write_text(page)


if __name__ == "__main__":
    main()
