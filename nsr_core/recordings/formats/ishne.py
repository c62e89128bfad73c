"""ISHNE Holter files, version 1.0: a header of 522 bytes, and whole numbers of 16 bits, lead by lead in each sample.

Format: Badilini F. The ISHNE Holter Standard Output File Format. Ann Noninvasive Electrocardiol 1998.
"""

import struct
from functools import partial

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.pages import Records
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.recording import UNKNOWN_UNIT, Channel, Samples

_MAGIC = b"ISHNE1.0"
_HEADER_BYTES = 522
#: Where fields stand, from the file's beginning.
_SIZES_AT, _LEADS_AT, _NAMES_AT, _STEPS_AT, _RATE_AT = 10, 156, 158, 206, 272
_MOST_LEADS = 12
_NAMES = ("", "", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "ES", "AS", "AI")  # fmt: skip


def read_ishne(given: Given) -> Contents:
    """Each lead; in nV where the header tells the size of a step. The samples stay where they are until they are looked at.

    Raises:
        UserError: it is cut off, or its header cannot be.
    """
    content = given.content
    if len(content) < _HEADER_BYTES:
        raise UserError(f"{quote(given.name)} is an ISHNE file without its header. Copy it again, whole.")
    _, announced, _, start = struct.unpack("<iiii", content[_SIZES_AT : _SIZES_AT + 16])
    (leads,) = struct.unpack("<h", content[_LEADS_AT : _LEADS_AT + 2])
    (fs_hz,) = struct.unpack("<h", content[_RATE_AT : _RATE_AT + 2])
    names, steps = (
        struct.unpack(f"<{_MOST_LEADS}h", content[at : at + 2 * _MOST_LEADS]) for at in (_NAMES_AT, _STEPS_AT)
    )
    if not 1 <= leads <= _MOST_LEADS or fs_hz <= 0 or not _HEADER_BYTES <= start < len(content):
        raise UserError(
            f"{quote(given.name)} is an ISHNE file with {leads} leads at {fs_hz} Hz from byte {start:,} on, which cannot be. "
            "Export it again, or copy it again."
        )
    frames = (len(content) - start) // (2 * leads)
    given.limits.check_streamed(frames * leads)
    if frames == 0:
        raise UserError(f"{quote(given.name)} is an ISHNE file without samples. Copy it again, whole.")
    channels = []
    for lead in range(leads):
        records = Records(content, start, 2 * leads, 2 * lead, 1)
        name = _NAMES[names[lead]] if 0 <= names[lead] < len(_NAMES) else ""
        step_nv = float(steps[lead])
        read = partial(_physical, records, step_nv if step_nv > 0 else 1.0)
        channels.append(
            Channel(
                name or f"ECG {lead + 1}", "nV" if step_nv > 0 else UNKNOWN_UNIT, float(fs_hz), Samples(frames, read)
            )
        )
    notes = []
    if announced > 0 and announced not in (frames, frames * leads) and announced > frames:
        notes.append(f"The file is cut off: its header announces {announced:,} samples, {frames:,} are there.")
    return Contents(channels, None, notes)


def _physical(records: Records, step: float, first: int, last: int) -> np.ndarray:
    return step * records.digital(first, last).astype(np.float64)


ISHNE = Format(
    key="ishne",
    title="ISHNE Holter",
    endings=(".ecg", ".ishne"),
    recognise=lambda name, content: content[: len(_MAGIC)] == _MAGIC,
    is_streamed=True,
    read=read_ishne,
    reads="all leads",
)
