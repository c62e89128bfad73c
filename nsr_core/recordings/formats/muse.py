"""GE MUSE XML (RestingECG): the leads of the rhythm waveform, and those that follow from them."""

import base64
import binascii
import math
from xml.etree.ElementTree import Element

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.safe_xml import number_of, parse, root_name, text_of
from nsr_core.recordings.formats.text import quote, tidy_unit
from nsr_core.recordings.recording import Channel

ROOT = "RestingECG"
#: Einthoven's and Goldberger's leads as sums of I and II, which alone are stored.
_DERIVED = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}
_ORDER = ("I", "II", "III", "aVR", "aVL", "aVF")


def read_muse(given: Given) -> Contents:
    """Each lead at the waveform's rate; III, aVR, aVL and aVF are computed from I and II where the file leaves them out.

    Raises:
        UserError: it is damaged, or has no rhythm waveform.
    """
    root = parse(given.name, given.content, given.deadline)
    waveforms = root.findall("Waveform")
    rhythm = [each for each in waveforms if text_of(each, "WaveformType").lower() != "median"]
    if not rhythm:
        raise UserError(f"{quote(given.name)} is a MUSE file without a rhythm waveform. Export it with the waveforms.")
    channels = [_channel(given, lead, _rate(rhythm[0])) for lead in rhythm[0].findall("LeadData")]
    given.limits.check_samples(sum(len(channel.signal) for channel in channels))
    if not channels:
        raise UserError(f"{quote(given.name)} is a MUSE file without leads. Export it with the waveforms.")
    derived = _derive({channel.name: channel for channel in channels})
    order = {name: place for place, name in enumerate(_ORDER)}
    both = sorted([*channels, *derived], key=lambda channel: order.get(channel.name, len(order)))
    notes = [f"{', '.join(each.name for each in derived)} are computed from I and II."] if derived else []
    return Contents(both, None, notes)


def _rate(waveform: Element) -> float | None:
    base, exponent = number_of(text_of(waveform, "SampleBase")), number_of(text_of(waveform, "SampleExponent") or "0")
    fs_hz = base * 10.0**exponent if abs(exponent) < 10 else math.nan
    return fs_hz if fs_hz > 0 else None


def _channel(given: Given, lead: Element, fs_hz: float | None) -> Channel:
    name = text_of(lead, "LeadID")
    try:
        raw = base64.b64decode(text_of(lead, "WaveFormData"))
        digital = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float64)
    except (binascii.Error, ValueError) as error:
        raise UserError(f"{quote(given.name)} has damaged samples of {quote(name)}. Export it again.") from error
    gain = number_of(text_of(lead, "LeadAmplitudeUnitsPerBit"))
    unit = tidy_unit(text_of(lead, "LeadAmplitudeUnits"))
    is_scaled = math.isfinite(gain) and gain != 0
    return Channel(name, unit if is_scaled else "", fs_hz, digital * (gain if is_scaled else 1.0))


def _derive(leads: dict[str, Channel]) -> list[Channel]:
    first, second = leads.get("I"), leads.get("II")
    if first is None or second is None or len(first.signal) != len(second.signal) or first.unit != second.unit:
        return []
    have = {name.lower() for name in leads}
    return [
        Channel(name, first.unit, first.fs_hz, one * first.signal[:] + two * second.signal[:])
        for name, (one, two) in _DERIVED.items()
        if name.lower() not in have
    ]


MUSE = Format(
    key="muse",
    title="GE MUSE XML",
    endings=(".xml",),
    recognise=lambda name, content: root_name(content) == ROOT,
    read=read_muse,
    reads="the leads of the rhythm waveform; III and the augmented leads are computed where only I and II are stored",
)
