"""The formats that recordings are read in: a file and a line here for each.

What asks for a recording (the page, the command line, ``list``, the documentation, the fuzzer) asks this table.
"""

from nsr_core.recordings.formats.csv_file import CSV
from nsr_core.recordings.formats.dicom import DICOM
from nsr_core.recordings.formats.edf import EDF
from nsr_core.recordings.formats.format import Format
from nsr_core.recordings.formats.hl7 import HL7
from nsr_core.recordings.formats.ishne import ISHNE
from nsr_core.recordings.formats.json_file import JSON
from nsr_core.recordings.formats.mat import MAT
from nsr_core.recordings.formats.muse import MUSE
from nsr_core.recordings.formats.npy import NPY
from nsr_core.recordings.formats.parquet import PARQUET
from nsr_core.recordings.formats.philips import PHILIPS
from nsr_core.recordings.formats.wfdb_record import WFDB
from nsr_core.recordings.formats.workbook import WORKBOOK

#: In the order in which they are asked whether a file is theirs; the first that says so reads it. Text comes last, for
#: it takes whatever could be text.
FORMATS: dict[str, Format] = {
    each.key: each for each in (WFDB, EDF, ISHNE, DICOM, HL7, MUSE, PHILIPS, WORKBOOK, MAT, NPY, PARQUET, JSON, CSV)
}


def format_of(name: str, content: bytes) -> Format | None:
    """The format that a file is of, by its content, else by its ending; None where no format knows it."""
    known = next((each for each in FORMATS.values() if each.recognise(name, content)), None)
    return known or next((each for each in FORMATS.values() if name.lower().endswith(each.endings)), None)


def accepted() -> str:
    """The formats in words, as a question for a file puts it."""
    titles = [f"{each.title} ({each.endings[0]})" for each in FORMATS.values()]
    return f"one of these: {', '.join(titles)}; or a zip of one"


def endings() -> tuple[str, ...]:
    """All endings that files of these formats have, without the point, and that of a zip."""
    ours = [ending for each in FORMATS.values() for ending in (*each.endings, *each.companions)]
    return tuple(dict.fromkeys(ending.removeprefix(".") for ending in (*ours, ".zip")))


def described() -> list[dict[str, str]]:
    """Of each format its key, title, endings and what is read of it, for ``list`` and the documentation."""
    return [
        {
            "key": each.key,
            "title": each.title,
            "endings": " ".join((*each.endings, *each.companions[:2])),
            "reads": each.reads,
        }
        for each in FORMATS.values()
    ]
