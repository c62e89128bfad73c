"""``read``: a recording, every beat of it read, and the smallest noise that changes each reading."""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from nsr_core.cli.options import Seed
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import configure
from nsr_core.data import CLASSES
from nsr_core.errors import UserError
from nsr_core.files import write_atomically
from nsr_core.progress import duration
from nsr_core.recordings.beats import CutRecording, cut_recording, has_beats
from nsr_core.recordings.files import read_path
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.quality import REASONS
from nsr_core.recordings.reading import read_recording_beats
from nsr_core.recordings.recording import MV_PER_UNIT, Recording
from nsr_core.recordings.report import report_pdf
from nsr_core.recordings.result import RecordingReading
from nsr_core.recordings.sample import sample_recording
from nsr_core.recordings.search import OF_A_LONG_ONE, Search
from nsr_core.training.checkpoint import load_checkpoint

SAMPLE = "sample"
#: How many of the most fragile beats are printed.
SHOWN = 10


def read(
    recording: Annotated[
        str,
        typer.Argument(
            help=f'A recording in any format that "list" names, a zip of one, or "{SAMPLE}" for a synthetic one.'
        ),
    ],
    models: Annotated[
        str, typer.Option(help="Checkpoints by name or folder, separated by commas.")
    ] = "mlp-ce,mlp-jacob",
    lead: Annotated[str | None, typer.Option(help="Which lead; by default the first that is an ECG.")] = None,
    fs: Annotated[float | None, typer.Option(help="Samples a second, where the file does not say or is wrong.")] = None,
    unit: Annotated[str | None, typer.Option(help="mV, uV, V or nV, where the file does not say or is wrong.")] = None,
    start: Annotated[float, typer.Option(min=0, help="Where to begin, in seconds.")] = 0.0,
    stop: Annotated[
        float | None,
        typer.Option(
            help=f"Where to end, in seconds; {LIMITS.at_once_hours:g} hours after the start at most, and by default."
        ),
    ] = None,
    marks: Annotated[
        bool | None,
        typer.Option(
            "--marks/--detect",
            help="Take the beats from the file's own marks (by default where it has some), or find them.",
        ),
    ] = None,
    prove: Annotated[
        bool, typer.Option("--prove", help="Also prove up to which level no noise changes a reading (MLP).")
    ] = False,
    search: Annotated[
        str | None,
        typer.Option(
            help='For how many beats of each network the smallest noise is searched, or "all"; by default all of up to two '
            f"hours, of more {OF_A_LONG_ONE}: half spread evenly, half the likely most fragile."
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every beat to this CSV file.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write a report to print to this PDF file.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Read every beat of a recording, and look for the smallest noise that changes each reading.

    The beats are cut exactly as the training beats were. The noise found is an upper bound; less may do.
    """
    configure(threads=1)
    if unit is not None and unit not in MV_PER_UNIT:
        raise UserError(f'There is no unit "{unit}". Give one of {", ".join(MV_PER_UNIT)}, or leave it out.')
    amount = _amount(search)
    checkpoints = [load_checkpoint(folder.strip()) for folder in models.split(",")]
    found = sample_recording() if recording == SAMPLE else read_path(recording, fs_hz=fs, progress=Meter())
    use_marks = has_beats(found.marks) if marks is None else marks
    stretch: dict[str, Any] = {"fs_hz": fs, "start_s": start, "stop_s": stop}
    cut = cut_recording(
        found, lead or found.default_lead(), unit=unit, use_marks=use_marks, progress=Meter(), **stretch
    )
    notes = [f"Note: {note}" for note in found.notes] + _unread(found, cut)
    del found  # a day of text takes room that its beats can use
    result = read_recording_beats(cut, checkpoints, prove=prove, search=amount, seed=seed, progress=Meter())
    if csv is not None:
        write_atomically(csv, lambda path: result.table().to_csv(path, index=False))
    if pdf is not None:
        titles = {checkpoint.name: checkpoint.config.title for checkpoint in checkpoints}
        content = report_pdf(result, titles, result.cut.lead.start_s)
        write_atomically(pdf, lambda path: path.write_bytes(content))
    if as_json:
        emit(result.to_json(), "", as_json)
    else:
        emit(None, _tell(notes, result), as_json)


def _amount(text: str | None) -> Search | None:
    """How many beats are searched, of what was typed."""
    if text is None:
        return None
    if text == "all":
        return "all"
    if not text.isdecimal() or not int(text):
        raise UserError(f'--search is "{text}", expected "all" or a number of beats from 1.')
    return int(text)


def _unread(recording: Recording, cut: CutRecording) -> list[str]:
    """A line where the recording goes on after the stretch because no more is read at once."""
    there = len(recording.channel(cut.lead.name).signal) / cut.lead.fs_hz
    end = cut.lead.start_s + cut.lead.seconds
    if there - end < 1 or cut.lead.seconds < 3600 * LIMITS.at_once_hours - 1:
        return []
    return [
        f"Note: the recording lasts {duration(there)}, and {duration(cut.lead.seconds)} are read at once. The rest: --start {end:.0f}"
    ]


def _tell(notes: list[str], result: RecordingReading) -> str:
    cut = result.cut
    left_out = {text: int((cut.reason == key).sum()) for key, text in REASONS.items()}
    lines = [
        *notes,
        f"{cut.recording}, lead {cut.lead.name}, {cut.lead.seconds:.0f} s from {cut.lead.start_s:g} s on: {len(cut.sample):,} beats "
        f"({cut.beats_from}), {len(cut.row):,} read, {int(result.unlike.sum()):,} of them unlike the training beats",
    ]
    lines += [f"  left out, {count:,}: {text}" for text, count in left_out.items() if count]
    if len(cut.unclassified):
        places = ", ".join(f"{second:.1f}" for second in cut.unclassified_s[:SHOWN].tolist())
        more = ", ..." if len(cut.unclassified) > SHOWN else ""
        lines.append(f"  large deflections that are not classified, {len(cut.unclassified):,}: at {places}{more} s")
    lines += ["", result.counts().to_string(index=False), ""]
    name = next(iter(result.networks))
    rows = result.table().dropna(subset=[f"{name} flips at"]).nsmallest(SHOWN, f"{name} flips at")
    lines.append(f"Most fragile readings of {name} (noise within ± changes them; protocol custom, see --json):")
    shown = [
        f"{name} class",
        f"{name} p",
        f"{name} flips at",
        f"{name} flips at mV",
        f"{name} proved to",
        f"{name} stands over",
    ]
    cells = [
        (f"{row['time_s']:.2f}", *("-" if pd.isna(row[column]) else str(row[column]) for column in shown))
        for _, row in rows.iterrows()
    ]
    lines.append(columns(cells, ("time s", "class", "p", "± range", "± mV", "proved to", "cuts")))
    lines += [f"{each}: {result.search_in_words(each)} {result.cuts_in_words(each)}" for each in result.networks]
    lines.append(f"Classes: {', '.join(CLASSES)}. Research and education only, not for clinical use.")
    return "\n".join(lines)
