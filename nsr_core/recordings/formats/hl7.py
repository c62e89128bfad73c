"""HL7 annotated ECG (aECG, HL7 V3): the leads of the rhythm series."""

import math
from xml.etree.ElementTree import Element

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.safe_xml import number_of, parse, root_name, whole_numbers
from nsr_core.recordings.formats.text import quote, tidy_unit
from nsr_core.recordings.recording import Channel

ROOT = "AnnotatedECG"
_LEAD, _TIMES = "MDC_ECG_LEAD_", ("TIME_ABSOLUTE", "TIME_RELATIVE")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


def read_hl7(given: Given) -> Contents:
    """Each lead of the first set of sequences that has any, in its unit: origin plus scale times digits.

    Raises:
        UserError: it is damaged or another kind of XML, or holds no series of samples.
    """
    root = parse(given.name, given.content, given.deadline)
    if root.tag != ROOT:
        raise UserError(
            f"{quote(given.name)} is XML that begins with {quote(root.tag)}. Of XML, HL7 annotated ECG, GE MUSE and Philips Sierra "
            "are read; export it as one of these, or as CSV."
        )
    sets = [(_channels(given, each), each) for each in root.findall("component/series/component/sequenceSet")]
    found = [channels for channels, _ in sets if channels]
    if not found:
        raise UserError(
            f"{quote(given.name)} is an HL7 annotated ECG without a series of samples. Export it again with the waveforms."
        )
    notes = [f"The file has {len(found)} stretches; the first is read."] if len(found) > 1 else []
    return Contents(found[0], None, notes)


def _channels(given: Given, sequences: Element) -> list[Channel]:
    fs_hz, channels, held = None, [], 0
    for sequence in sequences.findall("component/sequence"):
        given.deadline.check()
        code, value = sequence.find("code"), sequence.find("value")
        if code is None or value is None:
            continue
        name = code.get("code", "")
        digits = value.find("digits")
        if name in _TIMES:
            fs_hz = _rate(value.find("increment"))
        elif digits is not None and digits.text:
            scale, origin = value.find("scale"), value.find("origin")
            factor = number_of(scale.get("value")) if scale is not None else math.nan
            base = number_of(origin.get("value")) if origin is not None else 0.0
            try:
                signal = whole_numbers(digits.text, given.limits.samples - held)
            except ValueError as error:
                raise UserError(
                    f"{quote(given.name)} has digits of {quote(name)} that are no numbers, or too many. Export it again."
                ) from error
            held += len(signal)
            unit = tidy_unit(scale.get("unit", "")) if scale is not None and math.isfinite(factor) else ""
            signal = signal * (factor if math.isfinite(factor) else 1.0) + (base if math.isfinite(base) else 0.0)
            channels.append(Channel(_lead(name), unit, None, signal))
    return [Channel(each.name, each.unit, fs_hz, each.signal) for each in channels]


def _lead(code: str) -> str:
    """``MDC_ECG_LEAD_AVR`` as ``aVR``."""
    name = code.removeprefix(_LEAD).removeprefix("MDC_ECG_").replace("_", " ")
    return f"aV{name[2]}" if name.upper() in ("AVR", "AVL", "AVF") else name


def _rate(increment: Element | None) -> float | None:
    if increment is None:
        return None
    step_s = number_of(increment.get("value")) * _SECONDS.get(increment.get("unit", "s"), math.nan)
    return 1 / step_s if step_s > 0 else None


HL7 = Format(
    key="hl7",
    title="HL7 annotated ECG",
    endings=(".xml", ".aecg"),
    recognise=lambda name, content: root_name(content) == ROOT,
    read=read_hl7,
    reads="the leads of the first series",
)
