"""Philips Sierra ECG XML 1.03 and 1.04: its leads, unpacked with the decoders of ``sierraecg``.

The document is read here and not by ``sierraecg``, which unpacks whatever a chunk says, without a limit.
"""

import base64
import binascii
import math
from xml.etree.ElementTree import Element

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.safe_xml import number_of, parse, root_name, text_of
from nsr_core.recordings.formats.text import quote
from nsr_core.recordings.recording import UNKNOWN_UNIT, Channel

ROOT = "restingecgdata"
_STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
#: More bytes of one lead than a resting ECG has (10 s at 1000 Hz in 2 bytes), by far.
MOST_BYTES = 400_000
_CHUNK_HEADER, _CODE_BITS = 8, 10


def read_philips(given: Given) -> Contents:
    """The parsed waveforms; limb leads that are stored as differences from what I and II make them are put together.

    Raises:
        UserError: it is damaged, of another version, or packed in a way that is not known.
    """
    root = parse(given.name, given.content, given.deadline)
    waveforms = root.find(".//parsedwaveforms")
    signals = root.find(".//signalcharacteristics")
    if waveforms is None or signals is None:
        raise UserError(f"{quote(given.name)} is a Philips file without waveforms. Export it with the waveforms.")
    fs_hz = number_of(text_of(signals, "samplingrate"))
    step_uv = number_of(text_of(signals, "resolution"))
    try:
        leads = _leads(given, waveforms, fs_hz)
    except UserError:
        raise
    except Exception as error:  # base64, and sierraecg, which meets damage with whatever its arithmetic raises
        raise UserError(f"{quote(given.name)} has damaged waveforms. Export it again, or copy it again.") from error
    names = _names(waveforms, len(leads))
    is_scaled = math.isfinite(step_uv) and step_uv > 0
    return Contents(
        [
            Channel(name, "uV" if is_scaled else UNKNOWN_UNIT, fs_hz if fs_hz > 0 else None, signal * (step_uv if is_scaled else 1.0))
            for name, signal in zip(names, leads, strict=True)
        ]
    )  # fmt: skip


def _leads(given: Given, waveforms: Element, fs_hz: float) -> list[np.ndarray]:
    """(samples,) float64 of each lead, in steps of the resolution."""
    raw = base64.b64decode("".join((waveforms.text or "").split()), validate=True)
    packing = waveforms.get("compressmethod") or waveforms.get("compression") or "Uncompressed"
    if packing == "XLI":
        return _put_together([_unpack(given, chunk, start) for chunk, start in _chunks(given, raw)])
    if packing != "Uncompressed":
        raise UserError(f"{quote(given.name)} is packed by {quote(packing)}, which is not read. Export it as CSV.")
    count = number_of(waveforms.get("durationperchannel")) * fs_hz / 1000
    if not 1 <= count <= len(raw) / 2:
        raise binascii.Error("fewer samples than the file says")
    samples = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float64)
    return [samples[at : at + int(count)] for at in range(0, len(samples) - int(count) + 1, int(count))]


def _chunks(given: Given, raw: bytes) -> list[tuple[bytes, int]]:
    """The packed bytes of each lead, and the number that its differences begin with."""
    chunks, at = [], 0
    while at + _CHUNK_HEADER <= len(raw):
        size = int.from_bytes(raw[at : at + 4], "little", signed=True)
        start = int.from_bytes(raw[at + 6 : at + 8], "little", signed=True)
        at += _CHUNK_HEADER
        if size <= 0 or at + size > len(raw):
            raise binascii.Error("a lead is longer than what there is")
        chunks.append((raw[at : at + size], start))
        at += size
        given.limits.check_channels(len(chunks))
    return chunks


def _unpack(given: Given, chunk: bytes, start: int) -> np.ndarray:
    from sierraecg.lzw import LzwDecoder
    from sierraecg.xli import xli_decode_deltas

    decoder = LzwDecoder(chunk, bits=_CODE_BITS)
    buffer: list[int] = []
    while (byte := decoder.read()) != -1:
        buffer.append(byte & 0xFF)
        if len(buffer) > MOST_BYTES:
            raise UserError(
                f"{quote(given.name)} has a lead of more than {MOST_BYTES:,} bytes. Export a shorter stretch."
            )
    given.deadline.check()
    with np.errstate(all="ignore"):
        return xli_decode_deltas(buffer + [0] * (len(buffer) % 2), start).astype(np.float64)


def _put_together(leads: list[np.ndarray]) -> list[np.ndarray]:
    """Leads III, aVR, aVL and aVF out of what is stored: how far they are from what I and II make them."""
    if len(leads) < 6 or len({len(lead) for lead in leads}) != 1:
        return leads
    one, two = leads[:2]
    three = two - one - leads[2]
    right = -leads[3] - np.floor((one + two) / 2)
    left = np.floor((one - three) / 2) - leads[4]
    foot = np.floor((two + three) / 2) - leads[5]
    return [one, two, three, right, left, foot, *leads[6:]]


def _names(waveforms: Element, count: int) -> list[str]:
    listed = (waveforms.get("leadlabels") or "").split()
    names = listed if len(listed) >= count else list(_STANDARD)
    return [names[place] if place < len(names) else f"channel {place + 1}" for place in range(count)]


PHILIPS = Format(
    key="philips",
    title="Philips Sierra XML",
    endings=(".xml",),
    recognise=lambda name, content: root_name(content) == ROOT,
    read=read_philips,
    reads="the parsed waveforms of versions 1.03 and 1.04, packed by XLI or not",
    needs="sierraecg",
)
