"""DICOM waveforms (12-lead, general and ambulatory ECG), read by pydicom."""

import io
import logging
import re
import warnings
from typing import Any

import numpy as np

from nsr_core.errors import UserError
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format, Given
from nsr_core.recordings.formats.text import quote, tidy_unit
from nsr_core.recordings.recording import UNKNOWN_UNIT, Channel

_MAGIC, _MAGIC_AT = b"DICM", 128
#: A transfer syntax that unpacks a whole file at once, without a limit.
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_HEAD_BYTES = 4096
_LEAD = re.compile(r"^lead\s+|\s*\((einthoven|goldberger|wilson).*\)$", re.IGNORECASE)
logging.getLogger("pydicom").addHandler(logging.NullHandler())


def read_dicom(given: Given) -> Contents:
    """The channels of the longest group of the waveform sequence, in their units.

    Raises:
        UserError: it is damaged, holds no waveform, or more than a limit allows.
    """
    if _DEFLATED in given.content[:_HEAD_BYTES]:
        raise UserError(f"{quote(given.name)} is a deflated DICOM file, which is not read. Export it uncompressed.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(given)
        except UserError:
            raise
        except Exception as error:  # pydicom meets damage with more types than it documents
            raise UserError(
                f"{quote(given.name)} is a DICOM file that cannot be read. Export it again, or copy it again, whole."
            ) from error


def _read(given: Given) -> Contents:
    import pydicom
    from pydicom.waveforms.numpy_handler import multiplex_array

    dataset = pydicom.dcmread(io.BytesIO(given.content))
    groups = dataset.get("WaveformSequence")
    if not groups:
        raise UserError(
            f"{quote(given.name)} is a DICOM file without a waveform, such as a picture. Export the ECG as a DICOM waveform."
        )
    sizes = [int(group.NumberOfWaveformSamples) for group in groups]
    for group, size in zip(groups, sizes, strict=True):
        given.limits.check_channels(int(group.NumberOfWaveformChannels))
        given.limits.check_samples(size * int(group.NumberOfWaveformChannels))
    longest = int(np.argmax(sizes))
    samples = multiplex_array(dataset, longest, as_raw=True).astype(np.float64)
    group = groups[longest]
    fs_hz = float(group.SamplingFrequency)
    channels = [
        _channel(definition, samples[:, number].copy(), fs_hz)
        for number, definition in enumerate(group.ChannelDefinitionSequence)
        if number < samples.shape[1]
    ]
    notes = [f"The file has {len(groups)} groups of waveforms; the longest is read."] if len(groups) > 1 else []
    return Contents(channels, None, notes)


def _channel(definition: Any, digital: np.ndarray, fs_hz: float) -> Channel:
    source = _first(definition, "ChannelSourceSequence")
    name = str(source.get("CodeMeaning", "")) if source is not None else ""
    name = _LEAD.sub("", _LEAD.sub("", name or str(definition.get("ChannelLabel", ""))))
    gain, unit = definition.get("ChannelSensitivity"), _first(definition, "ChannelSensitivityUnitsSequence")
    if gain is None or unit is None:
        return Channel(name, UNKNOWN_UNIT, fs_hz, digital)
    factor = float(gain) * float(definition.get("ChannelSensitivityCorrectionFactor") or 1.0)
    base = float(definition.get("ChannelBaseline") or 0.0)
    return Channel(name, tidy_unit(str(unit.get("CodeValue", ""))), fs_hz, digital * factor + base)


def _first(dataset: Any, sequence: str) -> Any:
    found = dataset.get(sequence)
    return found[0] if found else None


DICOM = Format(
    key="dicom",
    title="DICOM ECG",
    endings=(".dcm", ".dicom"),
    recognise=lambda name, content: content[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC,
    read=read_dicom,
    reads="the channels of the longest group of waveforms",
    needs="pydicom",
)
