"""``data``: find, download and verify the records; cut and count the beats."""

from nsr_core.cli.options import Root, Source, SplitName
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.data import CLASS_NAMES, CLASSES, load_beats, make_split


def data(source: Source = "mitbih", root: Root = None, split: SplitName = "beat", as_json: AsJson = False) -> None:
    """Get the beats and count them, by class and by part of the split.

    The first call downloads the 48 MIT-BIH records (92 MB) unless a folder is given, verifies them and cuts the beats.
    """
    beats = load_beats(source, root, Meter())
    parts = make_split(beats, split)
    rows = {"all": beats, "train": beats[parts.train], "validation": beats[parts.validation], "test": beats[parts.test]}
    counts = {name: part.class_counts() for name, part in rows.items()}
    table = columns(
        [(label, CLASS_NAMES[label], *(f"{counts[name][label]:,}" for name in rows)) for label in CLASSES]
        + [("", "all classes", *(f"{len(part):,}" for part in rows.values()))],
        ("class", "", *rows),
    )
    value = {"source": source, "split": parts.name, "fingerprint": parts.fingerprint, "counts": counts}
    emit(value, f"{table}\nsource {source}, split by {parts.name}, fingerprint {parts.fingerprint}", as_json)
